import type { PanelState } from '../../src/protocol/panel.js';
import { readLimit } from '../constraints/limit-text.js';

/**
 * All that an answer about more than the present optimum depends on; null while nothing can be solved.
 *
 * @param without metrics whose limits are of no account, but for the side that they are on
 */
export function questionKey(
  { spec, answer, run, imported }: PanelState,
  without: readonly string[] = [],
): string | null {
  if (spec === null || answer === null || answer.kind === 'invalid') return null;
  const limits = spec.limits.map(({ metric, text }) => [
    metric,
    without.includes(metric) ? readLimit(metric, text)?.relation : text,
  ]);
  return JSON.stringify([limits, spec.rules, run?.dir, run?.tasks.finished, imported]);
}
