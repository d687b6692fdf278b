import * as l10n from '@vscode/l10n';
import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../../common/errors.js';
import { isFile, readJsonFile } from '../../formats/json-file.js';
import type { ComparedModel, ComparedSolution, Comparison } from '../../protocol/panel.js';
import { type LimitView, type SolutionView, storedMetricsSchema } from '../../protocol/solution.js';
import { parseConstraint } from '../../search/constraints.js';
import { REPORT_FILE } from '../../search/report.js';
import {
  isSameSolution,
  keptSolutions,
  loggedSolutions,
  ownSolution,
  type RunSolution,
} from '../../search/run-solutions.js';

/** Share of a limit by which what just meets it may be beyond: more than the solver's room, and than sums of decimals err. */
const ROUNDING = 1e-8;

const MAX_REPORT_BYTES = 64 * 1024 * 1024;

/** The name of the variant. */
const halfSchema = z.object({ name: z.string() }).transform(({ name }) => name);
const modelSchema = z.object({
  name: z.string(),
  dir: z.string(),
  parameters: z.number(),
  memory: z.object({ bytes: z.number() }),
  throughput: z.object({ predicted: z.number().nullable(), measured: z.number() }),
  perplexity: z.number(),
  kl: z.number(),
  accuracy: z.number().nullable(),
  tasks: z.array(z.object({ name: z.string(), items: z.number(), chance: z.number(), accuracy: z.number() })),
});
const keptSchema = z.object({
  speedup: z.number(),
  speedupLow: z.number(),
  speedupHigh: z.number(),
  accuracyStandardError: z.number().nullable(),
});

/** Of `report.json`, what a comparison needs. */
const reportSchema = z.object({
  version: z.literal(1),
  parent: modelSchema,
  child: modelSchema,
  kept: keptSchema,
  architecture: z.array(z.object({ attention: halfSchema, ffn: halfSchema })),
  baselines: z.array(z.object({ model: modelSchema, kept: keptSchema })),
  paths: z.object({ run: z.string() }),
});
type Report = z.infer<typeof reportSchema>;

/** The names of the variants in each layer. */
export type Architecture = Report['architecture'];

/** What a finished run has measured. */
export interface Measured {
  runDir: string;
  /** Path of the report. */
  report: string;
  /** Of the child. */
  architecture: Architecture;
  parent: ComparedModel;
  child: ComparedModel;
  baselines: ComparedModel[];
}

/** What the report of a run says; null where it has none yet. Throws InputError for one that is not understood. */
export async function readMeasured(runDir: string): Promise<Measured | null> {
  const file = path.join(runDir, REPORT_FILE);
  if (!(await isFile(file))) return null;
  const parsed = reportSchema.safeParse(await readJsonFile(file, MAX_REPORT_BYTES));
  if (!parsed.success) throw new InputError('is not a report of this version of the program', file);
  const report = parsed.data;
  /** The run directory may have been moved since. */
  const moved = (dir: string) => {
    const inside = path.relative(report.paths.run, dir);
    return inside.startsWith('..') || path.isAbsolute(inside) ? dir : path.resolve(runDir, inside);
  };
  const compared = (model: z.infer<typeof modelSchema>, kept: z.infer<typeof keptSchema> | null) =>
    measuredModel({ ...model, dir: moved(model.dir) }, kept);
  return {
    ...{ runDir, report: file },
    architecture: report.architecture,
    parent: compared(report.parent, null),
    child: compared(report.child, report.kept),
    baselines: report.baselines.map(({ model, kept }) => compared(model, kept)),
  };
}

function measuredModel(
  { memory, throughput, ...model }: z.infer<typeof modelSchema>,
  kept: z.infer<typeof keptSchema> | null,
): ComparedModel {
  return {
    ...model,
    memoryBytes: memory.bytes,
    predictedThroughput: throughput.predicted,
    measuredThroughput: throughput.measured,
    speedup: kept && { median: kept.speedup, low: kept.speedupLow, high: kept.speedupHigh },
    accuracyStandardError: kept?.accuracyStandardError ?? null,
  };
}

/** A finished run, as it is compared with others. */
export interface ComparedRun {
  measured: Measured;
  solutions: readonly ComparedSolution[];
}

