import { price } from './lagrangian.js';
import type { Candidate, Program } from './program.js';

/**
 * A good architecture within the rows, quickly; undefined where none was met. From the choices that are cheapest at the
 * multipliers: while a row is exceeded, the change of one layer that costs least per excess it takes away; then, as long
 * as there is one, the change of one layer that lowers the score most and keeps to the rows.
 */
export function quickIncumbent({ layers, rows }: Program, multipliers: readonly number[]): Candidate[] | undefined {
  const priced = layers.map((candidates) => candidates.map((candidate) => price(candidate, multipliers)));
  const chosen = layers.map((candidates, l) => {
    const prices = priced[l] as number[];
    return candidates[prices.indexOf(Math.min(...prices))] as Candidate;
  });
  const slack = rows.map(({ room }, k) => chosen.reduce((left, { usage }) => left - (usage[k] as number), room));

  /** The excess over all rows that would be left with a candidate in place of its layer's. */
  const excessWith = (candidate: Candidate): number => {
    const { usage } = chosen[candidate.layer] as Candidate;
    let excess = 0;
    for (let k = 0; k < slack.length; k++) {
      const left = (slack[k] as number) + (usage[k] as number) - (candidate.usage[k] as number);
      if (left < 0) excess -= left;
    }
    return excess;
  };
  const take = (candidate: Candidate): void => {
    const { usage } = chosen[candidate.layer] as Candidate;
    for (let k = 0; k < slack.length; k++) {
      slack[k] = (slack[k] as number) + (usage[k] as number) - (candidate.usage[k] as number);
    }
    chosen[candidate.layer] = candidate;
  };
  /** The candidate that is rated lowest, below zero. */
  const lowest = (rate: (candidate: Candidate) => number): Candidate | undefined => {
    let found: Candidate | undefined;
    let least = 0;
    for (const candidate of layers.flat()) {
      const rating = rate(candidate);
      if (rating < least) [least, found] = [rating, candidate];
    }
    return found;
  };

  // Every step takes excess away, so both loops end; a bound on their number is one on the time.
  for (let step = 0; slack.some((left) => left < 0); step++) {
    const excess = slack.reduce((sum, left) => sum + Math.max(0, -left), 0);
    const change = lowest((candidate) => {
      const gain = excess - excessWith(candidate);
      if (gain <= 0) return 0;
      const loss = price(candidate, multipliers) - price(chosen[candidate.layer] as Candidate, multipliers);
      return -gain / (Math.max(0, loss) + 1e-6);
    });
    if (change === undefined || step === 2 * layers.length) return undefined;
    take(change);
  }
  for (let step = 0; step < 2 * layers.length; step++) {
    const change = lowest((candidate) => {
      const gain = candidate.score - (chosen[candidate.layer] as Candidate).score;
      return gain < 0 && excessWith(candidate) === 0 ? gain : 0;
    });
    if (change === undefined) break;
    take(change);
  }
  return chosen;
}
