import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { greedy, meetsLimits, mostParameters, randomFeasible } from '../../src/search/reference-architectures.js';
import type { Problem } from '../../src/solver/problem.js';

/** Layers whose scores are `[parent, half, none]`; the parent's choice costs 4 in each, half 2, none 0. */
function layersOf(...scores: number[][]): Problem {
  return {
    layers: scores.map((layer) => ({
      choices: layer.map((score, i) => ({
        name: `${i}`,
        score,
        costs: { seconds: 4 - 2 * i, parameters: 40 - 20 * i },
      })),
    })),
    nonBlock: { seconds: 1, parameters: 0 },
    limits: [{ cost: 'seconds', max: 1 + 6 }],
  };
}

// Shares of 2 each. Layer 1 has the lowest mean score.
const problem = layersOf([0, 0.5, 0.9], [0, 0.1, 0.1], [0, 0.4, 2]);

describe('greedy', () => {
  it('takes the best that fits each share, layers of low scores first', () => {
    assert.deepEqual(greedy(problem), [1, 1, 1]);
  });

  it('passes on what a layer leaves', () => {
    // Layer 1 takes nothing at a lower score than half, so that layer 0, next in order, can keep all its own.
    assert.deepEqual(greedy(layersOf([0, 0.5, 0.9], [0.3, 0.1, 0.05], [0, 0.4, 2])), [0, 2, 1]);
  });

  it('keeps to bans and pins, and finds nothing where the limits are out of its reach', () => {
    assert.equal(greedy({ ...problem, bans: [{ layer: 0, choice: 1 }] })?.[0], 2);
    const pins = [0, 1].map((layer) => ({ layer, choice: 0 }));
    assert.equal(greedy({ ...problem, pins }), undefined);
  });
});

describe('the other references', () => {
  it('keep as many parameters as the limits allow', async () => {
    const limits = [{ cost: 'seconds', max: 9 }];
    const found = await mostParameters({ ...problem, limits });
    assert.ok(found && meetsLimits({ ...problem, limits }, found));
    const parameters = found.reduce((sum, choice) => sum + 40 - 20 * choice, 0);
    assert.equal(parameters, 80);
  });

  it('are within the limits by chance, by their seed', async () => {
    const found = await Promise.all([1, 1, 2, 3, 4, 5].map((seed) => randomFeasible(problem, seed)));
    assert.ok(found.every((architecture) => architecture && meetsLimits(problem, architecture)));
    assert.deepEqual(found[0], found[1]);
    assert.ok(new Set(found.map(String)).size > 1);
  });

  it('find nothing where there is nothing', async () => {
    const impossible = { ...problem, limits: [{ cost: 'seconds', max: 0 }] };
    assert.equal(await randomFeasible(impossible, 1), undefined);
    assert.equal(await mostParameters(impossible), undefined);
  });
});