/** The children of several runs beside their parents: one, where all have the same. */
export function mergeRuns(runs: readonly ComparedRun[]): Comparison | null {
  const names = shortNames(runs.map(({ measured }) => measured.runDir));
  const parents = new Set<string | null>();
  const models = runs.flatMap(({ measured: { parent, child } }, i) => {
    const name = names[i] ?? '';
    const known = parents.has(parent.dir);
    parents.add(parent.dir);
    const own = known ? [] : [{ ...parent, name: i === 0 ? l10n.t('parent') : l10n.t('parent of {0}', name) }];
    return [...own, { ...child, name }];
  });
  const solutions = runs.flatMap((run, i) => run.solutions.map((one) => ({ ...one, run: names[i] ?? null })));
  return models.length === 0 ? null : { models, report: null, solutions };
}

/** The solutions that a run directory tells of: those of its log, and those that were kept. */
export interface StoredSolutions {
  /** What its child was made from; null before that is known. */
  own: RunSolution | null;
  logged: readonly RunSolution[];
  kept: readonly RunSolution[];
}

export async function readSolutions(runDir: string): Promise<StoredSolutions> {
  const own = await ownSolution(runDir);
  return { own, logged: await loggedSolutions(runDir), kept: await keptSolutions(runDir) };
}

/** The solutions of a run in their order: the child's, the present one where it is none of the others, the others. */
export function compareSolutions(
  { own, logged, kept }: StoredSolutions,
  child: Architecture | null,
  present: RunSolution | null,
): ComparedSolution[] {
  const isOwn = (one: RunSolution) => own !== null && isSameSolution(one, own);
  const solved = own === null ? logged : [...logged.filter((one) => !isOwn(one)), own];
  const childs = solved.findLast(({ architecture }) => child !== null && isSame(architecture, child));
  const known = [...logged, ...kept, ...(childs === undefined ? [] : [childs])];
  const isPresent = ({ architecture }: RunSolution) => present !== null && isSame(architecture, present.architecture);
  const isNews = present !== null && !known.some(isPresent);
  const as = (origin: ComparedSolution['origin'], solution: RunSolution) => ({ ...solution, origin, run: null });
  return [
    ...(childs === undefined ? [] : [as('child', childs)]),
    ...(isNews ? [as('present', present)] : []),
    ...solved.filter((one) => one !== childs && !(isNews && isPresent(one))).map((one) => as('earlier', one)),
    ...kept.map((one) => as('kept', one)),
  ];
}

/** A solution as it would be kept. */
export function runSolution({ limits, objective, totals, parent, map: { layers } }: SolutionView): RunSolution {
  return {
    limits: limits.map(({ metric, text }) => `${metric} ${text}`),
    objective,
    // Of a run they are always known.
    totals: storedMetricsSchema.parse(totals),
    parent: storedMetricsSchema.parse(parent),
    architecture: layers.map(({ attention, ffn }) => ({ attention: attention.name, ffn: ffn.name })),
  };
}

/** The first limit of a solution that another architecture, by its predicted metrics, does not meet. */
export function brokenLimit({ limits }: SolutionView, totals: SolutionView['totals']): LimitView | undefined {
  return limits.find(({ metric, text, allowed }) => {
    const total = totals[metric] ?? NaN;
    const { relation } = parseConstraint(metric, text, 'limits');
    const excess = relation === '<=' ? total - allowed : allowed - total;
    return !(excess <= ROUNDING * Math.abs(allowed));
  });
}

/** What tells run directories apart: their names, those with the folders that they belong to, or their paths. */
function shortNames(dirs: readonly string[]): string[] {
  const forms = [
    (dir: string) => path.basename(dir),
    (dir: string) => path.join(path.basename(path.dirname(path.dirname(dir))), path.basename(dir)),
  ];
  const names = forms.map((form) => dirs.map(form)).find((all) => new Set(all).size === all.length);
  return names ?? [...dirs];
}

/** A model of which only the costs are known. `whose`: the solution, or the parent beside it. */
export function predictedModel(name: string, solution: SolutionView, whose: 'totals' | 'parent'): ComparedModel {
  const { parameters, memory, throughput } = storedMetricsSchema.parse(solution[whose]);
  return {
    ...{ name, dir: null, parameters, memoryBytes: memory, predictedThroughput: throughput },
    ...{ measuredThroughput: null, speedup: null, perplexity: null, kl: null },
    ...{ accuracy: null, accuracyStandardError: null, tasks: [] },
  };
}

/** Whether two architectures have the same variant in every half of every layer. */
export function isSame(one: Architecture, other: Architecture): boolean {
  return (
    one.length === other.length &&
    one.every(({ attention, ffn }, i) => other[i]?.attention === attention && other[i].ffn === ffn)
  );
}
