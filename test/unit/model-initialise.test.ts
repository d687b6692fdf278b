import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type AttentionShape, type FfnShape, type ModelConfig } from '../../src/formats/hf-config.js';
import {
  channelContributions,
  initialiseAttention,
  initialiseFfn,
  initialTensors,
  keptChannels,
  type SubblockTensors,
} from '../../src/model/initialise.js';
import { subblockTensors } from '../../src/model/tensors.js';
import { layerWeights, referenceAttention, referenceFfn, type Rows } from '../support/reference.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';
import { Random } from '../../src/common/random.js';

const KV4: AttentionShape = { kind: 'gqa', kvHeads: 4 };
const WIDE: FfnShape = { kind: 'gated', width: 40 };
const CONFIG = tinyConfig({ layers: [{ attention: KV4, ffn: WIDE }], attentionBias: true, mlpBias: true });

/** The parent's layer 0, attention and FFN together, by names within the layer. */
function parentTensors(config: ModelConfig, seed = 1): SubblockTensors {
  return Object.fromEntries([...layerWeights(randomWeights(config, seed), 0)]) as SubblockTensors;
}

function without(tensors: SubblockTensors, ending: string): SubblockTensors {
  return Object.fromEntries(Object.entries(tensors).filter(([name]) => !name.endsWith(ending)));
}

function tokens(count: number, seed = 1): Rows {
  const random = Random.of(seed, 'rows');
  return Array.from({ length: count }, () => Float64Array.from({ length: CONFIG.hiddenSize }, () => random.normal()));
}

function assertClose(actual: Rows, expected: Rows, tolerance = 1e-5): void {
  assert.equal(actual.length, expected.length);
  for (const [t, row] of actual.entries()) {
    for (const [i, value] of row.entries()) {
      const wanted = expected[t]?.[i] ?? Number.NaN;
      assert.ok(Math.abs(value - wanted) <= tolerance, `token ${t}, dimension ${i}: ${value}, expected ${wanted}`);
    }
  }
}

function attention(shape: AttentionShape, tensors: SubblockTensors, x: Rows, config = CONFIG): Rows {
  return referenceAttention(config, shape, new Map(Object.entries(tensors)), x);
}

function ffn(shape: FfnShape, tensors: SubblockTensors, x: Rows, config = CONFIG): Rows {
  return referenceFfn(config, shape, new Map(Object.entries(tensors)), x);
}

/** Makes every second head of `size` values a copy of the one before it. */
function duplicateHeads(values: Float32Array, size: number): void {
  for (let head = 0; head * size < values.length; head += 2) {
    values.copyWithin((head + 1) * size, head * size, (head + 1) * size);
  }
}

describe('attention with fewer KV heads', () => {
  it('is the parent where the pooled heads were equal', () => {
    const parent = parentTensors(CONFIG);
    for (const projection of ['self_attn.k_proj', 'self_attn.v_proj']) {
      duplicateHeads(parent[`${projection}.weight`] ?? new Float32Array(), CONFIG.headDim * CONFIG.hiddenSize);
      duplicateHeads(parent[`${projection}.bias`] ?? new Float32Array(), CONFIG.headDim);
    }
    const pooled = initialiseAttention(CONFIG, KV4, { kind: 'gqa', kvHeads: 2 }, parent);
    assertClose(attention({ kind: 'gqa', kvHeads: 2 }, pooled, tokens(7)), attention(KV4, parent, tokens(7)));
  });

  it('has the means of consecutive heads and everything else of the parent', () => {
    const parent = parentTensors(CONFIG);
    const pooled = initialiseAttention(CONFIG, KV4, { kind: 'gqa', kvHeads: 2 }, parent);
    const bias = parent['self_attn.v_proj.bias'] ?? new Float32Array();
    assert.deepEqual(
      pooled['self_attn.v_proj.bias'],
      Float32Array.from({ length: 16 }, (_, i) => {
        const first = Math.floor(i / 8) * 16 + (i % 8);
        return ((bias[first] ?? 0) + (bias[first + 8] ?? 0)) / 2;
      }),
    );
    assert.deepEqual(pooled['self_attn.q_proj.weight'], parent['self_attn.q_proj.weight']);
    assert.deepEqual(pooled['input_layernorm.weight'], parent['input_layernorm.weight']);
  });
});

describe('attention as a linear layer', () => {
  it('is the parent for a token that has only itself to attend to', () => {
    for (const kvHeads of [1, 2, 4]) {
      const shape: AttentionShape = { kind: 'gqa', kvHeads };
      const config = tinyConfig({ layers: [{ attention: shape, ffn: WIDE }] });
      const parent = parentTensors(config, kvHeads);
      const linear = initialiseAttention(config, shape, { kind: 'linear' }, parent);
      const x = tokens(1, kvHeads);
      assertClose(attention({ kind: 'linear' }, linear, x, config), attention(shape, parent, x, config));
    }
  });
});

