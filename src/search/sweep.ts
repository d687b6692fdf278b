import type { LibraryCosts } from '../target/costs.js';
import { type Constraint, parentMetrics, replaceConstraints } from './constraints.js';
import { InfeasibleError } from './infeasible.js';
import type { LayerRule } from './rules.js';
import {
  checkReachable,
  type Requirements,
  type ScoredLibrary,
  type SolvedArchitecture,
  solveLibrary,
} from './solve.js';
import type { Spec } from './spec.js';
import { deviceLimits } from './target-tables.js';

/** What the best architecture of one batch size comes to; null where none meets the limits. */
export interface BatchOutcome {
  batch: number;
  objective: number | null;
  throughput: number | null;
}

export interface SweptArchitecture extends SolvedArchitecture {
  /** Every batch size that was tried, the smallest first; absent where there was no choice. */
  batches?: BatchOutcome[];
}

/**
 * The best architecture at any batch size: the least sum of scores, and of equal ones the greatest throughput. The batch is
 * no variable of the program, which is solved for each, as in the paper.
 *
 * @param libraries the same variants, priced at each batch size
 * @throws InfeasibleError of the largest batch size where none has an answer; InputError as {@link solveLibrary}
 */
export async function solveSweep(
  libraries: readonly ScoredLibrary[],
  requirements: Requirements,
): Promise<SweptArchitecture> {
  const [only, ...more] = libraries;
  if (only === undefined) throw new Error('nothing to solve');
  if (more.length === 0) return solveLibrary(only, requirements);
  const batches: BatchOutcome[] = [];
  let best: SolvedArchitecture | undefined;
  let infeasible: InfeasibleError | undefined;
  for (const library of libraries) {
    const { batch } = library.costs.workload;
    try {
      const solved = await solveLibrary(library, requirements);
      batches.push({ batch, objective: solved.objective, throughput: solved.totals.throughput });
      if (best === undefined || isBetter(solved, best)) best = solved;
    } catch (error) {
      if (!(error instanceof InfeasibleError)) throw error;
      infeasible = error;
      batches.push({ batch, objective: null, throughput: null });
    }
  }
  if (best === undefined) throw infeasible ?? new Error('nothing was solved');
  return { ...best, batches };
}

/** What of a spec is asked of an architecture beside its limits. */
interface Asked extends Pick<Spec, 'target' | 'margin'> {
  rules: readonly LayerRule[];
}

/**
 * What a spec asks for under these constraints: that it fits into the device, too, unless they say otherwise about memory.
 * `%` and `x` are of the parent at the batch size at which it is fastest, whichever an architecture is solved for.
 */
export function requirementsOf(
  { target, margin, rules }: Asked,
  constraints: readonly Constraint[],
  costs: readonly LibraryCosts[],
): Requirements {
  const limits = replaceConstraints(deviceLimits(target), constraints);
  if (costs.length === 1) return { constraints: limits, margin, rules };
  const relativeTo = costs.map(parentMetrics).reduce((a, b) => (b.throughput >= a.throughput ? b : a));
  return { constraints: limits, margin, rules, relativeTo };
}

/** Throws, as {@link solveSweep} would, when no architecture meets limits and rules at any batch size, whatever the scores. */
export async function checkReachableAtBatches(
  costs: readonly LibraryCosts[],
  requirements: Requirements,
): Promise<void> {
  let infeasible: InfeasibleError | undefined;
  for (const one of costs) {
    try {
      await checkReachable(one, requirements);
      return;
    } catch (error) {
      if (!(error instanceof InfeasibleError)) throw error;
      infeasible = error;
    }
  }
  if (infeasible !== undefined) throw infeasible;
}

function isBetter(a: SolvedArchitecture, b: SolvedArchitecture): boolean {
  return a.objective === b.objective ? a.totals.throughput > b.totals.throughput : a.objective < b.objective;
}
