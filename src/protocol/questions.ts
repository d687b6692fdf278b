import * as z from 'zod';
import { notification, request } from './messages.js';
import {
  alternativeSchema,
  architectureSchema,
  frontAxesSchema,
  frontPointSchema,
  importedViewSchema,
  layerDetailSchema,
  layerRuleSchema,
  rangeSchema,
  solveAnswerSchema,
} from './solution.js';

// What the extension asks the worker that answers questions. Paths are absolute.

const PROTOCOL_VERSION = 1;
const OTHER_VERSION = `the editor and its worker speak different versions (this one: ${PROTOCOL_VERSION}); reload the window`;

/** First message in either direction: both sides must speak the same version. */
export const hello = request(
  'hello',
  z.object({ version: z.literal(PROTOCOL_VERSION, OTHER_VERSION) }),
  z.object({ pid: z.int() }),
);
export const HELLO = { version: PROTOCOL_VERSION } as const;

/** What is taken of a Puzzletron working directory: the metric that is the score, and the table of costs by its number. */
export const importedSchema = z.object({ metric: z.string(), table: z.int().nonnegative() });
export type Imported = z.infer<typeof importedSchema>;

/** Where there is something to choose from: a run, or, with `imported`, a Puzzletron working directory. */
const librarySchema = z.object({ run: z.string(), imported: importedSchema.optional() });

/** Limits as in the spec; `margin` is the run's where absent. */
const requirementsFields = {
  limits: z.record(z.string(), z.string()),
  rules: z.array(layerRuleSchema),
  margin: z.number().min(0).max(0.9).optional(),
};

/** What a Puzzletron working directory has to offer. */
export const importedQuestion = request('imported', z.object({ dir: z.string() }), importedViewSchema);

/** The optimum of a scored and measured run under these limits; the run stays as it is. */
export const solveQuestion = request('solve', librarySchema.extend(requirementsFields), solveAnswerSchema);

/**
 * The least objective as a function of the limit on one metric or two, from the tightest that can be met to where it does
 * not matter.
 */
export const frontQuestion = request(
  'front',
  librarySchema.extend({ ...requirementsFields, axes: frontAxesSchema }),
  z.array(frontPointSchema),
);

/** Several architectures within the limits; each agrees with every one before it in at most 80% of the layers. */
export const diverseQuestion = request(
  'diverse',
  librarySchema.extend({ ...requirementsFields, count: z.int().min(1).max(20) }),
  z.array(alternativeSchema),
);

/** Everything known about the variants of one layer of a run. */
export const layerQuestion = request(
  'layer',
  librarySchema.extend({ layer: z.int().nonnegative() }),
  layerDetailSchema,
);

/** What each metric can be at all in the run's space. */
export const rangesQuestion = request('ranges', librarySchema, z.array(rangeSchema));

/** Greedy continuation; pieces are told as they come. */
export const generateQuestion = request(
  'generate',
  z.object({
    id: z.string(),
    model: z.string(),
    prompt: z.string().max(100_000),
    tokens: z.int().positive().max(4096),
  }),
  z.object({ text: z.string(), tokens: z.int(), seconds: z.number() }),
);
export const generated = notification('generated', z.object({ id: z.string(), text: z.string() }));

export const preflightItemSchema = z.object({
  /** What is checked, `parent`, `text`, `limits`, `disk` and so on; `spec` alone where the spec itself cannot be read. */
  name: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  message: z.string(),
  /** What to do about it, where it is not ok. */
  fix: z.string().nullable(),
});
export type PreflightItem = z.infer<typeof preflightItemSchema>;

/** Whether a search by this spec file can start here, and how long it will take. Reads headers only. */
export const preflightQuestion = request(
  'preflight',
  z.object({ spec: z.string() }),
  z.object({
    items: z.array(preflightItemSchema),
    /** Estimated seconds of each stage; empty where the parent cannot be read. */
    stages: z.array(z.object({ stage: z.string(), seconds: z.number() })),
  }),
);

/** What ONNX Runtime can serve a model on here, tried; `reason`: why it cannot. */
export const devicesQuestion = request(
  'devices',
  z.object({}),
  z.object({ devices: z.array(z.object({ device: z.string(), works: z.boolean(), reason: z.string().nullable() })) }),
);

/** Copies the child's folder. */
export const exportQuestion = request(
  'export',
  z.object({ run: z.string(), out: z.string() }),
  z.object({ dir: z.string() }),
);

/** Writes architectures of a Puzzletron working directory in the form that its realise step reads, in place of any file. */
export const exportSolutionsQuestion = request(
  'exportSolutions',
  librarySchema.required().extend({
    /** None of them may be beyond these. */
    limits: requirementsFields.limits,
    architectures: z.array(architectureSchema).min(1),
    out: z.string(),
  }),
  z.object({ file: z.string() }),
);
