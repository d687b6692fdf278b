import type { ParamsOf } from '../../protocol/messages.js';
import type { diverseQuestion, frontQuestion } from '../../protocol/questions.js';
import type { Alternative, FrontPoint } from '../../protocol/solution.js';
import { puzzletronMap } from '../../search/puzzletron-map.js';
import { puzzletronProblem } from '../../search/puzzletron-solve.js';
import { diverse, front } from '../../solver/front.js';
import { importedLibrary, type OfImported } from './imported.js';
import { MAX_OVERLAP, pauseUnless } from './pause.js';

// As `explore.ts`, about a Puzzletron working directory.

export async function answerImportedFront(
  { axes: asked, ...of }: ParamsOf<typeof frontQuestion> & OfImported,
  signal: AbortSignal,
): Promise<FrontPoint[]> {
  const problem = puzzletronProblem(await importedLibrary(of), of);
  const axes = asked.map(({ metric: cost }) => {
    const isLeast = problem.limits.some((limit) => limit.cost === cost && limit.max === undefined);
    return { cost, bound: isLeast ? 'min' : 'max' } as const;
  });
  const points = asked.map((axis) => axis.points);
  const found = await front(problem, axes, points, {}, pauseUnless(signal));
  return found.map(({ limits, solution: { objective, status } }) => ({ limits, objective, status }));
}

export async function answerImportedDiverse(
  { count, ...of }: ParamsOf<typeof diverseQuestion> & OfImported,
  signal: AbortSignal,
): Promise<Alternative[]> {
  const library = await importedLibrary(of);
  const found = await diverse(puzzletronProblem(library, of), count, MAX_OVERLAP, undefined, pauseUnless(signal));
  return found.map(({ status, objective, gap, totals, choices }) => ({
    ...{ status, objective, gap, totals },
    map: puzzletronMap(library, choices),
  }));
}
