import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { METRICS, parseConstraints } from '../../src/search/constraints.js';
import { limitUses, metricRanges } from '../../src/search/solution-view.js';
import { solveLibrary } from '../../src/search/solve.js';
import { allArchitectures, anyLibrary, library, parentMetrics } from '../support/scored-library.js';

const usesFor = async (limits: Record<string, string>, margin = 0) => {
  const requirements = { constraints: parseConstraints(limits), margin };
  const solved = await solveLibrary(library, requirements);
  return { solved, uses: limitUses(solved, library, requirements) };
};
const close = (actual: number | undefined, expected: number) => {
  assert.ok(actual !== undefined && Math.abs(actual - expected) <= 1e-9 * Math.abs(expected), String(actual));
};

describe('the limits of a solution', () => {
  it('are told in base units, whatever the user wrote them in', async () => {
    const { solved, uses } = await usesFor({ throughput: '>= 1.25x', memory: '<= 2 KiB', parameters: '<= 90%' });
    assert.deepEqual(
      uses.map(({ metric, text, used }) => [metric, text, used]),
      [
        ['throughput', '>= 1.25x', solved.totals.throughput],
        ['memory', '<= 2 KiB', solved.totals.memory],
        ['parameters', '<= 90%', solved.totals.parameters],
      ],
    );
    const [throughput, memory, parameters] = uses;
    close(throughput?.allowed, 1.25 * solved.parent.throughput);
    close(throughput?.slack, solved.totals.throughput - 1.25 * solved.parent.throughput);
    assert.equal(memory?.allowed, 2048);
    assert.equal(memory.slack, 2048 - solved.totals.memory);
    close(parameters?.allowed, 270);
  });

  it('hold the margin', async () => {
    const { solved, uses } = await usesFor({ throughput: '>= 1.2x', latency: '<= 90%', kvCache: '<= 75%' }, 0.1);
    close(uses[0]?.allowed, (1.2 * solved.parent.throughput) / 0.9);
    close(uses[1]?.allowed, 0.9 * solved.parent.latency * 0.9);
    close(uses[2]?.allowed, 0.75 * solved.parent.kvCache);
    for (const { slack, metric } of uses) assert.ok(slack >= 0, metric);
  });

  it('have the same price by throughput as by the seconds behind it', async () => {
    const byThroughput = (await usesFor({ throughput: '>= 1.25x' })).uses[0];
    const byLatency = (await usesFor({ latency: '<= 80%' })).uses[0];
    assert.ok(byThroughput?.binding === true && byLatency?.binding === true && byLatency.shadowPrice > 0);
    // 100 tokens: a token/s at T is worth 100 / T² seconds.
    close(byThroughput.shadowPrice, (byLatency.shadowPrice * 100) / byThroughput.allowed ** 2);
  });

  it('are used as far as any architecture can, never beyond', async () => {
    const percent = fc.integer({ min: 30, max: 100 });
    await fc.assert(
      fc.asyncProperty(anyLibrary, percent, percent, async (library, memory, latency) => {
        const limits = { memory: `<= ${memory}%`, latency: `<= ${latency}%` };
        const requirements = { constraints: parseConstraints(limits), margin: 0 };
        const solved = await solveLibrary(library, requirements).catch(() => undefined);
        if (solved === undefined) return;
        for (const { allowed, used, slack } of limitUses(solved, library, requirements)) {
          assert.ok(used <= allowed * (1 + 1e-9));
          assert.ok(Math.abs(slack - (allowed - used)) <= 1e-9 * allowed);
        }
      }),
    );
  });
});

describe('the range of a metric', () => {
  it('is that of all architectures', () => {
    fc.assert(
      fc.property(anyLibrary, (library) => {
        const all = allArchitectures(library).map(({ metrics }) => metrics);
        const parent = parentMetrics(library);
        for (const range of metricRanges(library)) {
          const values = all.map((metrics) => metrics[range.metric]);
          close(range.min, Math.min(...values));
          close(range.max, Math.max(...values));
          assert.equal(range.parent, parent[range.metric]);
        }
      }),
    );
  });

  it('is there for every metric, without what failed', () => {
    const ranges = metricRanges(library);
    assert.deepEqual(
      ranges.map(({ metric }) => metric),
      [...METRICS],
    );
    // The second layer's FFN cannot be halved.
    assert.deepEqual(ranges[6], { metric: 'parameters', min: 190, max: 300, parent: 300 });
    assert.deepEqual(ranges[0], { metric: 'throughput', min: 100 / 4.5, max: 100 / 2, parent: 100 / 4.5 });
  });
});
