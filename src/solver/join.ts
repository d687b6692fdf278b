import type { Parts } from './parts.js';
import { TIE } from './search.js';

export interface JoinOptions {
  /** Room of every row for both parts together. */
  rooms: readonly number[];
  multipliers: readonly number[];
  /** Price per unit by which a row may be exceeded, at least the multiplier; absent: rows must hold. */
  penalties: readonly number[] | undefined;
  /** Only pairs below this distance from the floor matter. */
  reach: number;
  deadline: number | undefined;
}

export interface Joined {
  /** The nearest pair: a part on the left, one on the right. */
  pair: [number, number] | undefined;
  /** Another pair is as near, or one of these two stands for several. */
  tied: boolean;
  /** The time was over before all pairs were tried. */
  cut: boolean;
}

const PARTS_PER_CLOCK = 64;
/** The right parts are sorted into about as many bins as there are parts, but no more than these. */
const MAX_BINS = 1 << 16;

/** The pair of parts with the least reduced costs plus price of what is left of, or exceeds, the rooms. */
export function joinParts(left: Parts, right: Parts, options: JoinOptions): Joined {
  const { rooms, multipliers, deadline = Infinity } = options;
  const rows = rooms.length;
  /** What a unit of excess costs beyond the multiplier. */
  const excessPrices = rooms.map((_, k) => (options.penalties?.[k] ?? Infinity) - (multipliers[k] as number));
  const bins = intoBins(right, rows, narrowestRow(right, rows, multipliers));
  const joined: Joined = { pair: undefined, tied: false, cut: false };
  let nearest = Infinity;
  const spare = new Float64Array(rows);
  for (let l = 0; l < left.count; l++) {
    if (l % PARTS_PER_CLOCK === 0 && deadline !== Infinity && performance.now() >= deadline) {
      joined.cut = true;
      break;
    }
    const own = left.costs[l] as number;
    let reach = Math.min(options.reach, nearest + 2 * TIE);
    if (own >= reach) continue;
    for (let k = 0; k < rows; k++) spare[k] = (rooms[k] as number) - (left.usages[l * rows + k] as number);
    const [from, to] = bins.window(spare, multipliers[bins.row] ?? 0, excessPrices[bins.row] ?? 0, reach - own);
    for (let p = from; p < to; p++) {
      const r = bins.order[p] as number;
      let distance = own + (right.costs[r] as number);
      for (let k = 0, u = r * rows; k < rows && distance < reach; k++, u++) {
        const slack = (spare[k] as number) - (right.usages[u] as number);
        if (slack >= 0) distance += slack * (multipliers[k] as number);
        else distance -= slack * (excessPrices[k] as number);
      }
      if (distance >= reach) continue;
      const tie = Math.abs(distance - nearest) <= 2 * TIE || left.tied[l] === 1 || right.tied[r] === 1;
      if (distance < nearest) {
        nearest = distance;
        joined.pair = [l, r];
        joined.tied = tie;
        reach = Math.min(reach, nearest + 2 * TIE);
      } else {
        joined.tied = true;
      }
    }
  }
  return joined;
}

/** The row on which the parts lie furthest apart, at its multiplier: there the fewest pairs can fit. */
function narrowestRow({ count, usages }: Parts, rows: number, multipliers: readonly number[]): number {
  let narrowest = 0;
  let widest = -1;
  for (let k = 0; k < rows; k++) {
    let [low, high] = [Infinity, -Infinity];
    for (let r = 0; r < count; r++) {
      const usage = usages[r * rows + k] as number;
      if (usage < low) low = usage;
      if (usage > high) high = usage;
    }
    const width = (high - low) * (multipliers[k] as number);
    if (width > widest) [widest, narrowest] = [width, k];
  }
  return narrowest;
}

interface Bins {
  row: number;
  /** Parts by their usage of the row, up to the width of a bin. */
  order: Int32Array;
  /** The range of `order` in which every part is whose distance on this row alone is within `reach`. */
  window: (spare: Float64Array, price: number, excessPrice: number, reach: number) => [number, number];
}

function intoBins({ count, usages }: Parts, rows: number, row: number): Bins {
  let [low, high] = [Infinity, -Infinity];
  const usage = (part: number): number => (rows === 0 ? 0 : (usages[part * rows + row] as number));
  for (let part = 0; part < count; part++) {
    low = Math.min(low, usage(part));
    high = Math.max(high, usage(part));
  }
  const number = Math.min(count, MAX_BINS);
  const width = (high - low) / number || 1;
  const binOf = (x: number): number => Math.max(0, Math.min(number - 1, Math.floor((x - low) / width)));
  const ends = new Int32Array(number + 1);
  for (let part = 0; part < count; part++) {
    const bin = binOf(usage(part)) + 1;
    ends[bin] = (ends[bin] as number) + 1;
  }
  for (let bin = 0; bin < number; bin++) ends[bin + 1] = (ends[bin + 1] as number) + (ends[bin] as number);
  const order = new Int32Array(count);
  const next = ends.slice();
  for (let part = 0; part < count; part++) {
    const bin = binOf(usage(part));
    order[next[bin] as number] = part;
    next[bin] = (next[bin] as number) + 1;
  }
  return {
    row,
    order,
    window: (spare, price, excessPrice, reach) => {
      if (rows === 0) return [0, count];
      const room = spare[row] as number;
      const least = price > 0 ? room - reach / price : -Infinity;
      const most = excessPrice > 0 ? room + reach / excessPrice : Infinity;
      // A sum that is off by rounding may be in the next bin.
      return [ends[Math.max(0, binOf(least) - 1)] as number, ends[Math.min(number, binOf(most) + 2)] as number];
    },
  };
}
