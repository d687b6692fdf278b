import { join } from 'node:path';
import { z } from 'zod';
import { InputError } from '../common/errors.js';
import { type ModelConfig, readModelConfig } from '../formats/hf-config.js';
import { isFile, readJsonFile } from '../formats/json-file.js';
import { enumerateVariants, type LayerVariants } from '../model/variants.js';
import { COSTS_FILE } from '../search/measure.js';
import { SCORES_FILE, storedSpec } from '../search/pipeline.js';
import type { LayerScores, ScoredLibrary } from '../search/solve.js';
import type { Spec } from '../search/spec.js';
import { libraryCosts } from '../target/costs.js';
import { readCostTable } from '../target/table.js';

const MAX_SCORES_BYTES = 16 * 1024 * 1024;

const halfSchema = z.record(z.string(), z.number().nullable());
const scoresSchema = z.array(z.object({ attention: halfSchema, ffn: halfSchema }));

/** What a run has to choose from, read from its directory. */
export interface StoredLibrary {
  spec: Spec;
  parent: ModelConfig;
  variants: LayerVariants[];
  library: ScoredLibrary;
}

/** Reads scores and costs of a run. Throws InputError when it has not come that far. */
export async function readStoredLibrary(dir: string): Promise<StoredLibrary> {
  const spec = await storedSpec(dir);
  for (const file of [SCORES_FILE, COSTS_FILE]) {
    if (await isFile(join(dir, file))) continue;
    throw new InputError(`has no ${file} yet; go on with: puzzle resume ${dir} --until measure`, dir);
  }
  const parent = await readModelConfig(spec.parent);
  const variants = enumerateVariants(parent, spec.space);
  const table = await readCostTable(join(dir, COSTS_FILE));
  const costs = libraryCosts(parent, variants, table, spec.target.workload);
  return { spec, parent, variants, library: { scores: await readScores(join(dir, SCORES_FILE)), costs } };
}

async function readScores(file: string): Promise<LayerScores[]> {
  const scores = scoresSchema.safeParse(await readJsonFile(file, MAX_SCORES_BYTES));
  if (!scores.success) throw new InputError('holds no scores that this version of the program understands', file);
  return scores.data;
}
