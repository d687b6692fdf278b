import * as z from 'zod';
import { architectureMapSchema } from './architecture.js';
import { notification, request } from './messages.js';
import { runViewSchema, seriesSchema } from './run.js';
import {
  alternativeSchema,
  architectureSchema,
  costNameSchema,
  frontAxesSchema,
  frontPointSchema,
  importedViewSchema,
  layerDetailSchema,
  layerRuleSchema,
  storedMetricsSchema,
  rangeSchema,
  solveAnswerSchema,
} from './solution.js';
import { importedSchema, preflightItemSchema } from './questions.js';

// What the panel and the extension host tell each other. The host sends whole snapshots, never differences.

/** One limit as the spec has it; `problem` where its text is not understood. */
export const specLimitSchema = z.object({ metric: costNameSchema, text: z.string(), problem: z.string().nullable() });

export const specViewSchema = z.object({
  uri: z.string(),
  name: z.string(),
  /** The first problem of the text; null when the spec can be used. */
  problem: z.string().nullable(),
  limits: z.array(specLimitSchema),
  rules: z.array(layerRuleSchema),
  /** `32 × (128 + 128) tokens on onnxruntime`. */
  target: z.string(),
});
export type SpecView = z.infer<typeof specViewSchema>;

/** A model of the comparison: the parent, the child, a baseline, or a solution that was only predicted. */
export const comparedModelSchema = z.object({
  name: z.string(),
  dir: z.string().nullable(),
  parameters: z.number(),
  memoryBytes: z.number(),
  predictedThroughput: z.number().nullable(),
  measuredThroughput: z.number().nullable(),
  speedup: z.object({ median: z.number(), low: z.number(), high: z.number() }).nullable(),
  perplexity: z.number().nullable(),
  kl: z.number().nullable(),
  accuracy: z.number().nullable(),
  accuracyStandardError: z.number().nullable(),
  tasks: z.array(z.object({ name: z.string(), items: z.number(), chance: z.number(), accuracy: z.number() })),
});
export type ComparedModel = z.infer<typeof comparedModelSchema>;

/** An architecture that was solved for, with what is predicted of it. */
export const comparedSolutionSchema = z.object({
  /**
   * `child`: the run's child has it; `present`: the optimum under the present limits; `earlier`: the search was solved for
   * it once; `kept`: somebody kept it.
   */
  origin: z.enum(['child', 'present', 'earlier', 'kept']),
  /** Whose it is, where several runs are compared. */
  run: z.string().nullable(),
  /** `throughput >= 2.17x`. */
  limits: z.array(z.string()),
  /** Sum of scores, nats/token. */
  objective: z.number(),
  totals: storedMetricsSchema,
  parent: storedMetricsSchema,
  architecture: architectureSchema,
});
export type ComparedSolution = z.infer<typeof comparedSolutionSchema>;

/** The first model is the parent, which the others are compared with. */
export const comparisonSchema = z.object({
  models: z.array(comparedModelSchema),
  /** Path of `report.json`; null where nothing is measured yet, or several runs are compared. */
  report: z.string().nullable(),
  /** The child's in front, where there is one; those that were kept last, in their order. */
  solutions: z.array(comparedSolutionSchema),
});
export type Comparison = z.infer<typeof comparisonSchema>;

/**
 * A search by a spec; the map of a model config alone, with no spec and no run; finished runs side by side; a Puzzletron
 * working directory, with what to choose from, but no run.
 */
export const PANEL_KINDS = ['search', 'config', 'comparison', 'imported'] as const;

/**
 * What a panel is about: its kind, and the URIs of the spec, of the config, of the run directories compared, or of the
 * directory. The
 * webview keeps it with `setState`, beside whatever it keeps for itself: the host restores the panel from it.
 */
export const panelSourceSchema = z.object({ kind: z.enum(PANEL_KINDS), uris: z.array(z.string()) });
export type PanelSource = z.infer<typeof panelSourceSchema>;

/** A Puzzletron working directory as it was read. */
export const importedStateSchema = importedViewSchema.omit({ parent: true }).extend({
  ...importedSchema.shape,
  /** Rises whenever its files were looked at again. */
  look: z.number(),
});

export const WORKER_STATES = ['ready', 'starting', 'down'] as const;

