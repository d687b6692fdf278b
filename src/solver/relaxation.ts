import type { Program } from './program.js';

/** What the linear relaxation, where choices may be mixed, tells the search. */
export interface Relaxation {
  feasible: boolean;
  /**
   * One per row, never negative. Feasible: what a unit more room is worth. Infeasible: prices at which no architecture
   * pays, so large that the search sees at once that there is none.
   */
  multipliers: number[];
}

/** More than any multiplier that a score (at most 1) over a usage that is no rounding can give. */
const LARGE_PENALTY = 1e6;
/** An excess smaller than this is rounding. */
const NO_EXCESS = 1e-9;
const PIVOTS_PER_ROW = 100;
const OPTIMAL = 1e-11;
const PIVOT = 1e-11;

/** Solves the linear relaxation of `program`. */
export function relax(program: Program): Relaxation {
  const { excess, multipliers } = generateColumns(
    program,
    program.rows.map(() => LARGE_PENALTY),
  );
  if (excess <= NO_EXCESS) return { feasible: true, multipliers };
  const unscored = { ...program, layers: program.layers.map((layer) => layer.map((c) => ({ ...c, score: 0 }))) };
  const ray = relaxWithPenalties(
    unscored,
    program.rows.map(() => 1),
  );
  if (ray.value <= NO_EXCESS) return { feasible: true, multipliers };
  // Scores are at most 1, so this much is more than any sum of them.
  const large = (2 * program.layers.length + 2) / ray.value;
  return { feasible: false, multipliers: ray.multipliers.map((x) => x * large) };
}

/** Solves the linear relaxation in which every row may be exceeded at a price per unit; it always has an answer. */
export function relaxWithPenalties(
  program: Program,
  penalties: readonly number[],
): { value: number; multipliers: number[] } {
  return generateColumns(program, penalties);
}

/** The candidates as flat arrays: those of layer l are `starts[l]` to `starts[l + 1]`. */
interface Flat {
  starts: Int32Array;
  scores: Float64Array;
  /** Of candidate i in row k: `usages[i * rows + k]`. */
  usages: Float64Array;
}

/** An architecture as one column of the master program. */
interface ArchitectureColumn {
  score: number;
  usage: Float64Array;
  /** Its score and usages at the multipliers: the least of all architectures. */
  priced: number;
}

/**
 * The primal simplex on whole architectures (Dantzig and Wolfe): a column is an architecture, the rows are those of the
 * program and "the shares add up to 1", so the basis is as small as the program has rows, however many layers there are.
 * The column that enters is the one of least reduced cost, which every layer gives by itself. Excess columns, one a row,
 * may be bought at the penalties.
 */
function generateColumns(
  program: Program,
  penalties: readonly number[],
): { value: number; excess: number; multipliers: number[] } {
  const flat = flatten(program);
  const rows = program.rows.length;
  const size = rows + 1;
  const rooms = program.rows.map(({ room }) => room);
  const first = cheapest(flat, new Float64Array(rows));
  // The first architecture with, per row, the slack or the excess that it has there.
  const inverse = Array.from({ length: size }, (_, r) => new Float64Array(size).fill(0).fill(1, r, r + 1));
  const cost = new Float64Array(size);
  const share = new Float64Array(size);
  const isExcess = new Uint8Array(size);
  for (let k = 0; k < rows; k++) {
    const slack = at(rooms, k) - at(first.usage, k);
    const sign = slack >= 0 ? 1 : -1;
    const row = inverse[k] as Float64Array;
    row[k] = sign;
    row[rows] = -sign * at(first.usage, k);
    share[k] = Math.abs(slack);
    cost[k] = slack >= 0 ? 0 : at(penalties, k);
    isExcess[k] = slack >= 0 ? 0 : 1;
  }
  share[rows] = 1;
  cost[rows] = first.score;

  const multipliers = new Float64Array(rows);
  const column = new Float64Array(size);
  const direction = new Float64Array(size);
  let best = { value: -Infinity, multipliers: [...multipliers] };
  for (let pivots = 0; pivots < PIVOTS_PER_ROW * size; pivots++) {
    column.fill(0);
    let columnCost: number;
    const slack = pricedSlack(inverse, cost, penalties, multipliers);
    if (slack !== undefined) {
      column[slack.row] = slack.sign;
      columnCost = slack.sign > 0 ? 0 : at(penalties, slack.row);
    } else {
      const found = cheapest(flat, multipliers);
      const value = found.priced - multipliers.reduce((sum, x, k) => sum + x * at(rooms, k), 0);
      if (value > best.value) best = { value, multipliers: [...multipliers] };
      const master = cost.reduce((sum, c, r) => sum + c * at(share, r), 0);
      if (value >= master - OPTIMAL * (1 + Math.abs(master))) break;
      column.set(found.usage);
      column[rows] = 1;
      columnCost = found.score;
    }
    const leaving = leavingRow(inverse, column, share, direction);
    if (leaving === undefined) break;
    pivot(inverse, direction, share, leaving);
    cost[leaving] = columnCost;
    isExcess[leaving] = slack?.sign === -1 ? 1 : 0;
  }
  const excess = share.reduce((sum, x, r) => sum + (isExcess[r] === 1 ? x : 0), 0);
  return { value: best.value, excess, multipliers: best.multipliers };
}

