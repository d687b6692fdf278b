import { describeModel } from '../../model/config-map.js';
import type { ParamsOf } from '../../protocol/messages.js';
import type { diverseQuestion, frontQuestion } from '../../protocol/questions.js';
import type { Alternative, FrontPoint } from '../../protocol/solution.js';
import { chosenShapes } from '../../search/chosen-shapes.js';
import { parseConstraints, requireMetric } from '../../search/constraints.js';
import { libraryDiverse, libraryFront } from '../../search/explore.js';
import type { Requirements } from '../../search/solve.js';
import type { StoredLibrary } from '../../search/stored-library.js';
import { requirementsOf, solveSweep } from '../../search/sweep.js';
import { MAX_OVERLAP, pauseUnless } from './pause.js';
import { knownLibrary } from './runs.js';

/** The front of a run, at the batch size that is best without limits on its metrics. */
export async function answerFront(
  { axes, ...asked }: ParamsOf<typeof frontQuestion>,
  signal: AbortSignal,
): Promise<FrontPoint[]> {
  const stored = await knownLibrary(asked.run);
  const metrics = axes.map(({ metric }) => requireMetric(metric, 'front'));
  const requirements = required(stored, asked);
  const others = requirements.constraints.filter(({ metric }) => !metrics.includes(metric));
  const library = await bestBatch(stored, { ...requirements, constraints: others });
  const points = axes.map((axis) => axis.points);
  const found = await libraryFront(library, requirements, metrics, points, pauseUnless(signal));
  return found.map(({ limits, objective, status }) => ({
    ...{ objective, status },
    limits: metrics.map((metric) => limits[metric] ?? 0),
  }));
}

/** Several architectures of a run, at the batch size that is best for the first. */
export async function answerDiverse(
  { count, ...asked }: ParamsOf<typeof diverseQuestion>,
  signal: AbortSignal,
): Promise<Alternative[]> {
  const stored = await knownLibrary(asked.run);
  const { parent, variants } = stored;
  const requirements = required(stored, asked);
  const library = await bestBatch(stored, requirements);
  const found = await libraryDiverse(library, requirements, count, MAX_OVERLAP, pauseUnless(signal));
  return found.map(({ status, objective, gap, architecture, totals }) => {
    const scores = architecture.map(({ score }) => score);
    const map = describeModel(parent, chosenShapes(variants, architecture), scores);
    return { status, objective, gap, totals, map };
  });
}

function required(
  { spec, sweep }: StoredLibrary,
  { limits, rules, margin = spec.margin }: Pick<ParamsOf<typeof frontQuestion>, 'limits' | 'rules' | 'margin'>,
): Requirements {
  return requirementsOf({ target: spec.target, margin, rules }, parseConstraints(limits), sweep);
}

async function bestBatch({ libraries, library }: StoredLibrary, requirements: Requirements) {
  const { workload } = await solveSweep(libraries, requirements);
  return libraries.find(({ costs }) => costs.workload.batch === workload.batch) ?? library;
}
