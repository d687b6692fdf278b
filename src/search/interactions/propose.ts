import { Random } from '../../common/random.js';
import type { Problem } from '../../solver/problem.js';
import { type Solution, solve } from '../../solver/solve.js';
import { allowedChoices, isWithin } from '../reference-architectures.js';
import type { Expectation, Surrogate } from './surrogate.js';

/** The cost by which a program counts the layers that differ from an architecture. */
const CHANGES = 'changed layers';
/** Nodes of one program: what is not proven by then is an answer all the same, and told from one that is. */
const PROGRAM_NODES = 20_000;
/** Exchanges in two layers at once that are looked at, the most promising by the sum of their single ones. */
const PAIRS = 400;

/** Improvements below this, nats/token, are none. */
const SAME = 1e-9;

/** Spread of the factors, of each score its own, by which diverse architectures come about: exp(this times a normal). */
const DIVERSE_SPREAD = 0.5;

/** An architecture that meets the limits, and what it is expected to drop. */
export interface Proposal {
  architecture: readonly number[];
  expected: Expectation;
}

/** Optima for scores that are wrong: each choice's times a random factor. What several of these agree on counts once. */
export async function diverse(problem: Problem, count: number, seed: number): Promise<number[][]> {
  const found: number[][] = [];
  for (let index = 0; index < count; index++) {
    const random = Random.of(seed, 'diverse', index);
    const layers = problem.layers.map(({ choices }) => ({
      choices: choices.map((choice) => ({
        ...choice,
        score: choice.score * Math.exp(DIVERSE_SPREAD * random.normal()),
      })),
    }));
    const answer = await solve({ ...problem, layers }, { maxNodes: PROGRAM_NODES });
    if (answer.status === 'optimal' || answer.status === 'incumbent') found.push(answer.choices);
  }
  return found;
}

/** What the KL is expected to become when layer l of `around` takes choice j and all else stays: `[l][j]`. */
function conditionalScores(problem: Problem, surrogate: Surrogate, around: readonly number[]): number[][] {
  return problem.layers.map(({ choices }, layer) =>
    choices.map((_, choice) => surrogate.predict(around.with(layer, choice))),
  );
}

/**
 * The exact program in which each choice has its conditional score around an architecture, and at most `radius` layers
 * differ from it: the linearised surrogate within a trust region. The objective of the answer is what it expects the
 * change of the KL to be.
 */
async function resolveAround(
  problem: Problem,
  surrogate: Surrogate,
  around: readonly number[],
  radius: number,
): Promise<Solution | undefined> {
  const scores = conditionalScores(problem, surrogate, around);
  const layers = problem.layers.map(({ choices }, layer) => {
    const stays = around[layer] ?? 0;
    const own = scores[layer]?.[stays] ?? 0;
    return {
      choices: choices.map((choice, index) => ({
        ...choice,
        score: (scores[layer]?.[index] ?? 0) - own,
        costs: { ...choice.costs, [CHANGES]: index === stays ? 0 : 1 },
      })),
    };
  });
  const limits = [...problem.limits, { cost: CHANGES, max: radius }];
  const answer = await solve({ ...problem, layers, limits }, { maxNodes: PROGRAM_NODES });
  return answer.status === 'optimal' || answer.status === 'incumbent' ? answer : undefined;
}

/**
 * Architectures that are expected to drop little, and their neighbours: from each start, the program is solved again and again
 * around its own answer while that improves the surrogate, in ever smaller trust regions; then the exchanges of one and of
 * two layers around where that ends.
 */
export async function propose(
  problem: Problem,
  surrogate: Surrogate,
  starts: readonly (readonly number[])[],
): Promise<Proposal[]> {
  const found = new Map<string, Proposal>();
  const add = (architecture: readonly number[]): number => {
    const key = architecture.join();
    const proposal = found.get(key) ?? { architecture, expected: surrogate.expect(architecture) };
    found.set(key, proposal);
    return proposal.expected.mean;
  };
  for (const start of starts) {
    let [best, value] = [start, add(start)];
    for (let radius = problem.layers.length; radius >= 1;) {
      const answer = await resolveAround(problem, surrogate, best, radius);
      const predicted = answer === undefined ? Infinity : add(answer.choices);
      if (answer !== undefined && predicted < value) [best, value] = [answer.choices, predicted];
      else radius = Math.floor(radius / 2);
    }
    for (const exchanged of exchanges(problem, surrogate, best)) add(exchanged);
  }
  return [...found.values()];
}

/**
 * How many layers may differ for the architecture to be the proven optimum of the program around itself: all of them, or
 * half as many until it is; 0 where it never is.
 */
export async function provenRadius(
  problem: Problem,
  surrogate: Surrogate,
  architecture: readonly number[],
): Promise<number> {
  for (let radius = problem.layers.length; radius >= 1; radius = Math.floor(radius / 2)) {
    const answer = await resolveAround(problem, surrogate, architecture, radius);
    // Staying as it is has the objective 0.
    if (answer?.status === 'optimal' && answer.objective >= -SAME) return radius;
  }
  return 0;
}

/** What differs from an architecture in one or two layers and meets the limits, the most promising pairs only. */
function exchanges(problem: Problem, surrogate: Surrogate, around: readonly number[]): number[][] {
  const scores = conditionalScores(problem, surrogate, around);
  const meets = limitCheck(problem, around);
  const base = surrogate.predict(around);
  const singles = allowedMoves(problem, around).map((move) => ({
    moves: [move],
    expected: (scores[move.layer]?.[move.choice] ?? base) - base,
  }));
  const pairs = singles.flatMap((a, i) =>
    singles.slice(i + 1).flatMap((b) => {
      const moves = [...a.moves, ...b.moves];
      const distinct = moves[0]?.layer !== moves[1]?.layer;
      return distinct && meets(moves) ? [{ moves, expected: a.expected + b.expected }] : [];
    }),
  );
  const promising = pairs.sort((a, b) => a.expected - b.expected).slice(0, PAIRS);
  return [...singles.filter(({ moves }) => meets(moves)), ...promising].map(({ moves }) => {
    const architecture = [...around];
    for (const { layer, choice } of moves) architecture[layer] = choice;
    return architecture;
  });
}

interface Move {
  layer: number;
  choice: number;
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
