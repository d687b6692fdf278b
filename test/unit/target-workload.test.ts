import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { median, quantile, quartiles } from '../../src/target/quartiles.js';
import { runtimeSeconds, throughput } from '../../src/target/workload.js';

describe('a workload', () => {
  const workload = { batch: 32, prefill: 128, generated: 64 };

  it('takes one prefill and a decode step for each generated token', () => {
    assert.equal(runtimeSeconds(workload, { prefillSeconds: 2, decodeSeconds: 0.125 }), 10);
  });

  it('counts tokens read and generated in the throughput', () => {
    assert.equal(throughput(workload, 10), (32 * (128 + 64)) / 10);
  });
});

describe('quartiles', () => {
  it('are those of the sorted sample, interpolated', () => {
    assert.deepEqual(quartiles([5, 1, 4, 2, 3]), { low: 2, median: 3, high: 4 });
    assert.deepEqual(quartiles([4, 1, 3, 2]), { low: 1.75, median: 2.5, high: 3.25 });
    assert.deepEqual([quantile([7, 9], 0), quantile([7, 9], 1), median([7])], [7, 9, 7]);
  });

  it('need a sample', () => {
    assert.throws(() => quartiles([]), /nothing/);
  });
});
