import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Session } from '../../src/graph/session.js';
import { onnxruntimeEngine, type Part, referenceLayer, timeParts, timingInputs } from '../../src/target/onnxruntime.js';
import { randomWeights } from '../../src/target/random-weights.js';
import { tinyConfig } from '../support/stage-context.js';

const config = tinyConfig();
const workload = { batch: 4, prefill: 32, generated: 4 };
const options = { workload, threads: 1, seconds: 2 };
const ffn = (width: number): Part => ({ half: 'ffn', shape: { kind: 'gated', width } });

describe('timing parts of a model', () => {
  it('gives a median between quartiles for prefill and decode of every part, of at least five rounds', async () => {
    const parts: Part[] = [
      { half: 'non-block' },
      { half: 'attention', shape: { kind: 'gqa', kvHeads: 2 } },
      { half: 'attention', shape: { kind: 'linear' } },
      ffn(8),
      { half: 'ffn', shape: { kind: 'linear' } },
    ];
    const timings = await timeParts(config, parts, options);
    assert.equal(timings.length, parts.length);
    for (const { prefill, decode, reference, rounds } of timings) {
      for (const { low, median, high } of [prefill, decode]) {
        assert.ok(low >= 0 && low <= median && median <= high && Number.isFinite(high));
      }
      assert.ok(reference.prefillSeconds > 0 && reference.decodeSeconds > 0);
      assert.ok(rounds >= 5);
    }
  });

  it('tells a part with a hundred times the arithmetic from another', async () => {
    const [small, large] = await timeParts(config, [ffn(16), ffn(1600)], options);
    assert.ok(small && large);
    assert.ok(large.prefill.median > 2 * small.prefill.median, `${large.prefill.median} and ${small.prefill.median}`);
  });

  it('counts no decoding where nothing is generated', async () => {
    const silent = { ...options, workload: { ...workload, generated: 0 } };
    const [timing] = await timeParts(config, [{ half: 'non-block' }], silent);
    assert.deepEqual(timing?.decode, { low: 0, median: 0, high: 0 });
    assert.equal(timing.reference.decodeSeconds, 0);
  });

  it('asks before every round', async () => {
    let asked = 0;
    const beforeRound = () => {
      asked++;
      return asked > 2 ? Promise.reject(new Error('stop')) : Promise.resolve();
    };
    await assert.rejects(timeParts(config, [ffn(8)], { ...options, beforeRound }), /stop/);
    assert.equal(asked, 3);
  });

  it('takes the largest halves of the parent as its reference', () => {
    const layers = [
      { attention: { kind: 'gqa', kvHeads: 1 }, ffn: { kind: 'gated', width: 24 } },
      { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 8 } },
      { attention: { kind: 'no-op' }, ffn: { kind: 'linear' } },
    ] as const;
    const expected = { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 24 } };
    assert.deepEqual(referenceLayer({ ...config, layers: [...layers] }), expected);
  });

  it('depends on shapes, workload and engine, not on depth or, within layers, on vocabulary', () => {
    const engine = onnxruntimeEngine(1);
    const deeper = { ...tinyConfig(5), vocabSize: 99 };
    const inputs = (of: typeof config, part: Part, threads = 1) =>
      JSON.stringify(timingInputs(of, part, workload, { ...engine, threads }));
    assert.match(engine.version, /^\d+\.\d+/);
    assert.equal(inputs(config, ffn(8)), inputs(deeper, ffn(8)));
    assert.notEqual(inputs(config, { half: 'non-block' }), inputs(deeper, { half: 'non-block' }));
    assert.notEqual(inputs(config, ffn(8)), inputs(config, ffn(16)));
    assert.notEqual(inputs(config, ffn(8)), inputs(config, ffn(8), 2));
  });
});

describe('random weights', () => {
  it('are the same for the same seed, differ between layers, and have the shapes of the model', async () => {
    const names = ['model.layers.0.mlp.up_proj.weight', 'model.layers.1.mlp.up_proj.weight'] as const;
    const read = async () => {
      const weights = randomWeights(config, 1);
      const session = await Session.create({ a: weights(names[0]), b: weights(names[1]) });
      const { a, b } = await session.run({});
      await session.release();
      assert.ok(a && b);
      return [a, b] as const;
    };
    const [first, second] = [await read(), await read()];
    assert.deepEqual(first, second);
    assert.deepEqual(first[0].shape, [32, 16]);
    assert.notDeepEqual(first[0].data, first[1].data);
    assert.throws(() => randomWeights(config, 1)('model.layers.2.mlp.up_proj.weight'), /no tensor/);
  });
});
