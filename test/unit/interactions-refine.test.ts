import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/common/random.js';
import { cholesky, solveFactored } from '../../src/search/interactions/linear-algebra.js';
import { provenRadius } from '../../src/search/interactions/propose.js';
import { refine } from '../../src/search/interactions/refine.js';
import { estimate, rankCorrelation } from '../../src/search/interactions/statistics.js';
import { type ChoiceScores, Surrogate } from '../../src/search/interactions/surrogate.js';
import { meetsLimits } from '../../src/search/reference-architectures.js';
import type { Problem } from '../../src/solver/problem.js';
import { solve } from '../../src/solver/solve.js';

const LAYERS = 6;
/** Choice 0 is the parent's, 1 cheaper, 2 cheaper still. */
const SCORES = [0, 0.1, 0.25];
const COSTS = [1, 0.6, 0.2];

const problem: Problem = {
  layers: Array.from({ length: LAYERS }, (_, layer) => ({
    choices: SCORES.map((score, choice) => ({
      name: `choice ${choice}`,
      score: score * (1 + layer / 20),
      costs: { seconds: COSTS[choice] ?? 0 },
    })),
  })),
  nonBlock: { seconds: 0.1 },
  limits: [{ cost: 'seconds', max: 3.3 }],
};

const choices: ChoiceScores = problem.layers.map(({ choices: ofLayer }) =>
  ofLayer.map(({ name, score }) => [{ variant: name, score }]),
);

/** Changes in neighbouring layers cost three times as much together: the sum of scores does not see it. */
function trueKl(architecture: readonly number[]): number {
  const score = (layer: number) => problem.layers[layer]?.choices[architecture[layer] ?? 0]?.score ?? 0;
  let kl = 0;
  for (let layer = 0; layer < LAYERS; layer++) {
    kl += score(layer) + (layer > 0 ? 6 * Math.sqrt(score(layer) * score(layer - 1)) : 0);
  }
  return kl;
}

function everyArchitecture(layer = 0): number[][] {
  if (layer === LAYERS) return [[]];
  return everyArchitecture(layer + 1).flatMap((rest) => SCORES.map((_, choice) => [choice, ...rest]));
}

async function additiveOptimum(of = problem): Promise<number[]> {
  const answer = await solve(of);
  assert.ok(answer.status === 'optimal');
  return answer.choices;
}

const realise = (architectures: readonly (readonly number[])[]) =>
  Promise.resolve(architectures.map((architecture) => [trueKl(architecture), trueKl(architecture)]));

describe('refinement by measured architectures', () => {
  const run = async (of = problem, evaluations = 40) =>
    refine(of, choices, await additiveOptimum(of), { evaluations, seed: 1 }, realise);

  it('finds the true optimum where the sum of scores does not', async () => {
    const feasible = everyArchitecture().filter((architecture) => meetsLimits(problem, architecture));
    const least = Math.min(...feasible.map(trueKl));
    assert.ok(trueKl(await additiveOptimum()) > 1.2 * least);
    const { measured } = await run();
    assert.ok(Math.abs(Math.min(...measured.map(({ kl }) => kl)) - least) < 1e-12);
    assert.ok(Math.abs((measured[0]?.kl ?? Infinity) - least) < 1e-12, 'the least is named first');
  });

  it('measures each architecture once, the additive one among them, all within limits and rules', async () => {
    const ruled: Problem = { ...problem, bans: [{ layer: 2, choice: 2 }] };
    const { measured } = await run(ruled, 25);
    const keys = measured.map(({ architecture }) => architecture.join());
    assert.equal(keys.length, 25);
    assert.equal(new Set(keys).size, 25);
    assert.ok(keys.includes((await additiveOptimum(ruled)).join()));
    assert.ok(measured.every(({ architecture }) => meetsLimits(problem, architecture) && architecture[2] !== 2));
  });

  it('gives the same again', async () => {
    const [one, two] = [await run(), await run()];
    assert.deepEqual(one.measured, two.measured);
  });

  it('leaves out what came to nothing', async () => {
    const additive = await additiveOptimum();
    const failing = async (architectures: readonly (readonly number[])[]) =>
      (await realise(architectures)).map((kl, i) => (architectures[i]?.[0] === 2 ? undefined : kl));
    const { measured } = await refine(problem, choices, additive, { evaluations: 20, seed: 1 }, failing);
    assert.ok(measured.length > 0 && measured.length < 20);
    assert.ok(measured.every(({ architecture }) => architecture[0] !== 2));
  });

  it('proves the least of all for its own program, and nothing for what can be improved', async () => {
    const surrogate = new Surrogate(choices, [], 0);
    assert.equal(await provenRadius(problem, surrogate, await additiveOptimum()), LAYERS);
    assert.equal(await provenRadius({ ...problem, limits: [] }, surrogate, [1, 1, 1, 1, 1, 1]), 0);
  });
});

