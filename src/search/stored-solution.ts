import { join } from 'node:path';
import * as z from 'zod';
import { readJsonFileIfPresent } from '../formats/json-file.js';
import { writeJson } from '../run/artifacts.js';
import { canonicalJson, taskKey } from '../run/task-key.js';
import type { RefinedSolution } from './interactions/stage.js';
import type { LayerChoice, Requirements, ScoredLibrary } from './solve.js';

// What a run was solved for, as its directory keeps it. Nothing here loads a solver.

/** The architecture of the child, in the run directory. */
export const SOLUTION_FILE = 'solution.json';

const MAX_SOLUTION_BYTES = 64 * 1024 * 1024;

const realisedSchema = z.object({
  architecture: z.array(z.object({ attention: z.string(), ffn: z.string() })),
  realised: z.object({ value: z.number() }),
});

const storedSchema = z.object({
  /** {@link keyOf} */
  solvedFor: z.string(),
  interactions: z.object({ evaluations: z.number(), chosen: realisedSchema, additive: realisedSchema }).optional(),
});

/** The outcome of a search of whole architectures, by the names of variants. */
export type StoredSearch = NonNullable<z.infer<typeof storedSchema>['interactions']>;

/** What was asked for, and of what. */
interface Question {
  requirements: Requirements;
  /** At the batch size of the answer. */
  library: ScoredLibrary;
}

/** @param runDir of the run; what it was solved for before is replaced */
export async function writeSolution(runDir: string, solution: RefinedSolution, question: Question): Promise<void> {
  const solvedFor = keyOf(question);
  // How long it took differs from run to run, what came out does not.
  await writeJson(join(runDir, SOLUTION_FILE), { ...solution, solvedFor, milliseconds: undefined });
}

/** The same for the same question, in whichever order limits and rules stand. */
function keyOf({ requirements, library: { scores, costs } }: Question): string {
  const { constraints, margin, rules = [], relativeTo } = requirements;
  const { workload, nonBlock, layers } = costs;
  const sorted = (list: readonly unknown[]) => list.map((one) => canonicalJson(one)).sort();
  return taskKey('solution', {
    ...{ constraints: sorted(constraints), margin, rules: sorted(rules), relativeTo },
    ...{ scores, workload, nonBlock, layers },
  });
}

/** What {@link writeSolution} wrote, not looked at any further; undefined where there is none yet. */
export async function readSolution(runDir: string): Promise<unknown> {
  return readJsonFileIfPresent(join(runDir, SOLUTION_FILE), MAX_SOLUTION_BYTES);
}

/**
 * How the run searched whole architectures for an answer to this question, from the same least sum of scores; undefined
 * where it did not, or not yet, or where an earlier version of the program wrote what there is.
 */
export async function storedSearch(
  runDir: string,
  question: Question,
  additive: readonly LayerChoice[],
): Promise<StoredSearch | undefined> {
  const { data } = storedSchema.safeParse(await readSolution(runDir));
  if (data?.solvedFor !== keyOf(question)) return undefined;
  const names = ({ attention, ffn }: Pick<LayerChoice, 'attention' | 'ffn'>) => `${attention} ${ffn}`;
  const least = data.interactions?.additive.architecture.map(names).join();
  return least === additive.map(names).join() ? data.interactions : undefined;
}
