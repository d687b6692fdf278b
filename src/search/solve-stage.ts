import { taskKey } from '../run/task-key.js';
import type { LibraryCosts } from '../target/costs.js';
import type { SearchContext } from './context.js';
import type { LayerScores, Requirements } from './solve.js';
import { solveSweep, type SweptArchitecture } from './sweep.js';
import { runStage } from './tasks.js';

/**
 * Solves for what is required, unless the log has the answer.
 *
 * @param costs of the same variants at each batch size of the target
 */
export async function solveStage(
  context: SearchContext,
  scores: readonly LayerScores[],
  costs: readonly LibraryCosts[],
  requirements: Requirements,
): Promise<SweptArchitecture> {
  const key = taskKey('solve', { scores, costs, requirements });
  const finished = await runStage(context, 'solve', key, 1, async () => ({
    result: await solveSweep(
      costs.map((one) => ({ scores, costs: one })),
      requirements,
    ),
  }));
  return finished.result as SweptArchitecture;
}
