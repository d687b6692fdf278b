import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Choice, Problem } from '../../src/solver/problem.js';
import { solve, type Solution } from '../../src/solver/solve.js';
import {
  excessOf,
  glpkObjective,
  rulesOf,
  scoreOf,
  searchLikeProblem,
  type ShapeOptions,
} from '../support/solver-oracle.js';

async function solved(
  problem: Problem,
  ...options: Parameters<typeof solve> extends [unknown, ...infer R] ? R : never
): Promise<Solution> {
  const found = await solve(problem, ...options);
  assert.ok(found.status === 'optimal' || found.status === 'incumbent', found.status);
  return found;
}

function choice(score: number, costs: Record<string, number>): Choice {
  return { name: `score-${score}`, score, costs };
}

/** `count` layers that are all alike: keep (score 0, `cost`) or drop (score 1, cost 0). */
function alike(count: number, max: number, cost = 1): Problem {
  const choices = [choice(1, { memory: 0 }), choice(0, { memory: cost })];
  return {
    layers: Array.from({ length: count }, () => ({ choices })),
    nonBlock: {},
    limits: [{ cost: 'memory', max }],
  };
}

const SIZES: Record<string, Pick<ShapeOptions, 'layers' | 'attentions' | 'ffns'>> = {
  '32 layers x 54 choices': { layers: 32, attentions: 6, ffns: 9 },
  '80 layers x 16 choices': { layers: 80, attentions: 4, ffns: 4 },
};

describe('solve, at the size of real models', () => {
  for (const [name, size] of Object.entries(SIZES)) {
    for (const noise of [0, 0.02]) {
      it(`${name}, ${noise === 0 ? 'equal costs in every layer' : 'measured costs'}: the optimum that GLPK finds`, async (t) => {
        const times: number[] = [];
        for (const keep of [0.6, 0.8]) {
          const problem = searchLikeProblem({ ...size, seed: 2, keep, noise });
          const found = await solved(problem);
          times.push(found.milliseconds);
          assert.equal(found.status, 'optimal');
          for (const rule of rulesOf(problem)) assert.ok(excessOf(rule, found.choices) <= 0);
          assert.equal(found.objective, scoreOf(problem, found.choices));
          const expected = await glpkObjective(problem);
          assert.ok(expected !== undefined && Math.abs(found.objective - expected) < 1e-7 * expected);
        }
        t.diagnostic(`${times.map((ms) => ms.toFixed(0)).join(', ')} ms`);
      });
    }
  }

  it('gives ten solutions of 32 layers x 54 choices that differ in a fifth of the layers', async () => {
    const problem = searchLikeProblem({ layers: 32, attentions: 6, ffns: 9, seed: 3, keep: 0.7, noise: 0.02 });
    const solutions: number[][] = [];
    let last = -Infinity;
    for (let i = 0; i < 10; i++) {
      const found = await solved({ ...problem, diversity: { solutions, maxOverlap: 0.8 } });
      assert.equal(found.status, 'optimal');
      assert.ok(found.objective >= last, 'each one is no better than the one before');
      last = found.objective;
      for (const earlier of solutions) {
        const overlap = found.choices.filter((index, layer) => index === earlier[layer]).length;
        assert.ok(overlap <= 25, `${overlap} of 32 layers are equal`);
      }
      solutions.push(found.choices);
    }
  });

  it('gives the same architecture in whatever units costs and scores are', async () => {
    const problem = searchLikeProblem({ layers: 12, attentions: 4, ffns: 4, seed: 5, keep: 0.6, noise: 0.02 });
    const factors: Record<string, number> = { parameters: 1e-9, memory: 1e6, runtime: 1e-12 };
    const scale = (costs: Record<string, number>): Record<string, number> =>
      Object.fromEntries(Object.entries(costs).map(([cost, value]) => [cost, value * (factors[cost] ?? NaN)]));
    const scaled: Problem = {
      layers: problem.layers.map(({ choices }) => ({
        choices: choices.map((c) => ({ ...c, score: c.score * 1e8, costs: scale(c.costs) })),
      })),
      nonBlock: scale(problem.nonBlock),
      limits: problem.limits.map(({ cost, max = NaN }) => ({ cost, max: max * (factors[cost] ?? NaN) })),
    };
    assert.deepEqual((await solved(scaled)).choices, (await solved(problem)).choices);
  });
});

