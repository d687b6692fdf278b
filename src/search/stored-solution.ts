import { join } from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import * as z from 'zod';
import { InputError } from '../common/errors.js';
import { readJsonFileIfPresent } from '../formats/json-file.js';
import { writeJson } from '../run/artifacts.js';
import type { RefinedSolution } from './interactions/stage.js';
import type { LayerChoice, Requirements } from './solve.js';

// What a run was solved for, as its directory keeps it. Nothing here loads a solver.

/** The architecture of the child, in the run directory. */
export const SOLUTION_FILE = 'solution.json';

const MAX_SOLUTION_BYTES = 64 * 1024 * 1024;

const realisedSchema = z.object({
  architecture: z.array(z.object({ attention: z.string(), ffn: z.string() })),
  realised: z.object({ value: z.number() }),
});

const storedSchema = z.object({
  requirements: z.unknown(),
  interactions: z.object({ evaluations: z.number(), chosen: realisedSchema, additive: realisedSchema }).optional(),
});

/** The outcome of a search of whole architectures, by the names of variants. */
export type StoredSearch = NonNullable<z.infer<typeof storedSchema>['interactions']>;

/** @param runDir of the run; what it was solved for before is replaced */
export async function writeSolution(
  runDir: string,
  solution: RefinedSolution,
  requirements: Requirements,
): Promise<void> {
  // How long it took differs from run to run, what came out does not.
  await writeJson(join(runDir, SOLUTION_FILE), { ...solution, requirements, milliseconds: undefined });
}

/** What {@link writeSolution} wrote, not looked at any further; undefined where there is none yet. */
export async function readSolution(runDir: string): Promise<unknown> {
  return readJsonFileIfPresent(join(runDir, SOLUTION_FILE), MAX_SOLUTION_BYTES);
}

/**
 * How the run searched whole architectures for these requirements, from the same least sum of scores; undefined where it
 * did not, or not yet.
 */
export async function storedSearch(
  runDir: string,
  requirements: Requirements,
  additive: readonly LayerChoice[],
): Promise<StoredSearch | undefined> {
  const json = await readSolution(runDir);
  if (json === undefined) return undefined;
  const { data } = storedSchema.safeParse(json);
  if (data === undefined) {
    throw new InputError('is not a solution of this version of the program', join(runDir, SOLUTION_FILE));
  }
  const { interactions } = data;
  const isSame =
    isDeepStrictEqual(data.requirements, JSON.parse(JSON.stringify(requirements))) &&
    isDeepStrictEqual(
      interactions?.additive.architecture,
      additive.map(({ attention, ffn }) => ({ attention, ffn })),
    );
  return isSame ? interactions : undefined;
}