/** Sets the multipliers that belong to the basis; a slack (+1) or an excess (-1) that should enter it, if one should. */
function pricedSlack(
  inverse: readonly Float64Array[],
  cost: Float64Array,
  penalties: readonly number[],
  multipliers: Float64Array,
): { row: number; sign: 1 | -1 } | undefined {
  let entering: { row: number; sign: 1 | -1 } | undefined;
  let least = -OPTIMAL;
  for (let k = 0; k < multipliers.length; k++) {
    let price = 0;
    for (let r = 0; r < cost.length; r++) price -= at(cost, r) * at(inverse[r] as Float64Array, k);
    const spare = at(penalties, k) - price;
    if (price < least) [least, entering] = [price, { row: k, sign: 1 }];
    if (spare < least) [least, entering] = [spare, { row: k, sign: -1 }];
    multipliers[k] = Math.min(Math.max(0, price), at(penalties, k));
  }
  return entering;
}

/** The basic column that the entering one replaces, by the ratio test; `direction` becomes the column in the basis. */
function leavingRow(
  inverse: readonly Float64Array[],
  column: Float64Array,
  share: Float64Array,
  direction: Float64Array,
): number | undefined {
  let leaving: number | undefined;
  let least = Infinity;
  for (const [r, row] of inverse.entries()) {
    let x = 0;
    for (let c = 0; c < row.length; c++) x += at(row, c) * at(column, c);
    direction[r] = x;
    if (x <= PIVOT) continue;
    const ratio = at(share, r) / x;
    if (ratio < least || (ratio === least && x > at(direction, leaving ?? r))) [least, leaving] = [ratio, r];
  }
  return leaving;
}

function pivot(inverse: readonly Float64Array[], direction: Float64Array, share: Float64Array, leaving: number): void {
  const step = at(share, leaving) / at(direction, leaving);
  const own = inverse[leaving] as Float64Array;
  for (let c = 0; c < own.length; c++) own[c] = at(own, c) / at(direction, leaving);
  for (const [r, row] of inverse.entries()) {
    const factor = at(direction, r);
    if (r === leaving || factor === 0) continue;
    share[r] = Math.max(0, at(share, r) - step * factor);
    for (let c = 0; c < row.length; c++) row[c] = at(row, c) - factor * at(own, c);
  }
  share[leaving] = step;
}

function flatten({ layers, rows }: Program): Flat {
  const count = layers.reduce((sum, layer) => sum + layer.length, 0);
  const flat: Flat = {
    starts: new Int32Array(layers.length + 1),
    scores: new Float64Array(count),
    usages: new Float64Array(count * rows.length),
  };
  let i = 0;
  for (const [l, layer] of layers.entries()) {
    for (const { score, usage } of layer) {
      flat.scores[i] = score;
      flat.usages.set(usage, i * rows.length);
      i++;
    }
    flat.starts[l + 1] = i;
  }
  return flat;
}

/** The architecture of least price: each layer's best by itself. */
function cheapest({ starts, scores, usages }: Flat, multipliers: Float64Array): ArchitectureColumn {
  const rows = multipliers.length;
  const found: ArchitectureColumn = { score: 0, usage: new Float64Array(rows), priced: 0 };
  for (let l = 0; l + 1 < starts.length; l++) {
    let least = Infinity;
    let chosen = at(starts, l);
    for (let i = at(starts, l), end = at(starts, l + 1); i < end; i++) {
      let price = at(scores, i);
      for (let k = 0, u = i * rows; k < rows; k++, u++) price += at(multipliers, k) * at(usages, u);
      if (price < least) [least, chosen] = [price, i];
    }
    found.score += at(scores, chosen);
    found.priced += least;
    for (let k = 0; k < rows; k++) found.usage[k] = at(found.usage, k) + at(usages, chosen * rows + k);
  }
  return found;
}

/** An element that is there. */
function at(array: ArrayLike<number>, index: number): number {
  return array[index] as number;
}
