import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { type LayerShape, type ModelConfig, readModelConfig } from '../../src/formats/hf-config.js';
import { openCheckpoint } from '../../src/formats/safetensors.js';
import {
  attentionCosts,
  type CostOptions,
  ffnCosts,
  layerCosts,
  memoryBytes,
  modelCosts,
  nonBlockCosts,
  sumCosts,
} from '../../src/model/accounting.js';
import { modelTensors, subblockTensors } from '../../src/model/tensors.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

const BF16: CostOptions = { weights: 'BF16', context: 1 };
const F32: CostOptions = { weights: 'F32', context: 1 };

function shared(...path: string[]): string {
  return join(sharedDir() ?? '', ...path);
}

function publishedConfig(name: string): Promise<ModelConfig> {
  return readModelConfig(shared('configs', name));
}

/** Published or derived independently; see the inputs' own README. */
const PUBLISHED_PARAMETERS: Record<string, number> = {
  'Llama-3.1-8B': 8_030_261_248,
  'Llama-3.1-70B': 70_553_706_496,
  'Llama-3.1-405B': 405_853_388_800,
  'Llama-3.2-3B-Instruct': 3_212_749_824,
  'Llama-3_3-Nemotron-Super-49B-v1': 49_867_145_216,
};

describe('parameter counts', { skip: skipWithoutShared() }, () => {
  for (const [name, parameters] of Object.entries(PUBLISHED_PARAMETERS)) {
    it(`are the published ones for ${name}`, async () => {
      assert.equal(modelCosts(await publishedConfig(name), BF16).parameters, parameters);
    });
  }

  for (const [kept, total] of [
    [20, 7_526_895_616],
    [26, 7_778_578_432],
  ] as const) {
    it(`are the published ones for the 8B child that keeps attention in ${kept} of 32 layers`, async () => {
      const parent = await publishedConfig('Llama-3.1-8B');
      const layers = parent.layers.map((layer, i): LayerShape =>
        i < kept ? layer : { ...layer, attention: { kind: 'no-op' } },
      );
      assert.equal(modelCosts({ ...parent, layers }, BF16).parameters, total);
    });
  }

  it('of the halves are the published ones, each with the norm in front of it', async () => {
    const parent = await publishedConfig('Llama-3.1-8B');
    const ffn = sumCosts(parent.layers.map((layer) => ffnCosts(parent, layer.ffn, BF16)));
    const attention = sumCosts(
      parent.layers.slice(0, 20).map((layer) => attentionCosts(parent, layer.attention, BF16)),
    );
    assert.equal(ffn.parameters, 5_637_275_648);
    assert.equal(attention.parameters, 838_942_720);
  });

  it('are those of the tensors that a real checkpoint holds', async () => {
    const dir = shared('models', 'stories260K');
    const config = await readModelConfig(dir);
    const stored = [...(await openCheckpoint(dir)).entries.values()];
    const bytes = stored.reduce((total, { byteLength }) => total + byteLength, 0);
    assert.equal(modelCosts(config, F32).parameters, 260_032);
    assert.equal(modelCosts(config, F32).weightBytes, bytes);
    assert.deepEqual(
      new Map(modelTensors(config).map(({ name, shape }) => [name, shape])),
      new Map(stored.map(({ name, shape }) => [name, shape])),
    );
  });
});

