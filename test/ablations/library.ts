import path from 'node:path';
import { enumerateVariants, type LayerVariants } from '../../src/model/variants.js';
import { concludeRun, createRun, holdsRun, openRun } from '../../src/run/run.js';
import { taskKey } from '../../src/run/task-key.js';
import { Activations } from '../../src/search/activations.js';
import { distilStage, type LibraryEntry } from '../../src/search/block-library.js';
import { parseConstraints } from '../../src/search/constraints.js';
import { createContext, type SearchContext } from '../../src/search/context.js';
import { packData, type PackedData } from '../../src/search/data.js';
import type { Realised } from '../../src/search/interactions/realise.js';
import { type BuildingBlocks, realiseRequest, type SequenceRange } from '../../src/search/interactions/tasks.js';
import type { Score } from '../../src/search/score.js';
import { scoreStage } from '../../src/search/score-stage.js';
import { type AdditiveProgram, formulate, type LayerChoice, type LayerScores } from '../../src/search/solve.js';
import { parseSpec, type Spec } from '../../src/search/spec.js';
import { runTasksOf } from '../../src/search/tasks.js';
import { type LibraryCosts, libraryCosts } from '../../src/target/costs.js';
import { flopTable } from './flop-costs.js';
import { type Lab, runDirOf } from './lab.js';
import type { Subject } from './subjects.js';

/** How the block library of a subject is made, beside its defaults. */
export interface LibrarySettings {
  distil?: Partial<Spec['distil']>;
  seed?: number;
  /** Only these variants are trained and scored. */
  variants?: (all: readonly LayerVariants[]) => LayerVariants[];
}

/** A block library without scores. */
export interface Blocks {
  context: SearchContext;
  data: PackedData;
  variants: readonly LayerVariants[];
  library: readonly LibraryEntry[];
  /** The parent's, that the variants were trained on. */
  calibration: Activations;
}

/** A block library with its scores and with costs that depend on no clock. */
export interface ScoredBlocks extends Blocks {
  /** The parent's on the validation text that scores are from. */
  validation: Activations;
  scores: readonly LayerScores[];
  /** Of each entry of `library`. */
  details: readonly (Score | undefined)[];
  costs: LibraryCosts;
  /** Stands for everything above. */
  key: string;
}

/** Tokens of uptraining that the text is packed for: of all tables, so that they have the same text. */
const PACKED_TOKENS = 300_000;

/**
 * Trains the library of a subject, or takes it up: all libraries of a subject are made in one run directory, which keeps
 * every variant that any table has asked for. The run is open while `use` is at work.
 */
export async function withBlocks<Result>(
  lab: Lab,
  subject: Subject,
  { distil = {}, seed = 1, variants: some = (all) => [...all] }: LibrarySettings,
  use: (blocks: Blocks) => Promise<Result>,
): Promise<Result> {
  const dir = runDirOf(lab, subject);
  const text = JSON.stringify({ ...subject.spec, distil, seed, uptrain: { tokens: PACKED_TOKENS } });
  const spec = parseSpec(text, `library of ${subject.name}`);
  const run = (await holdsRun(dir)) ? await openRun(dir) : await createRun(dir, { spec });
  return concludeRun(run, async () => {
    const context = await createContext(run, spec, lab.executor);
    const data = await packData(context);
    const variants = some(enumerateVariants(context.parent.config, spec.space));
    const calibration = new Activations(context, data, 'train', context.budgets.calibrationTokens);
    const library = await distilStage(context, variants, calibration, data);
    return use({ context, data, variants, library, calibration });
  });
}

/** The same with scores. */
export function withScores<Result>(
  lab: Lab,
  subject: Subject,
  settings: LibrarySettings,
  use: (blocks: ScoredBlocks) => Promise<Result>,
): Promise<Result> {
  return withBlocks(lab, subject, settings, async (blocks) => {
    const { context, data, variants, library } = blocks;
    const { config } = context.parent;
    const { workload } = context;
    const validation = new Activations(context, data, 'validation', context.budgets.scoreTokens);
    for (const round of validation.rounds) await validation.need(round);
    const { scores, details } = await scoreStage(context, variants, library, validation, data);
    const costs = libraryCosts(config, variants, flopTable(config, variants, workload), workload);
    const trained = library.map(({ key }) => key);
    const key = taskKey('library', { parent: context.parentHash, data: data.key, trained, scores, costs });
    return use({ ...blocks, validation, scores, details, costs, key });
  });
}

/** The program of a library within so many times fewer FLOPs than the parent's, by its own scores or by others. */
export function programOf({ costs, ...blocks }: ScoredBlocks, limit: number, scores = blocks.scores): AdditiveProgram {
  const constraints = parseConstraints({ throughput: `>= ${limit}x` });
  return formulate({ scores, costs }, { constraints, margin: 0 });
}

/** The validation text that follows what scores are from: nothing was selected on it. */
export function heldOutRange({ validation, data }: Pick<ScoredBlocks, 'validation' | 'data'>): SequenceRange {
  const first = validation.tokens / validation.sequenceLength;
  return { first, sequences: data.splits.validation.sequences - first };
}

/** KL(parent || architecture), nats/token, of each sequence, before any uptraining: NaN where it came to nothing. */
export async function realise(
  blocks: Pick<ScoredBlocks, 'context'> & BuildingBlocks,
  architectures: readonly (readonly LayerChoice[])[],
  range: SequenceRange = heldOutRange(blocks),
): Promise<number[][]> {
  const tasks = architectures.map((architecture) => realiseRequest(blocks.context, blocks, architecture, range));
  const progress = { before: 0, total: tasks.length };
  const finished = await runTasksOf(blocks.context, 'solve', [{ tasks }], progress);
  return finished.map(({ result }) => {
    const realised = result as Realised | { failed: string };
    return 'failed' in realised ? new Array<number>(range.sequences).fill(Number.NaN) : realised.kl;
  });
}

/** A file or folder of a library's run directory, apart from what the search's own stages leave there. */
export function besideLibrary({ context }: ScoredBlocks, ...names: string[]): string {
  return context.run.path(path.join('tables', ...names));
}
