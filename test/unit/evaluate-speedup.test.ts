import assert from 'node:assert/strict';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { LayerShape } from '../../src/formats/hf-config.js';
import { memoryBytes } from '../../src/model/accounting.js';
import { openModel } from '../../src/search/context.js';
import { largestBatch } from '../../src/target/largest-batch.js';
import { writeRandomGguf } from '../../src/target/llama-cpp/random-gguf.js';
import { measureSpeedupInLlamaCpp } from '../../src/target/llama-cpp/speedup.js';
import { measureSpeedup } from '../../src/target/speedup.js';
import { skipWithoutLlamaCpp } from '../support/llama-cpp.js';
import { temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

describe('the measured speed-up', () => {
  it('is above 1 for a child whose only layer does nothing, with its spread over the pairs', async (test) => {
    const dir = await temporaryFolder(test);
    const layer: LayerShape = { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 400 } };
    const nothing: LayerShape = { attention: { kind: 'no-op' }, ffn: { kind: 'no-op' } };
    const configs = {
      parent: tinyConfig({ layers: Array<LayerShape>(12).fill(layer) }),
      child: tinyConfig({ layers: [nothing] }),
    };
    for (const [name, config] of Object.entries(configs)) {
      await mkdir(join(dir, name));
      await writeModelFolder(join(dir, name), config, randomWeights(config));
    }
    const [parent, child] = [await openModel(join(dir, 'parent')), await openModel(join(dir, 'child'))];
    const workload = { batch: 4, prefill: 16, generated: 8 };
    const pairs: number[] = [];
    const beforePair = (pair: number) => void pairs.push(pair);
    const result = await measureSpeedup(parent, child, workload, { threads: 1, pairs: 5, beforePair });
    assert.deepEqual(pairs, [0, 1, 2, 3, 4]);
    assert.deepEqual(result.workload, workload);
    assert.equal(result.n, 5);
    assert.ok(result.speedup > 1.5, `${result.speedup}`);
    for (const { low, median, high } of [
      result.parentTokensPerSecond,
      result.childTokensPerSecond,
      { low: result.speedupLow, median: result.speedup, high: result.speedupHigh },
    ]) {
      assert.ok(0 < low && low <= median && median <= high);
    }
  });

  it('can be stopped between pairs', async (test) => {
    const dir = await temporaryFolder(test);
    await writeModelFolder(dir, tinyConfig(), randomWeights(tinyConfig()));
    const model = await openModel(dir);
    const stop = () => {
      throw new Error('enough');
    };
    const workload = { batch: 1, prefill: 4, generated: 0 };
    await assert.rejects(measureSpeedup(model, model, workload, { threads: 1, pairs: 3, beforePair: stop }), /enough/);
  });
});

describe('the speed-up measured in llama.cpp', { skip: skipWithoutLlamaCpp() }, () => {
  it('is above 1 for a child of fewer layers, with its spread over the pairs', async (test) => {
    const dir = await temporaryFolder(test);
    const layer: LayerShape = { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 416 } };
    const files = { parent: join(dir, 'parent.gguf'), child: join(dir, 'child.gguf') };
    const config = (layers: number) => tinyConfig({ layers: Array<LayerShape>(layers).fill(layer) });
    await writeRandomGguf(config(12), files.parent, 'f32');
    await writeRandomGguf(config(1), files.child, 'f32');
    const workload = { batch: 4, prefill: 16, generated: 8 };
    const { vocabSize } = config(1);
    const result = await measureSpeedupInLlamaCpp(files, vocabSize, workload, { threads: 1, pairs: 5 });
    assert.deepEqual([result.n, result.workload], [5, workload]);
    assert.ok(result.speedup > 1.5, `${result.speedup}`);
    assert.ok(0 < result.speedupLow && result.speedupLow <= result.speedup && result.speedup <= result.speedupHigh);
  });
});

describe('the largest batch', () => {
  const costs = (weightBytes: number, kvBytesPerToken: number) => ({
    ...{ parameters: 0, flopsPerToken: 0, weightBytes, kvBytesPerToken },
  });

  it('fits the budget, and one sequence more does not', () => {
    const sizes = { max: 2 ** 40, min: 0 };
    fc.assert(
      fc.property(
        fc.integer(sizes),
        fc.integer({ min: 1, max: 2 ** 20 }),
        fc.integer({ min: 1, max: 4096 }),
        fc.integer(sizes),
        (weights, perToken, prefill, budget) => {
          const workload = { batch: 3, prefill, generated: 7 };
          const { batch, bytes } = largestBatch(costs(weights, perToken), workload, budget);
          const at = (size: number) => memoryBytes(costs(weights, perToken), { ...workload, batch: size });
          assert.ok(batch !== null);
          assert.equal(bytes, at(batch));
          assert.ok(batch === 0 || bytes <= budget);
          assert.ok(at(batch + 1) > budget);
        },
      ),
    );
  });

  it('has no limit without a KV cache, and is none where not even the weights fit', () => {
    const workload = { batch: 32, prefill: 128, generated: 128 };
    assert.deepEqual(largestBatch(costs(100, 0), workload, 100), { batch: null, bytes: 100 });
    assert.deepEqual(largestBatch(costs(100, 0), workload, 99), { batch: 0, bytes: 100 });
    assert.deepEqual(largestBatch(costs(100, 1), workload, 99), { batch: 0, bytes: 100 });
  });
});
