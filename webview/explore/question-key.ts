import type { PanelState } from '../../src/protocol/panel.js';

/**
 * All that an answer about more than the present optimum depends on; null while nothing can be solved.
 *
 * @param without a metric whose limit is of no account
 */
export function questionKey({ spec, answer, run, imported }: PanelState, without?: string): string | null {
  if (spec === null || answer === null || answer.kind === 'invalid') return null;
  const limits = spec.limits.filter(({ metric }) => metric !== without).map(({ metric, text }) => [metric, text]);
  return JSON.stringify([limits, spec.rules, run?.dir, run?.tasks.finished, imported]);
}
