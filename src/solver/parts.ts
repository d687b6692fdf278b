import { TIE } from './search.js';

/** The candidates of a layer by reduced cost, the first at 0. */
export interface PartLayer {
  layer: number;
  costs: Float64Array;
  /** Of candidate i in row k: `usages[i * rows + k]`. */
  usages: Float64Array;
}

/** Choices for some of the layers: all of them whose reduced costs add up to at most a distance. */
export interface Parts {
  count: number;
  /** The sum of reduced costs. */
  costs: Float64Array;
  usages: Float64Array;
  /** 1: another part with the same usages has an equal cost and was left out. */
  tied: Uint8Array;
  /** Per layer, for every part of that length: the part it extends, and the candidate it adds. */
  steps: { layer: number; parents: Int32Array; picks: Int32Array }[];
}

/** Usages that differ by no more are the same; sums of the same numbers in another order are off by much less. */
const SAME_USAGE = 1e-12;
/** Usages count in steps of its inverse when hashed; no power of two, so that whole numbers keep their low bits. */
const USAGE_GRID = 50_789_414_129;
const HASH_FACTOR = 0x9e3779b1;

/**
 * Every part of `layers` within `distance`. Of parts whose usages are the same only the cheapest is kept: where costs are
 * the same in every layer, most permutations of choices fall together here.
 *
 * @returns undefined where they are more than `most`
 */
export function enumerateParts(
  layers: readonly PartLayer[],
  rows: number,
  distance: number,
  most: number,
): Parts | undefined {
  let parts: Parts = {
    count: 1,
    costs: new Float64Array(1),
    usages: new Float64Array(rows),
    tied: new Uint8Array(1),
    steps: [],
  };
  for (const layer of layers) {
    const count = countExtensions(parts, layer, distance);
    if (count > most) return undefined;
    parts = extend(parts, layer, rows, distance, count);
  }
  return parts;
}

/** The candidate of each layer in a part. */
export function picksOf({ steps }: Parts, part: number): Map<number, number> {
  const picks = new Map<number, number>();
  let at = part;
  for (const { layer, parents, picks: all } of steps.toReversed()) {
    picks.set(layer, all[at] as number);
    at = parents[at] as number;
  }
  return picks;
}

function countExtensions({ count, costs }: Parts, layer: PartLayer, distance: number): number {
  let total = 0;
  for (let part = 0; part < count; part++) {
    const left = distance - (costs[part] as number);
    for (let i = 0; i < layer.costs.length && (layer.costs[i] as number) <= left; i++) total++;
  }
  return total;
}

function extend(parts: Parts, layer: PartLayer, rows: number, distance: number, most: number): Parts {
  const next: Parts = {
    count: 0,
    costs: new Float64Array(most),
    usages: new Float64Array(most * rows),
    tied: new Uint8Array(most),
    steps: [...parts.steps, { layer: layer.layer, parents: new Int32Array(most), picks: new Int32Array(most) }],
  };
  const { parents, picks } = next.steps.at(-1) as Parts['steps'][number];
  const mask = 2 ** Math.ceil(Math.log2(most * 2)) - 1;
  const table = new Int32Array(mask + 1);
  for (let part = 0; part < parts.count; part++) {
    const base = parts.costs[part] as number;
    for (let i = 0; i < layer.costs.length && (layer.costs[i] as number) <= distance - base; i++) {
      const own = next.count;
      let hash = 0;
      for (let k = 0; k < rows; k++) {
        const usage = (parts.usages[part * rows + k] as number) + (layer.usages[i * rows + k] as number);
        next.usages[own * rows + k] = usage;
        hash = Math.imul(hash ^ Math.round(usage * USAGE_GRID), HASH_FACTOR);
        hash ^= hash >>> 15;
      }
      let slot = hash & mask;
      while (table[slot] !== 0 && !haveSameUsages(next.usages, rows, own, (table[slot] as number) - 1)) {
        slot = (slot + 1) & mask;
      }
      const cost = base + (layer.costs[i] as number);
      const tied = parts.tied[part] as number;
      const isNew = table[slot] === 0;
      const at = isNew ? own : (table[slot] as number) - 1;
      const earlier = isNew ? Infinity : (next.costs[at] as number);
      const isTie = Math.abs(cost - earlier) <= 2 * TIE ? 1 : 0;
      if (cost < earlier) {
        next.costs[at] = cost;
        next.tied[at] = tied | isTie;
        parents[at] = part;
        picks[at] = i;
      } else if (isTie === 1) {
        next.tied[at] = 1;
      }
      if (!isNew) continue;
      table[slot] = own + 1;
      next.count++;
    }
  }
  return next;
}

function haveSameUsages(usages: Float64Array, rows: number, a: number, b: number): boolean {
  for (let k = 0; k < rows; k++) {
    if (Math.abs((usages[a * rows + k] as number) - (usages[b * rows + k] as number)) > SAME_USAGE) return false;
  }
  return true;
}
