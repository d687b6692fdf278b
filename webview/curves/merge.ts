import type { Series } from '../../src/protocol/run.js';

/** A curve from point `from` on, as the host sends it. */
export type SeriesPart = Series & { from: number };

/**
 * Adds what the host sent to the curves known so far. A part that begins anew replaces its curve; one that does not join
 * on to what is known is left: the next question asks from there.
 */
export function mergeParts(known: ReadonlyMap<string, Series>, parts: readonly SeriesPart[]): Map<string, Series> {
  const merged = new Map(known);
  for (const { from, ...part } of parts) {
    const before = merged.get(part.id);
    if (from === 0) merged.set(part.id, part);
    else if (before !== undefined && from <= before.steps.length) {
      const steps = [...before.steps.slice(0, from), ...part.steps];
      const values = [...before.values.slice(0, from), ...part.values];
      merged.set(part.id, { ...part, steps, values });
    }
  }
  return merged;
}

/** How many points of each curve are known, by id. */
export function knownPoints(known: ReadonlyMap<string, Series>): Record<string, number> {
  return Object.fromEntries([...known].map(([id, { steps }]) => [id, steps.length]));
}
