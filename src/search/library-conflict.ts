import type { Infeasible } from '../solver/solve.js';

const SIGNS = { max: '<=', min: '>=' } as const;

/** Why no architecture of a library meets its limits, and the least that would help, as limits on costs are written. */
export function conflictText({ conflicts, relaxation }: Pick<Infeasible, 'conflicts' | 'relaxation'>): string {
  const named = conflicts.map(
    ({ cost, bound, limit, reachable }) => `${cost}${SIGNS[bound]}${limit} (alone, ${reachable} can be reached)`,
  );
  const changes = relaxation.changes.map(({ cost, bound, to }) => `${cost}${SIGNS[bound]}${to}`);
  return `no architecture meets ${named.join(' and ')}; the smallest relaxation that fits: ${changes.join(' and ')}${relaxation.proven ? '' : '; a smaller one may exist'}`;
}

/** The smallest relaxation as texts of limits by their costs: `{"memory_mib": "<= 77000"}`. */
export function relaxationTexts({ relaxation }: Pick<Infeasible, 'relaxation'>): Record<string, string> {
  return Object.fromEntries(relaxation.changes.map(({ cost, bound, to }) => [cost, `${SIGNS[bound]} ${to}`]));
}
