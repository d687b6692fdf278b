import type { Series } from '../../protocol/run.js';

/** A curve from point `from` on. */
export type SeriesPart = Series & { from: number };

/**
 * What a panel does not know yet of the curves. `known`: how many points of each it has, by id. A curve that has become
 * shorter was begun anew, and is sent whole; one without news is left out.
 */
export function unknownPoints(all: readonly Series[], known: Readonly<Record<string, number>>): SeriesPart[] {
  return all.flatMap((series) => {
    const has = Object.hasOwn(known, series.id) ? (known[series.id] ?? 0) : 0;
    if (has === series.steps.length && has > 0) return [];
    const from = has > series.steps.length ? 0 : has;
    return [{ ...series, from, steps: series.steps.slice(from), values: series.values.slice(from) }];
  });
}
