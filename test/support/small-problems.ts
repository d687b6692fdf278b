import { Random } from '../../src/common/random.js';
import type { Choice, Limit, Place, Problem } from '../../src/solver/problem.js';
import { architecturesOf, feasibleOf, totalOf } from './solver-oracle.js';

// Problems that can be solved by trying everything, of every kind and with every oddity that a real one may have.

/** What a kind of problem is limited by. */
export type Kind = keyof typeof KINDS;
export const KINDS = {
  'an upper limit': (random, problem) => limited(problem, [side(random, problem, 'max')]),
  'a lower limit': (random, problem) => limited(problem, [side(random, problem, 'min')]),
  'limits on both sides': (random, problem) => limited(problem, range(random, problem)),
  'an equality': (random, problem) => limited(problem, [equality(random, problem)]),
  'many limits': (random, problem) =>
    limited(problem, [
      side(random, problem, 'max'),
      side(random, problem, 'max'),
      side(random, problem, 'min'),
      side(random, problem, random.pick(['max', 'min'])),
    ]),
  pins: (random, problem) => withSide(random, { ...problem, pins: places(random, problem, 1 + random.below(2)) }),
  bans: (random, problem) => withSide(random, { ...problem, bans: places(random, problem, 1 + random.below(4)) }),
  'diversity against earlier solutions': (random, problem) =>
    withSide(random, { ...problem, diversity: earlier(random, problem) }),
  'the same choice over a range': (random, problem) => {
    const [a, b] = [random.below(problem.layers.length), random.below(problem.layers.length)];
    return withSide(random, { ...problem, same: [{ from: Math.min(a, b), to: Math.max(a, b) }] });
  },
  'few shapes': (random, problem) => withSide(random, { ...problem, maxShapes: 1 + random.below(3) }),
  // As rules of a spec become bans: by what names say.
  'layer 0 keeps attention': (random, problem) =>
    withSide(random, { ...problem, bans: bannedNames(problem, (name, layer) => layer === 0 && /^no-op/.test(name)) }),
  'widths that are multiples of 256': (random, problem) =>
    withSide(random, {
      ...problem,
      bans: bannedNames(problem, (name) => Number(/ffn-(\d+)/.exec(name)?.[1] ?? 0) % 256 !== 0),
    }),
  'everything at once': (random, problem) => {
    const [pins, bans] = [places(random, problem, 1), places(random, problem, 2)];
    const apart = bans.filter(({ layer }) => pins.every((pin) => pin.layer !== layer));
    const whole = { ...problem, pins, bans: apart, diversity: earlier(random, problem) };
    return limited(withSide(random, whole), range(random, problem));
  },
} satisfies Record<string, (random: Random, problem: Problem) => Problem>;

/** What is odd about scores and costs; `infeasible` is made of any kind by limits that it cannot meet. */
export type Oddity = keyof typeof ODDITIES | 'infeasible';
export const ODDITIES = {
  none: (random) => ({ score: random.normal(), memory: random.below(12), time: random.next() }),
  tied: (random) => ({ score: tenths(random, 3), memory: 1 + random.below(2), time: 0.1 * (1 + random.below(2)) }),
  'zero costs': (random) => ({
    score: tenths(random, 6),
    memory: random.below(2) * random.below(4),
    time: random.below(3) === 0 ? random.next() : 0,
  }),
  'negative scores and costs': (random) => ({
    score: -10 * random.next(),
    memory: random.below(12) - 4,
    time: random.next() - 0.3,
  }),
  /** Equal choices, and scores that are a line over the costs: every mixture of them is an optimum of the relaxation. */
  degenerate: (random) => {
    const memory = random.below(4);
    return { score: (3 - memory) / 10, memory, time: (3 - memory) / 10 };
  },
} satisfies Record<string, (random: Random) => { score: number; memory: number; time: number }>;

/** The names of choices, as a search has them. */
const NAMES = ['kv4 + ffn-1024', 'kv4 + ffn-600', 'no-op + ffn-1024', 'kv1 + ffn-512', 'no-op + no-op'];

/** One problem of a kind, of 1 to 4 layers x 1 to 5 choices, always with at least one architecture but for the limits. */
export function smallProblem(kind: Kind, oddity: Oddity, seed: number): Problem {
  for (let attempt = 0; ; attempt++) {
    const random = Random.of(seed, kind, oddity, attempt);
    const problem = KINDS[kind](random, unlimited(random, oddity === 'infeasible' ? 'none' : oddity));
    const { maxShapes, ...anyShapes } = problem;
    if (architecturesOf(anyShapes).length === 0) continue;
    if (oddity !== 'infeasible') return problem;
    const impossible = withImpossible(random, problem);
    if (impossible !== undefined) return maxShapes === undefined ? impossible : { ...impossible, maxShapes };
  }
}

