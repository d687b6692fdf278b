import { join } from 'node:path';
import * as z from 'zod';
import { InputError } from '../common/errors.js';
import { type ModelConfig, readModelConfig } from '../formats/hf-config.js';
import { readJsonFileIfPresent } from '../formats/json-file.js';
import { HALVES, type Half } from '../model/names.js';
import { enumerateVariants, type LayerVariants } from '../model/variants.js';
import { type LibraryCosts, pricedAtBatches } from '../target/costs.js';
import { type CostTable, isOfWorkload, needsNoRow, parseCostTables, tableKey } from '../target/table.js';
import { batchSizes, meanWorkload } from '../target/workload.js';
import { COSTS_FILE, LIBRARY_FILE, MAX_COSTS_BYTES, MAX_SCORES_BYTES, SCORES_FILE } from './run-files.js';
import type { LayerScores, ScoredLibrary } from './solve.js';
import type { Spec } from './spec.js';
import { storedSpec } from './stored-spec.js';

const MAX_LIBRARY_BYTES = 256 * 2 ** 20;

const halfSchema = z.record(z.string(), z.number().nullable());
const scoresSchema = z.array(z.object({ attention: halfSchema, ffn: halfSchema, pairs: halfSchema.optional() }));

const trainedSchema = z.array(
  z.object({
    layer: z.int().nonnegative(),
    half: z.enum(HALVES),
    variant: z.string(),
    lossBefore: z.number(),
    lossAfter: z.number(),
  }),
);

/** A variant that was trained (or, without parameters, measured): its held-out BLD loss before and after. */
export interface TrainedVariant {
  layer: number;
  half: Half;
  variant: string;
  lossBefore: number;
  lossAfter: number;
}

/** What is known about the variants of a run; what its stages have not come to yet is undefined. */
export interface StoredRun {
  dir: string;
  spec: Spec;
  parent: ModelConfig;
  variants: LayerVariants[];
  trained: TrainedVariant[] | undefined;
  scores: LayerScores[] | undefined;
  /** At the largest batch size. */
  costs: StoredCosts | undefined;
  /** At each batch size of the target, the smallest first. */
  sweep: StoredCosts[];
}

/** The cost table of a run, and what it makes of the variants. */
export interface StoredCosts extends LibraryCosts {
  table: CostTable;
}

/** What a run has to choose from. */
export interface StoredLibrary extends StoredRun {
  /** At the largest batch size. */
  library: ScoredLibrary;
  /** At each batch size of the target. */
  libraries: ScoredLibrary[];
}

/** Reads what is known about the variants of a run. `spec` is the one it was started with. */
export async function readStoredRun(dir: string, spec: Spec): Promise<StoredRun> {
  const parent = await readModelConfig(spec.parent);
  const file = (name: string) => join(dir, name);
  const [scores, trained, costs] = await Promise.all([
    readJsonFileIfPresent(file(SCORES_FILE), MAX_SCORES_BYTES),
    readJsonFileIfPresent(file(LIBRARY_FILE), MAX_LIBRARY_BYTES),
    readJsonFileIfPresent(file(COSTS_FILE), MAX_COSTS_BYTES),
  ]);
  const variants = enumerateVariants(parent, spec.space);
  const tables = costs === undefined ? [] : parseCostTables(costs, file(COSTS_FILE));
  // One of an earlier space or workload lies there until this one is measured.
  const service = spec.target.workload;
  const sizes = batchSizes(service);
  const isCurrent =
    tables.length === sizes.length &&
    tables.every(
      (table, i) => covers(table, parent, variants) && isOfWorkload(table, meanWorkload(service, sizes[i] ?? NaN)),
    );
  const sweep = isCurrent ? priced(tables, parent, variants, spec) : [];
  return {
    ...{ dir, spec, parent, variants },
    scores: scores === undefined ? undefined : understood(scoresSchema, scores, file(SCORES_FILE)),
    trained: trained === undefined ? undefined : understood(trainedSchema, trained, file(LIBRARY_FILE)),
    ...{ costs: sweep.at(-1), sweep },
  };
}

function covers(table: CostTable, parent: ModelConfig, variants: readonly LayerVariants[]): boolean {
  const all = variants.flatMap(({ attention, ffn }) => [...attention, ...ffn]);
  return all.every(
    (variant) => needsNoRow(table.engine, variant) || Object.hasOwn(table.variants, tableKey(parent, variant)),
  );
}

function priced(
  tables: readonly CostTable[],
  parent: ModelConfig,
  variants: readonly LayerVariants[],
  { target }: Spec,
): StoredCosts[] {
  const costs = pricedAtBatches(parent, variants, tables, target.workload);
  return tables.flatMap((table, i) => {
    const priced = costs[i];
    return priced === undefined ? [] : [{ table, ...priced }];
  });
}

/** What a run has to choose from. Throws InputError when it has not come that far. */
export function libraryOf(run: StoredRun): StoredLibrary {
  const { dir, scores, costs, sweep } = run;
  if (scores === undefined || costs === undefined) {
    const missing = scores === undefined ? SCORES_FILE : COSTS_FILE;
    throw new InputError(`has no ${missing} yet; go on with: puzzle resume ${dir} --until measure`, dir);
  }
  return { ...run, library: { scores, costs }, libraries: sweep.map((one) => ({ scores, costs: one })) };
}

/** Reads scores and costs of a run. Throws InputError when it has not come that far. */
export async function readStoredLibrary(dir: string): Promise<StoredLibrary> {
  return libraryOf(await readStoredRun(dir, await storedSpec(dir)));
}

function understood<T>(schema: z.ZodType<T>, json: unknown, file: string): T {
  const parsed = schema.safeParse(json);
  if (parsed.success) return parsed.data;
  throw new InputError('holds nothing that this version of the program understands', file);
}
