import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { constraintText, parseConstraints } from '../../src/search/constraints.js';
import { InfeasibleError } from '../../src/search/infeasible.js';
import { type ScoredLibrary, solveLibrary } from '../../src/search/solve.js';
import { parseSpec } from '../../src/search/spec.js';
import { checkReachableAtBatches, requirementsOf, solveSweep } from '../../src/search/sweep.js';
import { library, workload } from '../support/scored-library.js';

/** The library at another batch: KV cache in proportion, seconds less than that. */
function atBatch(batch: number): ScoredLibrary {
  const share = batch / workload.batch;
  const priced = <T extends (typeof library)['costs']['nonBlock']>(part: T): T => ({
    ...part,
    kvCache: share * part.kvCache,
    memory: part.memory + (share - 1) * part.kvCache,
    seconds: Math.sqrt(share) * part.seconds,
  });
  const { costs, scores } = library;
  return {
    scores,
    costs: {
      workload: { ...workload, batch },
      nonBlock: priced(costs.nonBlock),
      layers: costs.layers.map(({ attention, ffn }) => ({ attention: attention.map(priced), ffn: ffn.map(priced) })),
    },
  };
}

const BATCHES = [1, 4, 16];
const libraries = BATCHES.map(atBatch);
const costs = libraries.map((one) => one.costs);
const { target } = parseSpec('{"parent": "p", "data": {"text": "t"}}', 'spec');
const solve = (limits: Record<string, string>) =>
  solveSweep(libraries, requirementsOf({ target, margin: 0, rules: [] }, parseConstraints(limits), costs));

describe('a choice of batch sizes', () => {
  it('goes to the least objective, and among equal ones to the greatest throughput', async () => {
    const free = await solve({});
    assert.equal(free.objective, 0);
    assert.equal(free.workload.batch, 16);
    // At a batch of 16 the parent's KV cache alone is 6400 bytes; at 4 the parent fits.
    const small = await solve({ memory: '<= 2800 B' });
    assert.deepEqual([small.objective, small.workload.batch], [0, 4]);
  });

  it('keeps and tells every outcome, those without an answer too', async () => {
    const { batches } = await solve({ memory: '<= 900 B' });
    assert.deepEqual(
      batches?.map(({ batch }) => batch),
      BATCHES,
    );
    for (const [i, outcome] of batches.entries()) {
      const alone =
        libraries[i] &&
        (await solveLibrary(libraries[i], { constraints: parseConstraints({ memory: '<= 900 B' }), margin: 0 }));
      assert.equal(outcome.objective, alone?.objective);
      assert.equal(outcome.throughput, alone?.totals.throughput);
    }
    const strict = await solve({ throughput: '>= 30 tokens/s' });
    assert.equal(strict.batches?.[0]?.objective, null);
    assert.equal(strict.workload.batch, 16);
  });

  it('means by x the parent at the batch size at which it is fastest', async () => {
    const { workload: at, totals, parent } = await solve({ throughput: '>= 1x' });
    assert.equal(at.batch, 16);
    assert.equal(totals.throughput, parent.throughput);
    // What the parent does at 16, a child at 4 does only by being twice as fast.
    const { batches } = await solve({ throughput: '>= 0.99x' });
    assert.ok((batches?.[1]?.objective ?? 0) > 0);
  });

  it('says why when no batch size has an answer', async () => {
    const constraints = parseConstraints({ memory: '<= 100 B' });
    await assert.rejects(solveSweep(libraries, { constraints, margin: 0 }), InfeasibleError);
    await assert.rejects(checkReachableAtBatches(costs, { constraints, margin: 0 }), InfeasibleError);
    await checkReachableAtBatches(costs, { constraints: parseConstraints({ memory: '<= 900 B' }), margin: 0 });
  });

  it('of a device leaves out what does not fit, unless a limit on memory says otherwise', () => {
    const h100 = { ...target, engine: 'profile' as const, hardware: 'h100-sxm' as const, devices: 2 };
    const profile = { ...h100, weights: 'F8' as const, kvCache: 'F8' as const };
    const textsOf = (limits: Record<string, string>) =>
      requirementsOf({ target: profile, margin: 0, rules: [] }, parseConstraints(limits), costs).constraints.map(
        (one) => constraintText(one),
      );
    assert.deepEqual(textsOf({ latency: '<= 1 s' }), ['memory <= 160 GB', 'latency <= 1 s']);
    assert.deepEqual(textsOf({ memory: '<= 60%' }), ['memory <= 60%']);
  });

  it('of one is no choice', async () => {
    const solved = await solveSweep([library], { constraints: [], margin: 0 });
    assert.equal(solved.batches, undefined);
  });
});
