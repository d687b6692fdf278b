import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { bf16ToF32, f32ToBf16 } from '../../src/common/half.js';
import type { AttentionShape, FfnShape, ModelConfig } from '../../src/formats/hf-config.js';
import { openCheckpoint } from '../../src/formats/safetensors.js';
import { constant, input } from '../../src/graph/primitives.js';
import { int64, Session } from '../../src/graph/session.js';
import type { Weights } from '../../src/model/blocks.js';
import { Decoder } from '../../src/model/decoder.js';
import { forward } from '../../src/model/forward.js';
import { modelTensors } from '../../src/model/tensors.js';
import { checkpointWeights } from '../../src/model/weights.js';
import { temporaryFolder } from '../support/model-folder.js';
import { type NamedWeights, referenceForward } from '../support/reference.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

const TOLERANCE = 1e-4;
const BATCH = 2;
const SEQUENCE = 9;

const OWN_ATTENTION: AttentionShape = { kind: 'gqa', kvHeads: 4 };
const OWN_FFN: FfnShape = { kind: 'gated', width: 40 };

const ATTENTIONS: Record<string, AttentionShape> = {
  kv4: OWN_ATTENTION,
  kv2: { kind: 'gqa', kvHeads: 2 },
  kv1: { kind: 'gqa', kvHeads: 1 },
  linear: { kind: 'linear' },
  'no-op': { kind: 'no-op' },
};
const FFNS: Record<string, FfnShape> = {
  'of the full width': OWN_FFN,
  'of half the width': { kind: 'gated', width: 20 },
  'of one channel': { kind: 'gated', width: 1 },
  linear: { kind: 'linear' },
  'no-op': { kind: 'no-op' },
};

/** Between layers of the usual shape, so that what the variant hands on matters too. */
function around(attention: AttentionShape, ffn: FfnShape): Partial<ModelConfig> {
  const own = { attention: OWN_ATTENTION, ffn: OWN_FFN };
  return { layers: [own, { attention, ffn }, own] };
}

const VARIANTS: Record<string, Partial<ModelConfig>> = {
  ...Object.fromEntries(
    Object.entries(ATTENTIONS).map(([name, shape]) => [`attention ${name}`, around(shape, OWN_FFN)]),
  ),
  ...Object.fromEntries(Object.entries(FFNS).map(([name, shape]) => [`FFN ${name}`, around(OWN_ATTENTION, shape)])),
  'a layer that does nothing': around({ kind: 'no-op' }, { kind: 'no-op' }),
  'a model without layers': { layers: [] },
  'biases on attention': { attentionBias: true },
  'biases on the FFN': { mlpBias: true },
  'biases everywhere, few KV heads': {
    ...around({ kind: 'gqa', kvHeads: 1 }, OWN_FFN),
    attentionBias: true,
    mlpBias: true,
  },
  'a tied head': { tieWordEmbeddings: true },
  'heads wider than hidden/heads': { headDim: 16 },
  'another rotary base': { ropeTheta: 500 },
  'linear rotary scaling': { ropeScaling: { type: 'linear', factor: 4 } },
  // Wavelengths of the 8 dimensions are 6, 63, 628 and 6283 tokens: kept, between, stretched and stretched.
  'Llama 3 rotary scaling': {
    ropeScaling: { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 128 },
  },
};

function constants(config: ModelConfig, weights: ReadonlyMap<string, Float32Array>): Weights {
  const shapes = new Map(modelTensors(config).map(({ name, shape }) => [name, shape]));
  return (name) => constant(weights.get(name) ?? new Float32Array(), shapes.get(name) ?? []);
}

/** Hidden states after the embedding and each layer, and logits, of sequences run together: name to [rows * width]. */
async function runGraph(config: ModelConfig, weights: Weights, ids: readonly number[]): Promise<Map<string, number[]>> {
  const { hidden, logits } = forward(
    { config, batch: BATCH, sequence: SEQUENCE },
    weights,
    input('ids', [BATCH * SEQUENCE], 'int64'),
  );
  const outputs = { ...Object.fromEntries(hidden.map((value, i) => [`hidden ${i}`, value])), logits };
  const session = await Session.create(outputs);
  const results = await session.run({ ids: int64(ids, [ids.length]) });
  await session.release();
  return new Map(Object.entries(results).map(([name, { data }]) => [name, Array.from(data, Number)]));
}

function runReference(config: ModelConfig, weights: NamedWeights, ids: readonly number[]): Map<string, number[]> {
  const results = new Map<string, number[]>();
  for (let first = 0; first < ids.length; first += SEQUENCE) {
    const { hidden, logits } = referenceForward(config, weights, ids.slice(first, first + SEQUENCE));
    const named = [...hidden.map((rows, i) => [`hidden ${i}`, rows] as const), ['logits', logits] as const];
    for (const [name, rows] of named) {
      results.set(name, [...(results.get(name) ?? []), ...rows.flatMap((row) => [...row])]);
    }
  }
  return results;
}

