import { Random } from '../../common/random.js';
import type { Problem } from '../../solver/problem.js';
import { type Solution, solve } from '../../solver/solve.js';
import { exchanges } from './exchanges.js';
import type { Expectation, Surrogate } from './surrogate.js';

/** The cost by which a program counts the layers that differ from an architecture. */
const CHANGES = 'changed layers';
/** Nodes of one program: what is not proven by then is an answer all the same, and told from one that is. */
const PROGRAM_NODES = 20_000;

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
    const scores = conditionalScores(problem, surrogate, best);
    const own = surrogate.predict(best);
    const rises = scores.map((ofLayer) => ofLayer.map((score) => score - own));
    for (const exchanged of exchanges(problem, best, rises)) add(exchanged);
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