describe('an FFN with fewer channels', () => {
  it('is the parent where the channels left out contributed nothing', () => {
    const parent = parentTensors(CONFIG);
    const dead = new Set([0, 3, 17, 38, 39]);
    parent['mlp.down_proj.weight']?.forEach((_, i, down) => {
      if (dead.has(i % 40)) down[i] = 0;
    });
    const narrow: FfnShape = { kind: 'gated', width: 35 };
    const sliced = initialiseFfn(CONFIG, WIDE, narrow, parent, new Float64Array(40).fill(1));
    assertClose(ffn(narrow, sliced, tokens(5)), ffn(WIDE, parent, tokens(5)));
  });

  it('has the first channels of every wider one', () => {
    const parent = parentTensors(CONFIG);
    const absMean = Float64Array.from({ length: 40 }, (_, i) => (i * 7) % 11);
    const gateOf = (width: number) =>
      initialiseFfn(CONFIG, WIDE, { kind: 'gated', width }, parent, absMean)['mlp.gate_proj.weight'];
    assert.deepEqual(gateOf(8), gateOf(24)?.subarray(0, 8 * CONFIG.hiddenSize));
  });

  it('at the full width is the parent in its own order', () => {
    const parent = parentTensors(CONFIG);
    assert.deepEqual(initialiseFfn(CONFIG, WIDE, WIDE, parent, new Float64Array(40)), parent);
  });
});

describe('an FFN as a linear layer', () => {
  it('is the parent where the gate lets everything through', () => {
    const config = tinyConfig({ layers: [{ attention: KV4, ffn: WIDE }], mlpBias: true });
    const parent = parentTensors(config);
    parent['mlp.gate_proj.weight']?.fill(0);
    parent['mlp.gate_proj.bias']?.fill(1.27846454276107); // silu of this is 1
    parent['mlp.up_proj.bias']?.fill(0);
    parent['mlp.down_proj.bias']?.fill(0);
    const linear = initialiseFfn(config, WIDE, { kind: 'linear' }, parent, new Float64Array(40));
    assertClose(ffn({ kind: 'linear' }, linear, tokens(4), config), ffn(WIDE, parent, tokens(4), config));
  });
});

describe('channel contributions', () => {
  it('are the mean change of the output when a channel is removed', () => {
    // Two outputs, three channels; columns of length 5, 0 and 2.
    const down = Float32Array.from([3, 0, 2, 4, 0, 0]);
    assert.deepEqual(channelContributions([2, 9, 0.5], down), Float64Array.from([10, 0, 1]));
  });

  it('order channels from the greatest, equals by index', () => {
    assert.deepEqual(keptChannels(Float64Array.from([1, 5, 3, 5, 0]), 4), [1, 3, 2, 0]);
  });

  it('that are not numbers are refused', () => {
    assert.throws(() => keptChannels(Float64Array.from([1, Number.NaN]), 1), /not a number/);
  });
});

describe('initialTensors', () => {
  const config = tinyConfig({
    layers: [
      { attention: KV4, ffn: WIDE },
      { attention: { kind: 'linear' }, ffn: { kind: 'no-op' } },
    ],
    attentionBias: true,
    mlpBias: true,
  });
  const weights = randomWeights(config);
  const read = (layer: number) => (name: string) => {
    const values = weights.get(`model.layers.${layer}.${name}`);
    return values === undefined ? Promise.reject(new Error(`${name} was read`)) : Promise.resolve(values);
  };
  const absMean = new Float64Array(40).fill(1);

  for (const [half, shape] of [
    ['attention', { kind: 'gqa', kvHeads: 4 }],
    ['attention', { kind: 'gqa', kvHeads: 1 }],
    ['attention', { kind: 'linear' }],
    ['attention', { kind: 'no-op' }],
    ['ffn', { kind: 'gated', width: 40 }],
    ['ffn', { kind: 'gated', width: 16 }],
    ['ffn', { kind: 'linear' }],
    ['ffn', { kind: 'no-op' }],
  ] as ['attention' | 'ffn', AttentionShape | FfnShape][]) {
    it(`gives exactly the tensors of ${half} ${JSON.stringify(shape)}`, async () => {
      const tensors = await initialTensors(config, 0, half, shape, read(0), absMean);
      const expected =
        half === 'attention'
          ? subblockTensors(config, half, shape as AttentionShape)
          : subblockTensors(config, half, shape as FfnShape);
      assert.deepEqual(
        new Map(Object.entries(tensors).map(([name, { length }]) => [name, length])),
        new Map(expected.map((tensor) => [tensor.name, tensor.shape.reduce((a, b) => a * b)])),
      );
      assert.ok(Object.values(tensors).every((values) => values.every(Number.isFinite)));
    });
  }

  it('copies a half of a parent that is linear already', async () => {
    const tensors = await initialTensors(config, 1, 'attention', { kind: 'linear' }, read(1), absMean);
    assert.deepEqual(
      tensors['self_attn.linear_attn.weight'],
      weights.get('model.layers.1.self_attn.linear_attn.weight'),
    );
  });

  it('never changes what was read', async () => {
    const before = new Map([...weights].map(([name, values]) => [name, Float32Array.from(values)]));
    await initialTensors(config, 0, 'attention', { kind: 'gqa', kvHeads: 1 }, read(0), absMean);
    await initialTensors(config, 0, 'ffn', { kind: 'gated', width: 8 }, read(0), absMean);
    assert.deepEqual(weights, before);
  });

  it('leaves biases out of linear layers only', () => {
    const parent = parentTensors(CONFIG);
    const noBias = without(without(parent, 'k_proj.bias'), 'v_proj.bias');
    const pooled = initialiseAttention(CONFIG, KV4, { kind: 'gqa', kvHeads: 2 }, noBias);
    assert.equal('self_attn.k_proj.bias' in pooled, false);
    assert.deepEqual(Object.keys(initialiseFfn(CONFIG, WIDE, { kind: 'linear' }, parent, absMean)), [
      'post_attention_layernorm.weight',
      'mlp.linear_mlp.weight',
    ]);
  });
});