function assertClose(actual: Map<string, number[]>, expected: Map<string, number[]>): void {
  assert.deepEqual([...actual.keys()].sort(), [...expected.keys()].sort());
  for (const [name, wanted] of expected) {
    const got = actual.get(name) ?? [];
    assert.equal(got.length, wanted.length, name);
    const worst = Math.max(...wanted.map((value, i) => Math.abs(value - (got[i] ?? NaN))));
    assert.ok(worst <= TOLERANCE, `${name} differs by up to ${worst}`);
  }
}

describe('the forward graph agrees with the reference within 1e-4:', () => {
  for (const [name, overrides] of Object.entries(VARIANTS)) {
    it(name, async () => {
      const config = tinyConfig({ ...around(OWN_ATTENTION, OWN_FFN), ...overrides });
      const weights = randomWeights(config);
      const ids = randomIds(config, BATCH * SEQUENCE);
      const actual = await runGraph(config, constants(config, weights), ids);
      assertClose(actual, runReference(config, weights, ids));
    });
  }
});

describe('decoding with a KV cache', () => {
  /** The likeliest next token at every step, by the reference over the whole sequence so far. */
  function greedy(config: ModelConfig, weights: NamedWeights, prompt: readonly number[], count: number): number[] {
    const ids = [...prompt];
    for (let i = 0; i < count; i++) {
      const scores = [...(referenceForward(config, weights, ids).logits.at(-1) ?? [])];
      ids.push(scores.indexOf(Math.max(...scores)));
    }
    return ids.slice(prompt.length);
  }

  it('gives the tokens of the reference for a child of mixed variants, each sequence its own', async () => {
    const config = tinyConfig({
      attentionBias: true,
      layers: [
        { attention: OWN_ATTENTION, ffn: { kind: 'no-op' } },
        { attention: { kind: 'no-op' }, ffn: OWN_FFN },
        { attention: { kind: 'linear' }, ffn: { kind: 'linear' } },
        { attention: { kind: 'gqa', kvHeads: 1 }, ffn: { kind: 'gated', width: 16 } },
      ],
    });
    const weights = randomWeights(config, 3);
    const prompts = [randomIds(config, 5, 1), randomIds(config, 5, 2)];
    const count = 10;
    const options = { batch: 2, capacity: 5 + count, threads: 1, logits: true };
    const decoder = new Decoder(config, constants(config, weights), options);
    const produced: number[][] = [await decoder.prefill(prompts.flat())];
    while (produced.length < count) produced.push(await decoder.step(produced.at(-1) ?? []));
    const { logits } = decoder;
    await decoder.release();
    const fed = (row: number) => produced.slice(0, -1).map((tokens) => tokens[row] ?? NaN);
    const expected = prompts.flatMap((prompt, row) => [
      ...(referenceForward(config, weights, [...prompt, ...fed(row)]).logits.at(-1) ?? []),
    ]);
    assert.equal(logits.length, expected.length);
    expected.forEach((value, i) => {
      assert.ok(Math.abs(value - (logits[i] ?? NaN)) < 1e-4, `${i}: ${logits[i] ?? NaN} and ${value}`);
    });
    prompts.forEach((prompt, row) => {
      assert.deepEqual(
        produced.map((tokens) => tokens[row]),
        greedy(config, weights, prompt, count),
      );
    });
  });
});

/** Writes BF16 tensors as safetensors by hand, every tensor at an odd byte offset of the file. */
async function writeOddSafetensors(
  file: string,
  tensors: readonly { name: string; shape: number[]; data: Float32Array }[],
): Promise<void> {
  const header: Record<string, unknown> = {};
  const bytes: Buffer[] = [];
  let end = 0;
  for (const { name, shape, data } of tensors) {
    const halves = f32ToBf16(data);
    header[name] = { dtype: 'BF16', shape, data_offsets: [end, end + halves.byteLength] };
    bytes.push(Buffer.from(halves.buffer));
    end += halves.byteLength;
  }
  const json = Buffer.from(JSON.stringify(header));
  // The data begins behind 8 bytes of length and the header, so an odd header makes every offset odd.
  const padded = Buffer.concat([json, Buffer.alloc(json.length % 2 === 0 ? 1 : 0, ' ')]);
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(padded.length));
  await writeFile(file, Buffer.concat([length, padded, ...bytes]));
}

describe('weights read in place from a safetensors file', () => {
  it('give the same as the reference from BF16 at odd byte offsets', async (test) => {
    const dir = await temporaryFolder(test);
    const config = tinyConfig({ ...around({ kind: 'gqa', kvHeads: 2 }, OWN_FFN), attentionBias: true });
    const random = randomWeights(config);
    const tensors = modelTensors(config).map(({ name, shape }) => ({
      name,
      shape,
      data: random.get(name) ?? new Float32Array(),
    }));
    await writeOddSafetensors(join(dir, 'model.safetensors'), tensors);
    const checkpoint = await openCheckpoint(dir);
    for (const { name, offset, dtype } of checkpoint.entries.values()) {
      assert.equal(offset % 2, 1, `${name} must lie at an odd offset for this test to mean anything`);
      assert.equal(dtype, 'BF16');
    }
    const ids = randomIds(config, BATCH * SEQUENCE);
    const rounded = new Map(tensors.map(({ name, data }) => [name, bf16ToF32(f32ToBf16(data))]));
    assertClose(await runGraph(config, checkpointWeights(checkpoint), ids), runReference(config, rounded, ids));
  });
});