describe('the surrogate', () => {
  it('is the sum of scores before anything is measured', () => {
    const architecture = [1, 0, 2, 0, 1, 2];
    const sum = architecture.reduce((total, choice, l) => total + (problem.layers[l]?.choices[choice]?.score ?? 0), 0);
    assert.ok(Math.abs(new Surrogate(choices, [], 0).predict(architecture) - sum) < 1e-12);
  });

  it('passes through what was measured without noise, and is sure of it', () => {
    const observations = [
      [1, 0, 2, 0, 1, 2],
      [0, 1, 1, 2, 0, 0],
      [2, 2, 0, 0, 1, 1],
    ].map((architecture) => ({ architecture, kl: trueKl(architecture) }));
    const surrogate = new Surrogate(choices, observations, 0);
    for (const { architecture, kl } of observations) {
      const { mean, deviation } = surrogate.expect(architecture);
      assert.ok(Math.abs(mean - kl) < 1e-9 && Math.abs(surrogate.predict(architecture) - kl) < 1e-9);
      assert.ok(deviation < 1e-6);
    }
    assert.ok(surrogate.expect([0, 0, 0, 2, 2, 2]).deviation > 0.01);
  });
});

describe('the numbers behind it', () => {
  it('solve a symmetric system', () => {
    const random = Random.of(1, 'system');
    const n = 7;
    const root = Array.from({ length: n }, () => Array.from({ length: n }, () => random.normal()));
    const dot = (a: readonly number[], b: readonly number[]) => a.reduce((sum, x, i) => sum + x * (b[i] ?? 0), 0);
    const a = root.map((x, i) => root.map((y, j) => dot(x, y) + (i === j ? 1 : 0)));
    const x = Array.from({ length: n }, () => random.normal());
    const found = solveFactored(
      cholesky(a),
      a.map((row) => dot(row, x)),
    );
    assert.ok(found.every((value, i) => Math.abs(value - (x[i] ?? 0)) < 1e-10));
  });

  it('rank as Spearman did', () => {
    assert.equal(rankCorrelation([1, 2, 3, 4], [10, 100, 1000, 10_000]), 1);
    assert.equal(rankCorrelation([1, 2, 3, 4], [4, 3, 2, 1]), -1);
    // By the textbook formula without ties: 1 - 6 Σd² / (n (n² - 1)), d = (0, 1, -1, 0, 0).
    assert.ok(Math.abs((rankCorrelation([1, 2, 3, 4, 5], [1, 3, 2, 4, 5]) ?? 0) - (1 - 12 / 120)) < 1e-12);
    // With a tie: Pearson's of the ranks (1.5, 1.5, 3) and (1, 2, 3).
    assert.ok(Math.abs((rankCorrelation([1, 1, 2], [1, 2, 3]) ?? 0) - Math.sqrt(3) / 2) < 1e-12);
    assert.equal(rankCorrelation([1, 1], [1, 2]), null);
  });

  it('tell a mean with its standard error', () => {
    const { value, standardError } = estimate([1, 2, 3]);
    assert.equal(value, 2);
    assert.ok(Math.abs(standardError - 1 / Math.sqrt(3)) < 1e-12);
    assert.deepEqual(estimate([4]), { value: 4, standardError: 0 });
  });
});
