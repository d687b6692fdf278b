import type { Problem } from '../../solver/problem.js';
import { allowedChoices, isWithin } from '../reference-architectures.js';

/** Exchanges in two layers at once that are looked at, the most promising by the sum of their single ones. */
const PAIRS = 400;

interface Move {
  layer: number;
  choice: number;
}

/** Some moves, and by how much the KL is expected to rise with them. */
interface Exchange {
  moves: readonly Move[];
  expected: number;
}

/** One move, with its place among all. */
interface Single {
  move: Move;
  expected: number;
  index: number;
}

/**
 * What differs from an architecture in one or two layers and meets the limits, the most promising pairs only.
 *
 * @param rises by how much the KL is expected to rise when layer l takes choice j and all else stays: `[l][j]`
 */
export function exchanges(
  problem: Problem,
  around: readonly number[],
  rises: readonly (readonly number[])[],
): number[][] {
  const meets = limitCheck(problem, around);
  const singles = allowedMoves(problem, around).map((move, index): Single => ({
    ...{ move, index },
    expected: rises[move.layer]?.[move.choice] ?? 0,
  }));
  const alone = singles.filter(({ move }) => meets([move])).map(({ move, expected }) => ({ moves: [move], expected }));
  return [...alone, ...promisingPairs(singles, meets)].map(({ moves }) => {
    const architecture = [...around];
    for (const { layer, choice } of moves) architecture[layer] = choice;
    return architecture;
  });
}

/**
 * The first pairs by what is expected of them, of equal ones those listed first. There are millions of pairs in a deep model:
 * they are gone through from the most promising on, and never more than twice as many held as are wanted.
 */
function promisingPairs(singles: readonly Single[], meets: (moves: readonly Move[]) => boolean): Exchange[] {
  const sorted = singles.toSorted((a, b) => a.expected - b.expected);
  let kept: (Exchange & { first: Single; second: Single })[] = [];
  let most = Infinity;
  const cut = () => {
    kept = kept
      .sort((a, b) => a.expected - b.expected || a.first.index - b.first.index || a.second.index - b.second.index)
      .slice(0, PAIRS);
    most = kept.length === PAIRS ? (kept.at(-1)?.expected ?? Infinity) : Infinity;
  };
  for (const [i, a] of sorted.entries()) {
    for (let j = i + 1; j < sorted.length; j++) {
      const b = sorted[j] as Single;
      const expected = a.expected + b.expected;
      if (expected > most) break;
      if (a.move.layer === b.move.layer) continue;
      const [first, second] = a.index < b.index ? [a, b] : [b, a];
      const moves = [first.move, second.move];
      if (!meets(moves)) continue;
      kept.push({ moves, expected, first, second });
      if (kept.length === 2 * PAIRS) cut();
    }
  }
  cut();
  return kept;
}

/** Every other choice of every layer that no rule excludes. */
function allowedMoves(problem: Problem, around: readonly number[]): Move[] {
  return allowedChoices(problem).flatMap((choices, layer) =>
    choices.filter((choice) => choice !== around[layer]).map((choice) => ({ layer, choice })),
  );
}

/** Whether an architecture still meets every limit after some moves. */
function limitCheck(
  { layers, nonBlock, limits }: Problem,
  around: readonly number[],
): (moves: readonly Move[]) => boolean {
  const costOf = (cost: string, layer: number, choice = 0) => layers[layer]?.choices[choice]?.costs[cost] ?? 0;
  const totals = limits.map((limit) => ({
    limit,
    total: around.reduce((sum, choice, layer) => sum + costOf(limit.cost, layer, choice), nonBlock[limit.cost] ?? 0),
  }));
  return (moves) =>
    totals.every(({ limit, total }) => {
      const moved = moves.reduce(
        (sum, { layer, choice }) => sum + costOf(limit.cost, layer, choice) - costOf(limit.cost, layer, around[layer]),
        total,
      );
      return isWithin(limit, moved);
    });
}
