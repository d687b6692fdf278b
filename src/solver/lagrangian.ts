import type { Candidate } from './program.js';

/** The Lagrangian at some multipliers: its value, and the candidates that attain it. */
export interface Lagrangian {
  value: number;
  argmin: Candidate[];
  /** Usage minus room of the argmin, per row. */
  excess: number[];
}

/**
 * Scores plus the rows' excess at a price: without the rows the program falls apart into layers, and its least value is
 * a bound on every architecture that keeps to the rows. Rounding never lifts it above the true one: what the sums may be
 * off is taken from it.
 */
export function lagrangian(
  layers: readonly (readonly Candidate[])[],
  rooms: readonly number[],
  multipliers: readonly number[],
): Lagrangian {
  let value = 0;
  let magnitude = 0;
  const excess = rooms.map((room, k) => {
    const term = room * (multipliers[k] as number);
    value -= term;
    magnitude += Math.abs(term);
    return -room;
  });
  const argmin: Candidate[] = [];
  for (const candidates of layers) {
    let least = Infinity;
    let chosen: Candidate | undefined;
    for (const candidate of candidates) {
      const at = price(candidate, multipliers);
      if (at < least) {
        least = at;
        chosen = candidate;
      }
    }
    if (chosen === undefined) throw new Error('a layer without candidates');
    value += least;
    magnitude += least;
    argmin.push(chosen);
    for (let k = 0; k < excess.length; k++) excess[k] = (excess[k] as number) + (chosen.usage[k] as number);
  }
  const terms = layers.length + 2 * rooms.length + 1;
  return { value: value - terms * Number.EPSILON * magnitude, argmin, excess };
}

/** The score of a candidate plus its usages at the multipliers. */
export function price(candidate: Candidate, multipliers: readonly number[]): number {
  let sum = candidate.score;
  for (let k = 0; k < multipliers.length; k++) sum += (multipliers[k] as number) * (candidate.usage[k] as number);
  return sum;
}
