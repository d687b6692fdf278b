import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/common/random.js';
import { exchanges } from '../../src/search/interactions/exchanges.js';
import { allowedChoices, meetsLimits } from '../../src/search/reference-architectures.js';
import type { Problem } from '../../src/solver/problem.js';

/** As many pairs as are looked at. */
const PAIRS = 400;

/** What is chosen, by listing every pair there is. */
function byListing(problem: Problem, around: readonly number[], rises: readonly (readonly number[])[]): number[][] {
  const moves = allowedChoices(problem).flatMap((choices, layer) =>
    choices.filter((choice) => choice !== around[layer]).map((choice) => ({ layer, choice })),
  );
  const rise = ({ layer, choice }: { layer: number; choice: number }) => rises[layer]?.[choice] ?? NaN;
  const singles = moves.map(({ layer, choice }) => around.with(layer, choice));
  const pairs = moves.flatMap((a, i) =>
    moves
      .slice(i + 1)
      .filter((b) => a.layer !== b.layer)
      .map((b) => ({
        architecture: around.with(a.layer, a.choice).with(b.layer, b.choice),
        expected: rise(a) + rise(b),
      })),
  );
  const promising = pairs
    .filter(({ architecture }) => meetsLimits(problem, architecture))
    .sort((a, b) => a.expected - b.expected)
    .slice(0, PAIRS);
  const alone = singles.filter((architecture) => meetsLimits(problem, architecture));
  return [...alone, ...promising.map(({ architecture }) => architecture)];
}

/** Layers x choices with two costs, limits near what the architecture has, and rises of which many are equal. */
function instance(seed: number, layers: number, choices: number) {
  const random = Random.of(seed, 'exchanges');
  const step = random.pick([0.5, 0.01]);
  const rises = Array.from({ length: layers }, () =>
    Array.from({ length: choices }, () => step * Math.round(random.normal() / step)),
  );
  const around = rises.map(() => random.below(choices));
  const problem: Problem = {
    layers: rises.map((ofLayer) => ({
      choices: ofLayer.map((_, choice) => ({
        name: `${choice}`,
        score: 0,
        costs: { memory: random.below(9), seconds: random.next() },
      })),
    })),
    nonBlock: {},
    limits: [
      { cost: 'memory', max: 4 * layers + random.below(4) },
      { cost: 'seconds', min: 0.3 * layers, max: (0.5 + 0.3 * random.next()) * layers },
    ],
    bans: [{ layer: random.below(layers), choice: random.below(choices) }],
  };
  return { problem, around, rises };
}

describe('exchanges', () => {
  it('are those that listing every pair would choose, in the same order', () => {
    let full = 0;
    for (let seed = 0; seed < 200; seed++) {
      const { problem, around, rises } = instance(seed, 2 + (seed % 11), 2 + (seed % 7));
      const expected = byListing(problem, around, rises);
      if (expected.length >= PAIRS) full++;
      assert.deepEqual(exchanges(problem, around, rises), expected, `seed ${seed}`);
    }
    assert.ok(full > 30, `${full} with more pairs than are looked at`);
  });
});
