import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { readModelConfig, type LayerShape } from '../../src/formats/hf-config.js';
import { openCheckpoint, readTensor } from '../../src/formats/safetensors.js';
import { loadTokenizer } from '../../src/formats/tokenizer.js';
import { referenceForward, referenceKl, referenceNll, rotaryFrequencies, type Rows } from '../support/reference.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

interface Golden {
  text: string;
  tokens: number;
  tokenIds: number[];
  nllSum: number;
}

function largestDifference(a: Rows, b: Rows): number {
  return Math.max(...a.flatMap((row, t) => Array.from(row, (value, i) => Math.abs(value - (b[t]?.[i] ?? Infinity)))));
}

describe('the reference', () => {
  it('gives the published likelihood of a sentence under a trained model', { skip: skipWithoutShared() }, async () => {
    const dir = join(sharedDir() ?? '', 'models', 'stories260K');
    const golden = JSON.parse(await readFile(join(dir, 'golden.json'), 'utf8')) as Golden;
    const config = await readModelConfig(dir);
    const entries = [...(await openCheckpoint(dir)).entries];
    const weights = new Map(
      await Promise.all(entries.map(async ([name, entry]) => [name, await readTensor(entry)] as const)),
    );
    const ids = (await loadTokenizer(dir)).encode(golden.text, { bos: true });
    assert.equal(ids.length, golden.tokens);
    assert.deepEqual(ids.slice(0, golden.tokenIds.length), golden.tokenIds);
    const nll = referenceNll(referenceForward(config, weights, ids).logits, ids);
    const sum = nll.reduce((a, b) => a + b, 0);
    assert.ok(Math.abs(sum - golden.nllSum) < 1e-3, `${sum}, published ${golden.nllSum}`);
  });

  it('never looks ahead', () => {
    const config = tinyConfig();
    const weights = randomWeights(config);
    const ids = randomIds(config, 9);
    const whole = referenceForward(config, weights, ids).logits;
    const part = referenceForward(config, weights, ids.slice(0, 5)).logits;
    assert.equal(largestDifference(part, whole.slice(0, 5)), 0);
  });

  it('tells positions apart', () => {
    const config = tinyConfig();
    const weights = randomWeights(config);
    const last = (ids: number[]) => referenceForward(config, weights, ids).logits.slice(-1);
    assert.ok(largestDifference(last([3, 7, 11]), last([7, 3, 11])) > 1e-4);
  });

  it('skips halves that are absent and keeps the stream', () => {
    const gone: LayerShape = { attention: { kind: 'no-op' }, ffn: { kind: 'no-op' } };
    const config = tinyConfig({ layers: [gone, ...tinyConfig().layers] });
    const weights = randomWeights(config);
    const { hidden } = referenceForward(config, weights, randomIds(config, 4));
    assert.equal(hidden.length, 4);
    assert.deepEqual(hidden[1], hidden[0]);
  });

  it('adds biases where the model has them, and reads a tied head from the embedding', () => {
    const ids = [4, 8, 15];
    const biased = tinyConfig({ attentionBias: true, mlpBias: true, tieWordEmbeddings: true });
    const weights = randomWeights(biased);
    const plain = { ...biased, attentionBias: false, mlpBias: false };
    const logits = referenceForward(biased, weights, ids).logits;
    assert.ok(largestDifference(logits, referenceForward(plain, weights, ids).logits) > 1e-3);
    const untied = new Map(weights).set(
      'lm_head.weight',
      weights.get('model.embed_tokens.weight') ?? new Float32Array(),
    );
    const other = referenceForward({ ...biased, tieWordEmbeddings: false }, untied, ids).logits;
    assert.deepEqual(other, logits);
  });

  it('fails loudly when a weight is missing or of another size', () => {
    const config = tinyConfig();
    const weights = randomWeights(config);
    const name = 'model.layers.1.mlp.up_proj.weight';
    assert.throws(
      () => referenceForward(config, new Map(weights).set(name, new Float32Array(3)), [1]),
      /not a \[40, 24\]/,
    );
    weights.delete(name);
    assert.throws(() => referenceForward(config, weights, [1]), /mlp\.up_proj\.weight/);
  });

  it('finds no divergence of a model from itself and some from another', () => {
    const config = tinyConfig();
    const ids = randomIds(config, 6);
    const [a, b] = [1, 2].map((seed) => referenceForward(config, randomWeights(config, seed), ids).logits);
    assert.ok(a !== undefined && b !== undefined);
    assert.ok(referenceKl(a, a).every((kl) => Math.abs(kl) < 1e-12));
    assert.ok(referenceKl(a, b).every((kl) => kl > 0));
  });
});

describe('rotary frequencies', () => {
  const rope = { headDim: 128, ropeTheta: 500_000 };
  const plain = rotaryFrequencies({ ...rope, ropeScaling: null });

  it('fall from one turn per radian to the base', () => {
    assert.equal(plain.length, 64);
    assert.equal(plain[0], 1);
    assert.ok(Math.abs((plain[63] ?? 0) * 500_000 ** (126 / 128) - 1) < 1e-12);
  });

  it('are all divided by a linear factor', () => {
    const scaled = rotaryFrequencies({ ...rope, ropeScaling: { type: 'linear', factor: 4 } });
    assert.deepEqual(
      scaled,
      plain.map((frequency) => frequency / 4),
    );
  });

  it('of Llama 3.1 keep the fast pairs, slow the slow ones by the factor, and pass smoothly between', () => {
    const scaled = rotaryFrequencies({
      ...rope,
      ropeScaling: {
        type: 'llama3',
        factor: 8,
        lowFreqFactor: 1,
        highFreqFactor: 4,
        originalMaxPositionEmbeddings: 8192,
      },
    });
    const ratios = scaled.map((frequency, i) => (plain[i] ?? 0) / frequency);
    const between = ratios.filter((ratio) => ratio > 1 + 1e-9 && ratio < 8 - 1e-9);
    // Wavelengths of 2048 and 8192 tokens lie at pairs 28.2 and 34.98: worked out from theta by hand.
    assert.ok(ratios.slice(0, 29).every((ratio) => ratio === 1));
    assert.ok(ratios.slice(35).every((ratio) => Math.abs(ratio - 8) < 1e-9));
    assert.equal(between.length, 6);
    assert.deepEqual(
      between,
      between.toSorted((a, b) => a - b),
    );
  });
});
