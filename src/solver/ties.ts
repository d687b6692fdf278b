import type { Candidate, Program } from './program.js';
import { prove } from './prove.js';
import { type SearchOptions, TIE } from './search.js';

/**
 * Of all architectures whose value is that of `best`, the first in lexicographic order of choice indices (layer 0
 * counts most). So the answer does not depend on the way it was searched for.
 */
export function firstOfEqual(
  program: Program,
  best: readonly Candidate[],
  options: Pick<SearchOptions, 'multipliers' | 'deadline'>,
): readonly Candidate[] {
  const value = best.reduce((sum, candidate) => sum + candidate.score, 0);
  let first = best;
  for (let layer = 0; layer < program.layers.length; layer++) {
    const own = first[layer];
    if (own === undefined) break;
    for (const candidate of (program.layers[layer] ?? []).filter(({ choice }) => choice < own.choice)) {
      const layers = program.layers.map((candidates, l) => {
        if (l === layer) return [candidate];
        return l < layer ? first.slice(l, l + 1) : candidates;
      });
      // A tie is whatever lies below the value plus one tie; the search leaves out what is within a tie of `below`.
      const found = prove({ ...program, layers }, { ...options, below: value + 2 * TIE, first: true }).best;
      if (found === undefined) continue;
      first = found;
      break;
    }
  }
  return first;
}
