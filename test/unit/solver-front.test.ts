import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/common/errors.js';
import { Random } from '../../src/common/random.js';
import { type Axis, diverse, front } from '../../src/solver/front.js';
import type { Limit, Problem } from '../../src/solver/problem.js';
import { solve } from '../../src/solver/solve.js';
import { type Kind, KINDS, ODDITIES, type Oddity, smallProblem } from '../support/small-problems.js';
import { puzzleInstance, SIZE_80_54 } from '../support/solver-instances.js';
import {
  bruteForce,
  feasibleOf,
  glpkObjective,
  scoreOf,
  searchLikeProblem,
  totalOf,
} from '../support/solver-oracle.js';

describe('front', () => {
  const small = searchLikeProblem({ layers: 4, attentions: 3, ffns: 3, seed: 1, keep: 0.7, noise: 0.02 });

  it('has at every point the optimum under that limit, falling as the limit gives way', async () => {
    const points = await front(small, [{ cost: 'memory', bound: 'max' }], 15);
    assert.equal(points.length, 15);
    let last = Infinity;
    for (const { limits, solution } of points) {
      assert.equal(solution.status, 'optimal');
      const others = small.limits.filter(({ cost }) => cost !== 'memory');
      const problem = { ...small, limits: [...others, { cost: 'memory', max: limits[0] ?? NaN }] };
      assert.deepEqual(solution.choices, bruteForce(problem));
      assert.ok(solution.objective <= last);
      last = solution.objective;
    }
    const free = { ...small, limits: small.limits.filter(({ cost }) => cost !== 'memory') };
    assert.equal(last, scoreOf(small, bruteForce(free) ?? []), 'the loosest limit is none');
  });

  it('is a grid of optima on two axes', async () => {
    const points = await front(
      small,
      [
        { cost: 'memory', bound: 'max' },
        { cost: 'runtime', bound: 'max' },
      ],
      [6, 3],
    );
    assert.ok(points.length > 8 && points.length <= 18, `${points.length} points`);
    assert.deepEqual(
      [0, 1].map((axis) => new Set(points.map(({ limits }) => limits[axis])).size),
      [6, 3],
    );
    for (const { limits, solution } of points) {
      const [memory = NaN, runtime = NaN] = limits;
      const others = small.limits.filter(({ cost }) => cost === 'parameters');
      const bounded = [...others, { cost: 'memory', max: memory }, { cost: 'runtime', max: runtime }];
      assert.deepEqual(solution.choices, bruteForce({ ...small, limits: bounded }));
    }
  });

  it('refuses axes and points that make none', async () => {
    await assert.rejects(front(small, [], 5), InputError);
    await assert.rejects(front(small, [{ cost: 'disk', bound: 'max' }], 5), /no choice has the cost "disk"/);
    await assert.rejects(front(small, [{ cost: 'memory', bound: 'max' }], 1), /from 2 to 1000/);
    const two: Axis[] = ['memory', 'runtime'].map((cost) => ({ cost, bound: 'max' }));
    await assert.rejects(front(small, two, 32), /: 32 points on an axis; give a whole number from 2 to 31$/);
    await assert.rejects(
      front(small, two, [10, 101]),
      /: 10 and 101 points on an axis; give .* at most 1000 points in all$/,
    );
    await assert.rejects(front(small, [{ cost: 'memory', bound: 'max' }], [5, 5]), /points for 2 axes/);
  });
});

/** 13 x 5 x 15 = 975 problems each, of which some have no answer. */
const EACH = 15;
const POINTS = 4;

/** Small problems of every kind with every oddity that has answers. */
function* smallProblems(): Generator<{ problem: Problem; label: string; random: Random }> {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    for (const oddity of Object.keys(ODDITIES) as Oddity[]) {
      for (let seed = 0; seed < EACH; seed++) {
        const label = `${kind}, ${oddity}, seed ${seed}`;
        yield { problem: smallProblem(kind, oddity, seed), label, random: Random.of(seed, label) };
      }
    }
  }
}

describe('front, against trying every architecture of small problems', () => {
  for (const [name, costs] of [
    ['one limit', ['memory']],
    ['two limits', ['memory', 'time']],
  ] as const) {
    it(`over ${name}: the points that can be reached, each the optimum there`, async () => {
      const counts = { points: 0, unreachable: 0, empty: 0 };
      for (const { problem, label, random } of smallProblems()) {
        const axes = costs.map((cost): Axis => ({ cost, bound: random.pick(['max', 'min']) }));
        const expected = await frontByForce(problem, axes);
        const points = await front(problem, axes, POINTS);
        assert.equal(points.length, expected.length, `${label}: points`);
        for (const [i, { limits, objective, choices }] of expected.entries()) {
          const point = points[i];
          assert.ok(point && point.solution.status === 'optimal' && point.solution.gap === 0, label);
          assert.ok(
            limits.every((limit, k) => Math.abs(limit - (point.limits[k] ?? NaN)) < 1e-9),
            `${label}: limits`,
          );
          assert.ok(Math.abs(objective - point.solution.objective) < 1e-9, `${label}: objective`);
          if (choices !== undefined) assert.deepEqual(point.solution.choices, choices, label);
        }
        counts.points += expected.length;
        counts.unreachable += expected.length === 0 ? 0 : POINTS ** axes.length - expected.length;
        counts.empty += expected.length === 0 ? 1 : 0;
      }
      assert.ok(counts.points > 1000 && counts.empty > 100, JSON.stringify(counts));
      if (costs.length === 2) assert.ok(counts.unreachable > 1000, JSON.stringify(counts));
    });
  }
});

