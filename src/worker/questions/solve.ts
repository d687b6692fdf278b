import { InputError } from '../../common/errors.js';
import { describeModel } from '../../model/config-map.js';
import type { MetricRange, SolutionView, SolveAnswer } from '../../protocol/solution.js';
import { chosenShapes } from '../../search/chosen-shapes.js';
import { parseConstraints } from '../../search/constraints.js';
import { InfeasibleError } from '../../search/infeasible.js';
import type { LayerRule } from '../../search/rules.js';
import { limitUses, metricRanges } from '../../search/solution-view.js';
import {
  choicesOf,
  formulate,
  insteadOf,
  type Requirements,
  type ScoredLibrary,
  type SolvedArchitecture,
} from '../../search/solve.js';
import type { StoredLibrary } from '../../search/stored-library.js';
import { type StoredSearch, storedSearch } from '../../search/stored-solution.js';
import { requirementsOf, solveSweep } from '../../search/sweep.js';
import { knownLibrary } from './runs.js';

interface SolveParams {
  run: string;
  /** As in the spec. */
  limits: Readonly<Record<string, string>>;
  rules: readonly LayerRule[];
  /** That of the run's spec when absent. */
  margin?: number | undefined;
}

/**
 * The optimum of a run under these limits and rules, or why there is none. Where the run has searched whole architectures
 * under the same ones, it is what that search came to.
 */
export async function answerSolve({ run, limits, rules, margin }: SolveParams): Promise<SolveAnswer> {
  const stored = await knownLibrary(run);
  try {
    const { spec, sweep } = stored;
    const asked = { target: spec.target, margin: margin ?? spec.margin, rules };
    const requirements = requirementsOf(asked, parseConstraints(limits), sweep);
    const solved = await solveSweep(stored.libraries, requirements);
    return { kind: 'solved', solution: await solutionView(stored, solved, requirements) };
  } catch (error) {
    if (error instanceof InfeasibleError) {
      return { kind: 'infeasible', message: error.reason, relaxation: { ...error.relaxation } };
    }
    if (error instanceof InputError) return { kind: 'invalid', message: error.reason, where: error.where ?? '' };
    throw error;
  }
}

/** What each metric can be in the space of a run. */
export async function answerRanges({ run }: { run: string }): Promise<MetricRange[]> {
  return metricRanges((await knownLibrary(run)).library);
}

async function solutionView(
  { dir, parent, variants, library, libraries }: StoredLibrary,
  additive: SolvedArchitecture,
  requirements: Requirements,
): Promise<SolutionView> {
  const priced = libraries.find(({ costs }) => costs.workload.batch === additive.workload.batch) ?? library;
  const search = await storedSearch(dir, { requirements, library: priced }, additive.architecture);
  const solved = search === undefined ? additive : chosenInstead(additive, search, priced, requirements);
  const { status, objective, bound, gap, nodes, milliseconds, totals, architecture } = solved;
  const scores = architecture.map(({ score }) => score);
  return {
    ...{ status, objective, bound, gap, nodes, milliseconds },
    searched: search === undefined ? null : searchedView(search),
    limits: limitUses(solved, priced, requirements),
    scoreUnit: 'nats/token',
    ...{ totals, parent: solved.parent },
    batch: solved.workload.batch,
    estimated: solved.estimated ?? null,
    map: describeModel(parent, chosenShapes(variants, architecture), scores),
  };
}

/** What the search of whole architectures chose in the place of the least sum of scores. */
function chosenInstead(
  additive: SolvedArchitecture,
  { chosen }: StoredSearch,
  library: ScoredLibrary,
  requirements: Requirements,
): SolvedArchitecture {
  const program = formulate(library, requirements);
  const choices = choicesOf(program, chosen.architecture);
  return insteadOf(additive, program, library, requirements.constraints, choices);
}

function searchedView({ evaluations, chosen, additive }: StoredSearch): SolutionView['searched'] {
  return { measured: evaluations, kl: chosen.realised.value, leastSumKl: additive.realised.value };
}