describe('solve, answers', () => {
  it('is the same every time', async () => {
    const problem = searchLikeProblem({ layers: 32, attentions: 6, ffns: 9, seed: 4, keep: 0.7, noise: 0 });
    const [first, second] = [await solved(problem), await solved(structuredClone(problem))];
    assert.deepEqual({ ...first, milliseconds: 0 }, { ...second, milliseconds: 0 });
  });

  it('takes the first architecture in order of choice indices where many are equal', async () => {
    // 64 equal layers of which 24 can be kept: C(64, 24) optima.
    const { choices, objective } = await solved(alike(64, 24));
    assert.equal(objective, 40);
    assert.deepEqual(choices, [...new Array<number>(40).fill(0), ...new Array<number>(24).fill(1)]);
  });

  it('is not slowed by room that no architecture can use', async () => {
    // 24.5 times the cost of a layer: without rounding to 24 every one of C(64, 24) optima has a better relaxation.
    const { objective, nodes } = await solved(alike(64, 24.5 * 0.37, 0.37));
    assert.equal(objective, 40);
    assert.ok(nodes < 1000, `${nodes} nodes`);
  });

  it('prefers, at equal score, the choice that costs less, and of equal choices the first listed', async () => {
    const layer = (...costs: number[]): { choices: Choice[] } => ({
      choices: costs.map((memory) => choice(1, { memory })),
    });
    const problem = { layers: [layer(3, 2, 2), layer(5, 5)], nonBlock: {}, limits: [{ cost: 'memory', max: 100 }] };
    assert.deepEqual((await solved(problem)).choices, [1, 0]);
    // A cost that nothing limits does not count.
    assert.deepEqual((await solved({ ...problem, limits: [] })).choices, [0, 0]);
  });

  it('meets a limit that the architecture reaches exactly, in sums that are not exact', async () => {
    const layers = Array.from({ length: 10 }, () => ({ choices: [choice(0, { time: 0.1 }), choice(1, { time: 0 })] }));
    const sum = { cost: 'time', max: 0.7 };
    assert.equal((await solved({ layers, nonBlock: { time: 0 }, limits: [sum] })).objective, 3);
    assert.equal((await solved({ layers, nonBlock: { time: 0 }, limits: [{ ...sum, min: 0.7 }] })).objective, 3);
    assert.equal((await solved({ layers, nonBlock: { time: 0.3 }, limits: [sum] })).objective, 6);
  });

  it('totals every cost, limited or not, with what is outside the layers', async () => {
    const layers = [
      { choices: [choice(0, { memory: 3, time: 0.5 })] },
      { choices: [choice(0, { memory: 4, time: 0.25 })] },
    ];
    const { totals } = await solved({ layers, nonBlock: { memory: 10 }, limits: [{ cost: 'time', max: 1 }] });
    assert.deepEqual(totals, { memory: 17, time: 0.75 });
  });

  it('prices a limit at what a unit more of it is worth, and marks it as binding', async () => {
    // Per layer 0.2 of score for 10 of memory; time has room to spare.
    const layers = Array.from({ length: 4 }, () => ({
      choices: [choice(0, { memory: 10.5, time: 1 }), choice(0.2, { memory: 0.5, time: 1 })],
    }));
    const limits = [
      { cost: 'memory', max: 25 },
      { cost: 'time', max: 9, min: 1 },
    ];
    const { binding, shadowPrices } = await solved({ layers, nonBlock: {}, limits });
    assert.deepEqual(binding, ['memory']);
    assert.ok(Math.abs((shadowPrices['memory'] ?? NaN) - 0.02) < 1e-9);
    assert.equal(shadowPrices['time'], 0);
  });

  it('prices a minimum at what a unit less of it is worth', async () => {
    const layers = Array.from({ length: 3 }, () => ({ choices: [choice(0, { kv: 0.5 }), choice(3, { kv: 2 })] }));
    const { choices, binding, shadowPrices } = await solved({
      layers,
      nonBlock: {},
      limits: [{ cost: 'kv', min: 2.5 }],
    });
    assert.deepEqual(choices, [0, 0, 1]);
    assert.deepEqual(binding, ['kv']);
    assert.ok(Math.abs((shadowPrices['kv'] ?? NaN) - 2) < 1e-9);
  });

  it('marks no limit as binding where every layer has its best choice', async () => {
    const { binding, shadowPrices } = await solved(alike(5, 5));
    assert.deepEqual(binding, []);
    assert.deepEqual(shadowPrices, { memory: 0 });
  });
});

describe('solve, when told to stop early', () => {
  const problem = searchLikeProblem({ layers: 32, attentions: 6, ffns: 9, seed: 2, keep: 0.6, noise: 0 });

  it('returns the best so far with a bound that holds, and says that it is not proven', async () => {
    const { objective: optimum, nodes } = await solved(problem);
    const found = await solved(problem, { maxNodes: Math.floor(nodes / 4) });
    assert.equal(found.status, 'incumbent');
    assert.equal(found.objective, scoreOf(problem, found.choices));
    for (const rule of rulesOf(problem)) assert.ok(excessOf(rule, found.choices) <= 0);
    assert.ok(found.bound <= optimum && optimum <= found.objective);
    assert.ok(found.gap > 0);
    assert.ok(Math.abs(found.gap - (found.objective - found.bound)) < 1e-12);
  });

  it('stops by the clock', async () => {
    const hard = searchLikeProblem({ layers: 80, attentions: 6, ffns: 9, seed: 2, keep: 0.6, noise: 0 });
    const found = await solve(hard, { maxMilliseconds: 0 });
    assert.equal(found.status, 'undecided');
    assert.equal(found.nodes, 0);
  });

  it('says so, with a bound, where it has found nothing yet', async () => {
    const found = await solve(problem, { maxNodes: 0 });
    assert.ok(found.status === 'undecided');
    const leastScores = problem.layers.map(({ choices }) => Math.min(...choices.map(({ score }) => score)));
    const { objective } = await solved(problem);
    assert.ok(found.bound > leastScores.reduce((a, b) => a + b, 0) && found.bound <= objective);
  });

  it('returns any architecture that fits where the gap is as wide as the scores', async () => {
    const found = await solved(problem, { gap: 1000 });
    for (const rule of rulesOf(problem)) assert.ok(excessOf(rule, found.choices) <= 0);
    assert.equal(found.objective, scoreOf(problem, found.choices));
  });

  it('stops at an architecture within the gap that was asked for', async () => {
    const { objective: optimum, nodes } = await solved(problem);
    const gap = 0.05 * optimum;
    const found = await solved(problem, { gap });
    assert.ok(found.nodes < nodes);
    assert.ok(found.gap <= gap && found.bound <= optimum && optimum <= found.objective);
  });
});