describe('diverse, against trying every architecture of small problems', () => {
  it('gives the optimum, then the optimum of what differs enough from all before, until there is no more', async () => {
    const counts = { found: 0, exhausted: 0 };
    for (const { problem, label, random } of smallProblems()) {
      const maxOverlap = random.pick([0, 0.3, 0.5, 0.75]);
      const found = await diverse(problem, 4, maxOverlap);
      const { solutions: earlier = [], maxOverlap: own = maxOverlap } = problem.diversity ?? {};
      for (let i = 0; i <= found.length && i < 4; i++) {
        const solutions = [...earlier, ...found.slice(0, i).map(({ choices }) => choices)];
        const diversity = { solutions, maxOverlap: Math.min(own, maxOverlap) };
        const fit = feasibleOf(solutions.length === 0 ? problem : { ...problem, diversity });
        const solution = found[i];
        if (solution === undefined) {
          assert.equal(fit.length, 0, `${label}: one more`);
          counts.exhausted++;
          continue;
        }
        const least = Math.min(...fit.map((architecture) => scoreOf(problem, architecture)));
        assert.equal(solution.status, 'optimal');
        assert.ok(Math.abs(solution.objective - least) < 1e-9, `${label}: ${solution.objective} for ${least}`);
        assert.ok(
          fit.some((architecture) => architecture.join() === solution.choices.join()),
          label,
        );
        counts.found++;
      }
    }
    assert.ok(counts.found > 1000 && counts.exhausted > 300, JSON.stringify(counts));
  });
});

describe('diverse', () => {
  it('gives solutions that differ in a fifth of the layers, the best first, each with a bound', async () => {
    const problem = puzzleInstance(SIZE_80_54, 1, 0.65, 0.02);
    const found = await diverse(problem, 5, 0.8);
    assert.equal(found.length, 5);
    assert.equal(found[0]?.objective, ((await solve(problem)) as { objective: number }).objective);
    for (const [i, { choices, objective, bound, gap }] of found.entries()) {
      assert.ok(Math.abs(objective - bound - gap) < 1e-12 && gap < 0.01 * objective, `gap ${gap}`);
      for (const earlier of found.slice(0, i)) {
        assert.ok(choices.filter((choice, layer) => choice === earlier.choices[layer]).length <= 64);
      }
    }
  });

  it('ends where there are no more', async () => {
    const choices = [0, 1].map((score) => ({ name: `c${score}`, score, costs: {} }));
    const found = await diverse({ layers: [{ choices }], nonBlock: {}, limits: [] }, 5, 0);
    assert.deepEqual(
      found.map((solution) => solution.choices),
      [[0], [1]],
    );
  });
});

describe('solve, on the instances of the benchmark', () => {
  for (const noise of [0, 0.02]) {
    it(`finds no less than the linear relaxation and nothing that a swap betters, noise ${noise}`, async () => {
      for (const tightness of [0.45, 0.85]) {
        const problem = puzzleInstance(SIZE_80_54, 7, tightness, noise);
        const found = await solve(problem);
        assert.ok(found.status === 'optimal');
        const linear = await glpkObjective(problem, { linear: true });
        assert.ok(linear !== undefined && found.objective >= linear - 1e-9 && found.objective < 1.01 * linear);
        for (const { cost, max = NaN } of problem.limits) assert.ok((found.totals[cost] ?? NaN) <= max * (1 + 1e-9));
      }
    });
  }
});

/** A front by trying everything: its points in order, with the choices where no pattern leaves them open. */
async function frontByForce(
  problem: Problem,
  axes: readonly Axis[],
): Promise<{ limits: number[]; objective: number; choices: number[] | undefined }[]> {
  const isAxis = (cost: string, bound: 'max' | 'min') => axes.some((a) => a.cost === cost && a.bound === bound);
  const limits = problem.limits.flatMap(({ cost, min, max }): Limit[] => [
    ...(max === undefined || isAxis(cost, 'max') ? [] : [{ cost, max }]),
    ...(min === undefined || isAxis(cost, 'min') ? [] : [{ cost, min }]),
  ]);
  const open = { ...problem, limits };
  const fit = feasibleOf(open);
  // Which of equal optima ends a grid is the solver's to say.
  const unrestricted = await solve(open);
  if (unrestricted.status !== 'optimal') return [];
  const [first = [], second = [undefined]] = axes.map(({ cost, bound }): (number | undefined)[] => {
    const totals = fit.map((architecture) => totalOf(problem, cost, architecture));
    const from = bound === 'max' ? Math.min(...totals) : Math.max(...totals);
    const to = unrestricted.totals[cost] ?? NaN;
    return Array.from({ length: POINTS }, (_, i) => from + ((to - from) * i) / (POINTS - 1));
  });
  return second.flatMap((y) =>
    first.flatMap((x) => {
      const at = [x, y].flatMap((value) => value ?? []);
      const sides = axes.map(({ cost, bound }, i): Limit => ({ cost, [bound]: at[i] }));
      const point = { ...open, limits: [...limits, ...sides] };
      const there = feasibleOf(point);
      if (there.length === 0) return [];
      const objective = Math.min(...there.map((architecture) => scoreOf(problem, architecture)));
      const isPlain = problem.same === undefined && problem.maxShapes === undefined;
      return [{ limits: at, objective, choices: isPlain ? bruteForce(point) : undefined }];
    }),
  );
}
