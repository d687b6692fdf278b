import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { findOutcome } from '../../src/search/interactions/stage.js';
import { parseConstraint } from '../../src/search/constraints.js';
import { architectureOf, formulate, solveLibrary } from '../../src/search/solve.js';
import { library } from '../support/scored-library.js';

const RANGES = {
  search: { first: 0, sequences: 2 },
  finalists: { first: 2, sequences: 2 },
  report: { first: 4, sequences: 2 },
};
const REQUIREMENTS = { constraints: [parseConstraint('kvCache', '<= 1000 B', 'test')], margin: 0 };

/**
 * A search in which all but the least sum of scores do better than that, and where the KL of some architectures comes to
 * nothing on some text.
 */
async function outcome(isLost: (isAdditive: boolean, first: number) => boolean) {
  const additive = await solveLibrary(library, REQUIREMENTS);
  const program = formulate(library, REQUIREMENTS);
  const own = JSON.stringify(additive.architecture);
  const realise = (architectures: readonly (readonly number[])[], { first }: { first: number }) =>
    Promise.resolve(
      architectures.map((choices) => {
        const isAdditive = JSON.stringify(architectureOf(program, choices)) === own;
        return isLost(isAdditive, first) ? undefined : isAdditive ? [2, 2.1] : [1, 1.1];
      }),
    );
  const inputs = { scores: library.scores, additive, validation: { sequenceLength: 8 } };
  return findOutcome({ realise }, program, inputs, RANGES, { search: { evaluations: 12 }, seed: 1 });
}

describe('the outcome of measuring whole architectures', () => {
  it('is the one that does better on all three texts', async () => {
    const found = await outcome(() => false);
    assert.ok('search' in found);
    assert.ok(found.search.difference.value < -0.9);
  });

  it('says whose KL is not finite: that of the least sum, or that of the chosen one', async () => {
    const { first } = RANGES.report;
    assert.deepEqual(await outcome((isAdditive) => isAdditive), { notFinite: 'additive' });
    assert.deepEqual(await outcome((isAdditive, at) => isAdditive && at === first), { notFinite: 'additive' });
    assert.deepEqual(await outcome((isAdditive, at) => !isAdditive && at === first), { notFinite: 'chosen' });
  });
});