/** Everything the panel shows, except for curves and layer details, which it asks for. */
export const panelStateSchema = panelSourceSchema.extend({
  /** Rises with every snapshot: an older one that comes late is dropped. */
  revision: z.int().nonnegative(),
  title: z.string(),
  /** Of an imported directory, which has no spec: what is asked of it in the panel, in the same form. */
  spec: specViewSchema.nullable(),
  /** What there is to choose from elsewhere than in a run; null until it is read, and in other panels. */
  imported: importedStateSchema.nullable(),
  run: runViewSchema.nullable(),
  /** The run was made from another text of the spec: what of it no longer holds, in words; null when it still holds. */
  stale: z.string().nullable(),
  /** The parent's own map, the outline behind the child's; null while it cannot be read. */
  parent: architectureMapSchema.nullable(),
  /** The present optimum; null before the run has scores and costs. */
  answer: solveAnswerSchema.nullable(),
  /** True when `answer` is the architecture that the run's child has. */
  answerIsChild: z.boolean(),
  /** `answer` is to an earlier question; the one to the present limits and rules is on its way. */
  solving: z.boolean(),
  ranges: z.array(rangeSchema),
  comparison: comparisonSchema.nullable(),
  preflight: z.array(preflightItemSchema).nullable(),
  worker: z.object({ state: z.enum(WORKER_STATES), message: z.string().nullable() }),
  /** Layer of the config map that the cursor stands in. */
  cursorLayer: z.number().nullable(),
  /** What went wrong with something the user asked for, until the next time; what is wrong with a config's text. */
  error: z.string().nullable(),
});
export type PanelState = z.infer<typeof panelStateSchema>;

const nothing = z.object({});

/** Host to panel: the whole state. */
export const stateTold = notification('state', panelStateSchema);
/** Host to panel: a piece of text that is being generated. */
export const textTold = notification('text', z.object({ id: z.string(), text: z.string() }));

/** Panel to host, first of all: it listens now. The answer is the first state. */
export const ready = request('ready', z.object({ version: z.literal(1) }), panelStateSchema);
/** The points of the run's curves beyond those that are known, counted by id; all of them for ids not named. */
export const askSeries = request(
  'series',
  z.object({ known: z.record(z.string(), z.int()) }),
  z.array(seriesSchema.extend({ from: z.int() })),
);
export const askLayer = request('layer', z.object({ layer: z.int().nonnegative() }), layerDetailSchema);
/** The front of one metric or two under the present limits and rules. */
export const askFront = request('front', z.object({ axes: frontAxesSchema }), z.array(frontPointSchema));
/** Several architectures within the present limits and rules. */
export const askDiverse = request('diverse', z.object({ count: z.int().min(1).max(20) }), z.array(alternativeSchema));
/** A limit of the spec: `text` null removes it. `preview`: solve and redraw, but leave the file (a slider on its way). */
export const setLimit = request(
  'setLimit',
  z.object({ metric: costNameSchema, text: z.string().nullable(), preview: z.boolean() }),
  nothing,
);
/** Several limits of the spec in one step. */
export const setLimits = request('setLimits', z.object({ limits: z.record(costNameSchema, z.string()) }), nothing);
/** What the user decides about one half of a layer; without pin and ban the decision is taken back. */
export const setRule = request('setRule', layerRuleSchema, nothing);
/** All that is decided about layers, in place of what was. */
export const setRules = request('setRules', z.object({ rules: z.array(layerRuleSchema) }), nothing);
/** Of an imported directory: which metric is the score, and which table the costs are from. */
export const setImported = request('setImported', importedSchema, nothing);
export const PANEL_ACTIONS = [
  'start',
  'resume',
  'pause',
  'cancel',
  'solveAgain',
  'export',
  'revealChild',
  'showLog',
  'openSpec',
  'openReport',
  'restartWorker',
  'copyDiagnostics',
  /** Checks again whether a search can start. */
  'preflight',
] as const;
export type PanelAction = (typeof PANEL_ACTIONS)[number];
export const act = request('act', z.object({ action: z.enum(PANEL_ACTIONS) }), nothing);
/** Keeps a solution with the run, to compare others with it: the present optimum, or one that is within its limits too. */
export const keep = request('keep', z.object({ alternative: alternativeSchema.nullable() }), nothing);
/** Of an imported directory: writes an architecture in the form that Puzzletron reads, to where the user wants it. */
export const exportSolution = request('exportSolution', z.object({ architecture: architectureSchema }), nothing);
/** Forgets one of the solutions that were kept: not by its place, for a place is another's as soon as one is gone. */
export const dropKept = request('dropKept', comparedSolutionSchema.pick({ limits: true, architecture: true }), nothing);
/** Selects the layer's lines in the config beside the map. */
export const revealLayer = request('revealLayer', z.object({ layer: z.int().nonnegative() }), nothing);
/** Continues a prompt with the parent or the child; pieces come as `textTold` with the same id. */
export const generate = request(
  'generate',
  z.object({
    id: z.string(),
    model: z.enum(['parent', 'child']),
    prompt: z.string().max(100_000),
    tokens: z.int().positive().max(1024),
  }),
  z.object({ text: z.string(), tokens: z.int(), seconds: z.number() }),
);