describe('costs', () => {
  const config = tinyConfig();

  it('of the parts add up to the whole', () => {
    const layers: LayerShape[] = [
      { attention: { kind: 'gqa', kvHeads: 1 }, ffn: { kind: 'gated', width: 8 } },
      { attention: { kind: 'linear' }, ffn: { kind: 'linear' } },
      { attention: { kind: 'no-op' }, ffn: { kind: 'no-op' } },
    ];
    const child = { ...config, layers, attentionBias: true, mlpBias: true };
    const options = { ...F32, context: 17 };
    const parts = [nonBlockCosts(child, options), ...layers.map((layer) => layerCosts(child, layer, options))];
    assert.deepEqual(modelCosts(child, options), sumCosts(parts));
    const values = [...randomWeights(child).values()].reduce((total, { length }) => total + length, 0);
    assert.equal(modelCosts(child, options).parameters, values);
  });

  it('of a no-op are nothing, of a linear half one square matrix and a norm', () => {
    const nothing = { parameters: 0, flopsPerToken: 0, weightBytes: 0, kvBytesPerToken: 0 };
    assert.deepEqual(attentionCosts(config, { kind: 'no-op' }, F32), nothing);
    assert.deepEqual(ffnCosts(config, { kind: 'no-op' }, F32), nothing);
    const square = { parameters: 600, flopsPerToken: 1152, weightBytes: 2400, kvBytesPerToken: 0 };
    assert.deepEqual(attentionCosts(config, { kind: 'linear' }, F32), square);
    assert.deepEqual(ffnCosts(config, { kind: 'linear' }, F32), square);
  });

  it('of attention grow with the context by two products per query head, whatever the KV heads', () => {
    const flops = (kvHeads: number, context: number) =>
      attentionCosts(config, { kind: 'gqa', kvHeads }, { ...F32, context }).flopsPerToken;
    assert.equal(flops(2, 100) - flops(2, 60), 40 * 2 * 2 * 4 * 8);
    assert.equal(flops(1, 100) - flops(1, 60), flops(2, 100) - flops(2, 60));
  });

  it('count keys and values at the precision of the cache', () => {
    const shape = { kind: 'gqa', kvHeads: 2 } as const;
    assert.equal(attentionCosts(config, shape, F32).kvBytesPerToken, 2 * 2 * 8 * 4);
    assert.equal(attentionCosts(config, shape, { ...F32, kvCache: 'F16' }).kvBytesPerToken, 2 * 2 * 8 * 2);
    assert.equal(attentionCosts(config, shape, BF16).kvBytesPerToken, 2 * 2 * 8 * 2);
  });

  it('count a tied matrix once in memory, and its product all the same', () => {
    const [tied, untied] = [true, false].map((tieWordEmbeddings) => modelCosts({ ...config, tieWordEmbeddings }, F32));
    const matrix = config.vocabSize * config.hiddenSize;
    assert.equal((untied?.parameters ?? 0) - (tied?.parameters ?? 0), matrix);
    assert.equal(untied?.flopsPerToken, tied?.flopsPerToken);
  });

  it('at a workload are the weights and the cache of every token', () => {
    const costs = { parameters: 10, flopsPerToken: 0, weightBytes: 40, kvBytesPerToken: 3 };
    assert.equal(memoryBytes(costs, { batch: 32, prefill: 128, generated: 64 }), 40 + 32 * 192 * 3);
  });
});

describe('subblockTensors', () => {
  const config = tinyConfig({ attentionBias: true, mlpBias: true });

  it('names and shapes every tensor of a narrower attention, biases and norm included', () => {
    assert.deepEqual(subblockTensors(config, 'attention', { kind: 'gqa', kvHeads: 1 }), [
      { name: 'input_layernorm.weight', shape: [24] },
      { name: 'self_attn.q_proj.weight', shape: [32, 24] },
      { name: 'self_attn.q_proj.bias', shape: [32] },
      { name: 'self_attn.k_proj.weight', shape: [8, 24] },
      { name: 'self_attn.k_proj.bias', shape: [8] },
      { name: 'self_attn.v_proj.weight', shape: [8, 24] },
      { name: 'self_attn.v_proj.bias', shape: [8] },
      { name: 'self_attn.o_proj.weight', shape: [24, 32] },
      { name: 'self_attn.o_proj.bias', shape: [24] },
    ]);
  });

  it('gives a linear half no bias and an absent half no norm', () => {
    assert.deepEqual(subblockTensors(config, 'ffn', { kind: 'linear' }), [
      { name: 'post_attention_layernorm.weight', shape: [24] },
      { name: 'mlp.linear_mlp.weight', shape: [24, 24] },
    ]);
    assert.deepEqual(subblockTensors(config, 'attention', { kind: 'no-op' }), []);
  });
});