function unlimited(random: Random, oddity: keyof typeof ODDITIES): Problem {
  const layer = () => {
    const names = random
      .shuffle([...NAMES])
      .slice(0, oddity === 'degenerate' ? 1 + random.below(5) : 2 + random.below(4));
    return {
      choices: names.map((name): Choice => {
        const { score, ...costs } = ODDITIES[oddity](random);
        return { name, score, costs };
      }),
    };
  };
  const layers = Array.from({ length: 1 + random.below(4) }, layer);
  // Layers that are alike, choice for choice: the more so, the more ties are wanted.
  const alike = layers.map((own) => (random.below(oddity === 'tied' ? 2 : 4) === 0 ? (layers[0] ?? own) : own));
  return {
    layers: structuredClone(alike),
    nonBlock: random.pick([{}, { memory: random.below(4) }, { memory: 1, time: 0.3 }]),
    limits: [],
  };
}

const tenths = (random: Random, most: number): number => random.below(most) / 10;

function limited(problem: Problem, limits: readonly Limit[]): Problem {
  return { ...problem, limits: [...problem.limits, ...limits] };
}

/** What has other rules is limited from one side as well, or it would be layers that know nothing of each other. */
function withSide(random: Random, problem: Problem): Problem {
  return limited(problem, [side(random, problem, random.pick(['max', 'max', 'min']))]);
}

const COSTS = ['memory', 'time'] as const;

/** A total that some architecture has; a little off, by less than what still meets a limit or by more; or between. */
function reached(random: Random, problem: Problem, cost: string): number {
  const total = totalOf(problem, cost, anyArchitecture(random, problem));
  const other = totalOf(problem, cost, anyArchitecture(random, problem));
  return random.pick([total, total * (1 - 4e-10), total * (1 + 3e-9), total * (1 - 3e-9), (total + 2 * other) / 3]);
}

function side(random: Random, problem: Problem, bound: 'max' | 'min'): Limit {
  const cost = random.pick(COSTS);
  return { cost, [bound]: reached(random, problem, cost) };
}

/** From one total to another, as one limit or as two. */
function range(random: Random, problem: Problem): Limit[] {
  const cost = random.pick(COSTS);
  const [a, b] = [reached(random, problem, cost), reached(random, problem, cost)];
  const [min, max] = [Math.min(a, b), Math.max(a, b)];
  return random.below(2) === 0
    ? [{ cost, min, max }]
    : [
        { cost, min },
        { cost, max },
      ];
}

function equality(random: Random, problem: Problem): Limit {
  const cost = random.pick(COSTS);
  const at = reached(random, problem, cost);
  return { cost, min: at, max: at };
}

function earlier(random: Random, problem: Problem): NonNullable<Problem['diversity']> {
  const solutions = Array.from({ length: 1 + random.below(3) }, () => anyArchitecture(random, problem));
  return { solutions, maxOverlap: random.pick([0, 0.25, 0.3, 0.5, 0.75]) };
}

function anyArchitecture(random: Random, { layers }: Problem): number[] {
  return layers.map(({ choices }) => random.below(choices.length));
}

/** Places that neither empty a layer nor contradict each other: at most one in a layer. */
function places(random: Random, { layers }: Problem, count: number): Place[] {
  const open = random.shuffle([...layers.keys()].filter((layer) => (layers[layer]?.choices.length ?? 0) > 1));
  return open.slice(0, count).map((layer) => ({ layer, choice: random.below(layers[layer]?.choices.length ?? 1) }));
}

/** Everything of such a name, as long as a layer keeps something. */
function bannedNames({ layers }: Problem, isBanned: (name: string, layer: number) => boolean): Place[] {
  return layers.flatMap(({ choices }, layer) => {
    const banned = [...choices.keys()].filter((choice) => isBanned(choices[choice]?.name ?? '', layer));
    return banned.length === choices.length ? [] : banned.map((choice) => ({ layer, choice }));
  });
}

/**
 * The problem with a limit more that cannot be met: by no architecture at all, or by none that meets the others. Undefined
 * where there is no architecture to miss.
 */
function withImpossible(random: Random, problem: Problem): Problem | undefined {
  const all = architecturesOf(problem);
  const fit = feasibleOf(problem);
  // Already impossible by what it is: as good.
  if (fit.length === 0) return all.length === 0 ? undefined : problem;
  const cost = random.pick(COSTS);
  const bound = random.pick(['max', 'min'] as const);
  const among = random.below(3) === 0 ? all : fit;
  const totals = among.map((architecture) => totalOf(problem, cost, architecture));
  const best = bound === 'max' ? Math.min(...totals) : Math.max(...totals);
  const beyond = random.pick([1e-7, 0.05, 1]) * Math.max(1, Math.abs(best));
  const at = bound === 'max' ? best - beyond : best + beyond;
  return limited(problem, [{ cost, [bound]: at }]);
}
