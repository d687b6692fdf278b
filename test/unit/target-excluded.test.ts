import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { enumerateVariants } from '../../src/model/variants.js';
import { parseConstraint } from '../../src/search/constraints.js';
import { type ScoredLibrary, solveLibrary } from '../../src/search/solve.js';
import { distinctVariants } from '../../src/search/measure-rows.js';
import { libraryCosts } from '../../src/target/costs.js';
import { type ExcludedPair, excludedPairs, excludedReasons, exclusionText } from '../../src/target/excluded.js';
import { parseCostTable } from '../../src/target/table.js';
import { allArchitectures, anyLibrary, library } from '../support/scored-library.js';
import { tinyConfig } from '../support/stage-context.js';

const space = {
  attention: { kvHeads: [4, 1], linear: true, noOp: true },
  ffn: { percents: [50], multiple: 8, linear: true, noOp: true },
};
const NO_LINEAR = 'llama.cpp has no linear FFN';
const LOSES = 'llama.cpp loses the attention of a layer that has no FFN';

describe('what an engine cannot run', () => {
  const variants = enumerateVariants(tinyConfig(), space);
  const [layer] = variants;
  assert.ok(layer);
  const pairs = excludedPairs('llama.cpp', layer);
  const text = (half: 'attention' | 'ffn', name: string) =>
    exclusionText(pairs, { half, name, others: layer[half === 'attention' ? 'ffn' : 'attention'].length });

  it('is for llama.cpp every linear FFN, and attention without an FFN; for the others nothing', () => {
    assert.deepEqual(pairs.map(({ attention, ffn }) => `${attention} ${ffn}`).sort(), [
      'kv1 linear',
      'kv1 no-op',
      'kv4 linear',
      'kv4 no-op',
      'linear linear',
      'linear no-op',
      'no-op linear',
    ]);
    assert.deepEqual(excludedReasons('llama.cpp', variants).sort(), [NO_LINEAR, LOSES].sort());
    assert.deepEqual(excludedPairs(undefined, layer), []);
  });

  it('is told of a variant: that it is out, or beside which others it is', () => {
    assert.equal(text('ffn', 'linear'), NO_LINEAR);
    assert.equal(text('ffn', 'no-op'), `not with kv4, kv1, linear: ${LOSES}`);
    assert.equal(text('attention', 'kv1'), `not with linear: ${NO_LINEAR}; not with no-op: ${LOSES}`);
    assert.equal(text('attention', 'no-op'), `not with linear: ${NO_LINEAR}`);
    assert.equal(text('ffn', 'ffn-50%'), null);
  });

  it('is in no solution, which is the best of the rest, as by trying everything', async () => {
    let mattered = 0;
    const property = fc.asyncProperty(anyLibrary, fc.infiniteStream(fc.boolean()), async (any, coins) => {
      const layers = any.costs.layers.map((one) => {
        const excluded = one.attention.flatMap((a, i) =>
          one.ffn.flatMap((f, j): ExcludedPair[] =>
            // The parent's own always runs.
            i + j > 0 && coins.next().value === true ? [{ attention: a.name, ffn: f.name, why: 'tried' }] : [],
          ),
        );
        return { ...one, excluded };
      });
      const library: ScoredLibrary = { ...any, costs: { ...any.costs, layers } };
      const isOut = (i: number, pair: { attention: string; ffn: string }) =>
        layers[i]?.excluded.some(({ attention, ffn }) => attention === pair.attention && ffn === pair.ffn);
      const least = (of: readonly { score: number }[]) => Math.min(...of.map(({ score }) => score));
      const all = allArchitectures(any);
      const left = all.filter((one) => !one.layers.some((pair, i) => isOut(i, pair)));
      if (least(left) > least(all)) mattered++;
      const { architecture, objective } = await solveLibrary(library, { constraints: [], margin: 0 });
      assert.ok(!architecture.some((pair, i) => isOut(i, pair)));
      assert.ok(Math.abs(objective - least(left)) < 1e-9);
    });
    await fc.assert(property, { numRuns: 300, seed: 5 });
    assert.ok(mattered > 50, `it mattered in ${mattered}`);
  });

  it('is for llama.cpp an architecture without any KV cache; the best of the rest is found, as by trying everything', async () => {
    const needing = { bytes: 45, why: 'no layer has what it takes' };
    let [mattered, none] = [0, 0];
    const property = fc.asyncProperty(anyLibrary, async (any) => {
      const library: ScoredLibrary = { ...any, costs: { ...any.costs, leastKvCache: needing } };
      const least = (of: readonly { score: number }[]) => Math.min(...of.map(({ score }) => score));
      const all = allArchitectures(any);
      const left = all.filter(({ metrics }) => metrics.kvCache >= needing.bytes);
      if (left.length === 0) {
        none++;
        await assert.rejects(solveLibrary(library, { constraints: [], margin: 0 }), /no layer has what it takes/);
        return;
      }
      if (least(left) > least(all)) mattered++;
      const { totals, objective } = await solveLibrary(library, { constraints: [], margin: 0 });
      assert.ok(totals.kvCache >= needing.bytes);
      assert.ok(Math.abs(objective - least(left)) < 1e-9);
    });
    await fc.assert(property, { numRuns: 300, seed: 6 });
    assert.ok(mattered > 10 && none > 5, `it mattered in ${mattered}, ${none} had no answer`);
  });

  it('has a price of its own, beside that of a limit of the user on the KV cache', async () => {
    // Without KV cache a layer drops less: what holds the objective up is the engine's need, or the user's limit.
    const scores = library.scores.map(() => ({ attention: { kv4: 0.5, kv1: 0.1, 'no-op': 0 }, ffn: {} }));
    const needing = { bytes: 100, why: 'no layer has what it takes' };
    const costs = { ...library.costs, leastKvCache: needing };
    const priced = async (limit: string) => {
      const constraints = [parseConstraint('kvCache', limit, 'test')];
      const { limits, totals } = await solveLibrary({ scores, costs }, { constraints, margin: 0 });
      const [own] = limits;
      return { kvCache: totals.kvCache, binding: own?.binding, isPriced: (own?.shadowPrice ?? NaN) > 0 };
    };
    assert.deepEqual(await priced('>= 50 B'), { kvCache: 200, binding: false, isPriced: false });
    assert.deepEqual(await priced('<= 1000 B'), { kvCache: 200, binding: false, isPriced: false });
    assert.deepEqual(await priced('>= 250 B'), { kvCache: 400, binding: true, isPriced: true });
  });

  it('needs the KV cache of the cheapest attention', () => {
    const row = { prefillSeconds: 1, decodeSeconds: 1 };
    const rows = Object.fromEntries(distinctVariants(tinyConfig(), variants).map(([key]) => [key, row]));
    const workload = { batch: 2, prefill: 3, generated: 1 };
    const costsIn = (engine?: 'llama.cpp') => {
      const table = parseCostTable({ version: 1, engine, kvCache: 'F16', nonBlock: row, variants: rows }, 'test');
      return libraryCosts(tinyConfig(), variants, table, workload);
    };
    const { headDim } = tinyConfig();
    // One head of keys and one of values, in half precision.
    const bytes = 2 * 2 * headDim * workload.batch * (workload.prefill + workload.generated);
    assert.equal(costsIn('llama.cpp').leastKvCache?.bytes, bytes);
    assert.equal(costsIn().leastKvCache, undefined);
  });
});
