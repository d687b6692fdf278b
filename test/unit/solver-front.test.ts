import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/common/errors.js';
import { diverse, front } from '../../src/solver/front.js';
import { solve } from '../../src/solver/solve.js';
import { puzzleInstance, SIZE_80_54 } from '../support/solver-instances.js';
import { bruteForce, glpkObjective, scoreOf, searchLikeProblem } from '../support/solver-oracle.js';

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
      5,
    );
    assert.ok(points.length > 10, `${points.length} points`);
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
