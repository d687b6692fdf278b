/** What is lost when two heads share one: symmetric, any unit. */
export type PairCost = (a: number, b: number) => number;

/**
 * Puts `heads` heads into `groups` groups of one size so that the pairs within groups lose little: from consecutive
 * heads on, two heads of different groups change places as long as that helps. Ascending within a group, and groups by
 * their first head.
 */
export function groupHeads(heads: number, groups: number, costOf: PairCost): number[][] {
  const size = heads / groups;
  if (groups === 1) return [Array.from({ length: heads }, (_, head) => head)];
  const groupOf = Array.from({ length: heads }, (_, head) => Math.floor(head / size));
  const costs = Array.from({ length: heads }, (_, a) =>
    Array.from({ length: heads }, (_, b) => (a === b ? 0 : costOf(Math.min(a, b), Math.max(a, b)))),
  );
  /** Of a head with those that share a group with `place`, that one itself left out. */
  const withPeersOf = (head: number, place: number) =>
    groupOf.reduce(
      (total, group, peer) =>
        group === groupOf[place] && peer !== place && peer !== head ? total + (costs[head]?.[peer] ?? 0) : total,
      0,
    );
  const gain = (a: number, b: number) => withPeersOf(a, a) + withPeersOf(b, b) - withPeersOf(a, b) - withPeersOf(b, a);
  const pairs = costs.flatMap((row, a) => row.map((_, b) => [a, b] as const)).filter(([a, b]) => a < b);
  for (let moved = true; moved;) {
    moved = false;
    for (const [a, b] of pairs) {
      const [ofA = 0, ofB = 0] = [groupOf[a], groupOf[b]];
      // A gain that is only rounding would let heads change places for ever.
      if (ofA === ofB || !(gain(a, b) > 1e-9)) continue;
      [groupOf[a], groupOf[b]] = [ofB, ofA];
      moved = true;
    }
  }
  const members = Array.from({ length: groups }, (_, group) =>
    groupOf.flatMap((of, head) => (of === group ? [head] : [])),
  );
  return members.sort(([a = 0], [b = 0]) => a - b);
}
