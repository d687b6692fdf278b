import { solveQuestion } from '../../protocol/questions.js';
import { metricSchema } from '../../protocol/solution.js';
import { parseSpec } from '../../search/spec.js';
import { limitRange, type SpecDiagnostic } from '../../search/spec-diagnostics.js';
import type { QuestionWorker } from '../services.js';

/**
 * What the worker says of a spec whose limits no architecture of the run meets, at each limit that would have to give way;
 * nothing where there is a solution, or nobody to tell.
 *
 * @param text a spec that can be used
 */
export async function unmetLimits(
  text: string,
  run: string,
  worker: Pick<QuestionWorker, 'ask' | 'state'>,
): Promise<Omit<SpecDiagnostic, 'kind'>[]> {
  if (worker.state().state === 'down') return [];
  const { limits, rules, margin } = parseSpec(text, 'the spec');
  // The panel and the log tell of a worker that fails.
  const answer = await worker.ask(solveQuestion, { run, limits, rules, margin }).catch(() => undefined);
  if (answer?.kind !== 'infeasible') return [];
  const { message, relaxation } = answer;
  const spans = Object.keys(relaxation).flatMap((name) => {
    const metric = metricSchema.safeParse(name);
    return metric.success ? (limitRange(text, metric.data) ?? []) : [];
  });
  const places = spans.length > 0 ? spans : [{ start: 0, end: 1 }];
  return places.map((span) => ({ ...span, severity: 'error', message }));
}
