import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { describeConfig } from '../../src/model/config-map.js';
import { architectureMapSchema } from '../../src/protocol/architecture.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const describeJson = (json: object) => describeConfig(json, 'config.json');

/** The sizes of published models whose parameters are published as well. */
const PUBLISHED: Record<string, { json: object; parameters: number }> = {
  'a Llama with untied embeddings': {
    json: {
      ...{ model_type: 'llama', num_hidden_layers: 32, hidden_size: 4096, num_attention_heads: 32 },
      ...{ num_key_value_heads: 8, intermediate_size: 14_336, vocab_size: 128_256, torch_dtype: 'bfloat16' },
    },
    parameters: 8_030_261_248,
  },
  'a Mistral whose heads are not the hidden size divided': {
    json: {
      ...{ model_type: 'mistral', num_hidden_layers: 40, hidden_size: 5120, num_attention_heads: 32, head_dim: 128 },
      ...{ num_key_value_heads: 8, intermediate_size: 32_768, vocab_size: 131_072 },
    },
    parameters: 23_572_403_200,
  },
  'a Qwen2 with biases on queries, keys and values': {
    json: {
      ...{ model_type: 'qwen2', num_hidden_layers: 28, hidden_size: 3584, num_attention_heads: 28 },
      ...{ num_key_value_heads: 4, intermediate_size: 18_944, vocab_size: 152_064 },
    },
    parameters: 7_615_616_512,
  },
  'a Qwen3 with norms on queries and keys': {
    json: {
      ...{ model_type: 'qwen3', num_hidden_layers: 36, hidden_size: 4096, num_attention_heads: 32 },
      ...{ num_key_value_heads: 8, intermediate_size: 12_288, vocab_size: 151_936 },
    },
    parameters: 8_190_735_360,
  },
  'a Phi-3, where absent KV heads are as many as heads': {
    json: {
      ...{ model_type: 'phi3', num_hidden_layers: 32, hidden_size: 3072, num_attention_heads: 32 },
      ...{ intermediate_size: 8192, vocab_size: 32_064 },
    },
    parameters: 3_821_079_552,
  },
  'a Granite with tied embeddings': {
    json: {
      ...{ model_type: 'granite', num_hidden_layers: 40, hidden_size: 4096, num_attention_heads: 32 },
      ...{ num_key_value_heads: 8, intermediate_size: 12_800, vocab_size: 49_155, tie_word_embeddings: true },
    },
    parameters: 8_170_848_256,
  },
  'a Gemma, tied and with heads of 256 unless it says otherwise': {
    json: {
      ...{ model_type: 'gemma', num_hidden_layers: 18, hidden_size: 2048, num_attention_heads: 8 },
      ...{ num_key_value_heads: 1, intermediate_size: 16_384, vocab_size: 256_000 },
    },
    parameters: 2_506_172_416,
  },
  'a Gemma 2 with two norms in each half': {
    json: {
      ...{ model_type: 'gemma2', num_hidden_layers: 26, hidden_size: 2304, num_attention_heads: 8 },
      ...{ num_key_value_heads: 4, intermediate_size: 9216, vocab_size: 256_000, sliding_window: 4096 },
    },
    parameters: 2_614_341_888,
  },
  'a Gemma 3 with norms on queries and keys too': {
    json: {
      ...{ model_type: 'gemma3_text', num_hidden_layers: 26, hidden_size: 1152, num_attention_heads: 4 },
      ...{ num_key_value_heads: 1, head_dim: 256, intermediate_size: 6912, vocab_size: 262_144 },
      ...{ sliding_window: 512, sliding_window_pattern: 6 },
    },
    parameters: 999_885_952,
  },
  'a Mixtral': {
    json: {
      ...{ model_type: 'mixtral', num_hidden_layers: 32, hidden_size: 4096, num_attention_heads: 32 },
      ...{ num_key_value_heads: 8, intermediate_size: 14_336, vocab_size: 32_000 },
      ...{ num_local_experts: 8, num_experts_per_tok: 2 },
    },
    parameters: 46_702_792_704,
  },
  'a Qwen2 mixture with a shared expert': {
    json: {
      ...{ model_type: 'qwen2_moe', num_hidden_layers: 24, hidden_size: 2048, num_attention_heads: 16 },
      ...{ num_key_value_heads: 16, intermediate_size: 5632, vocab_size: 151_936, num_experts: 60 },
      ...{ num_experts_per_tok: 4, moe_intermediate_size: 1408, shared_expert_intermediate_size: 5632 },
    },
    parameters: 14_315_784_192,
  },
  'a Qwen3 mixture': {
    json: {
      ...{ model_type: 'qwen3_moe', num_hidden_layers: 48, hidden_size: 2048, num_attention_heads: 32, head_dim: 128 },
      ...{ num_key_value_heads: 4, intermediate_size: 6144, vocab_size: 151_936, num_experts: 128 },
      ...{ num_experts_per_tok: 8, moe_intermediate_size: 768, decoder_sparse_step: 1, mlp_only_layers: [] },
    },
    parameters: 30_532_122_624,
  },
  'a gpt-oss with biases, sinks and a router with biases': {
    json: {
      ...{ model_type: 'gpt_oss', num_hidden_layers: 36, hidden_size: 2880, num_attention_heads: 64, head_dim: 64 },
      ...{ num_key_value_heads: 8, intermediate_size: 2880, vocab_size: 201_088, attention_bias: true },
      ...{ num_local_experts: 128, experts_per_token: 4 },
    },
    parameters: 116_829_156_672,
  },
};

describe('the map of a homogeneous config', () => {
  for (const [what, { json, parameters }] of Object.entries(PUBLISHED)) {
    it(`has the published parameters of ${what}`, () => {
      const map = architectureMapSchema.parse(describeJson(json));
      assert.equal(map.totals.parameters, parameters);
      assert.equal(map.totals.known, parameters);
      const { nonBlock, attention, ffn } = map.totals;
      assert.equal((nonBlock ?? 0) + (attention ?? 0) + (ffn ?? 0), parameters);
      assert.ok(map.layers.every((layer) => layer.attention.kept === 1 && layer.ffn.kept === 1));
    });
  }

  it('says of a layer what it is, in the words of the search', () => {
    const map = describeJson(PUBLISHED['a Llama with untied embeddings']?.json ?? {});
    assert.deepEqual(map.layers[31], {
      attention: { name: 'kv8', kind: 'full', kept: 1, parameters: 41_947_136, detail: '8 KV heads of 128' },
      ffn: { name: 'ffn-100%', kind: 'full', kept: 1, parameters: 176_164_864, detail: '14,336 channels' },
      kvBytesPerToken: 2 * 8 * 128 * 2,
      score: null,
    });
    assert.equal(map.totals.kvBytesPerToken, 32 * 4096);
    assert.deepEqual([map.family, map.hiddenSize, map.heads, map.notes], ['llama', 4096, 32, []]);
  });

  it('counts biases where the config asks for them', () => {
    const json = { model_type: 'llama', num_hidden_layers: 1, hidden_size: 8, num_attention_heads: 4, vocab_size: 5 };
    const sizes = { num_key_value_heads: 2, intermediate_size: 3 };
    const count = (more: object) => describeJson({ ...json, ...sizes, ...more }).totals.parameters ?? 0;
    assert.equal(count({ attention_bias: true }) - count({}), 8 + 4 + 4 + 8);
    assert.equal(count({ mlp_bias: true }) - count({}), 3 + 3 + 8);
    assert.equal(count({ model_type: 'mistral', attention_bias: true }), count({}));
  });

  it('takes KV heads that are null for as many as heads, and absent ones for what the family takes', () => {
    const json = { model_type: 'mistral', num_hidden_layers: 1, hidden_size: 64, num_attention_heads: 32 };
    const name = (more: object) => describeJson({ ...json, ...more }).layers[0]?.attention.name;
    assert.equal(name({ num_key_value_heads: null }), 'kv32');
    assert.equal(name({}), 'kv8');
  });
});

describe('the notes of a map', () => {
  it('say how many experts a token meets, where windows are, and that weights are quantised', () => {
    const map = describeJson({
      ...PUBLISHED['a gpt-oss with biases, sinks and a router with biases']?.json,
      sliding_window: 128,
      layer_types: Array.from({ length: 36 }, (_, layer) => (layer % 2 === 0 ? 'sliding_attention' : 'full_attention')),
      quantization_config: { quant_method: 'mxfp4' },
    });
    assert.equal(map.totals.parameters, 116_829_156_672);
    assert.equal(map.layers[0]?.attention.detail, '8 KV heads of 64, window of 128 tokens');
    assert.equal(map.layers[1]?.attention.detail, '8 KV heads of 64');
    assert.deepEqual([map.layers[0].ffn.name, map.layers[0].ffn.kind], ['128 experts, 4 active', 'experts']);
    assert.match(
      map.notes.join('\n'),
      /4 of the 128 experts.*\n.*18 of 36 layers.*128 tokens.*\n.*quantised \(mxfp4\)/,
    );
  });

  it('tell which layers have a window where only the family says so', () => {
    const windows = (name: string) =>
      describeJson(PUBLISHED[name]?.json ?? {}).layers.map(({ attention }) => attention.detail.includes('window'));
    assert.deepEqual(windows('a Gemma 2 with two norms in each half').slice(0, 4), [true, false, true, false]);
    assert.equal(
      windows('a Gemma 3 with norms on queries and keys too').findIndex((window) => !window),
      5,
    );
    const off = { model_type: 'qwen2', num_hidden_layers: 2, sliding_window: 9, use_sliding_window: false };
    assert.doesNotMatch(describeJson(off).notes.join('\n'), /tokens/);
  });

  it('count the dense layers of a mixture as such', () => {
    const json = PUBLISHED['a Qwen3 mixture']?.json;
    const { layers } = describeJson({ ...json, mlp_only_layers: [0, 2] });
    assert.deepEqual(
      layers.slice(0, 4).map(({ ffn }) => ffn.name),
      ['ffn-100%', '128 experts, 8 active', 'ffn-100%', '128 experts, 8 active'],
    );
    assert.equal(layers[0]?.ffn.parameters, 2048 + 3 * 2048 * 6144);
  });
});

describe('the maps of published configs', { skip: skipWithoutShared() }, () => {
  const parameters: Record<string, number> = {
    'Llama-3.1-8B': 8_030_261_248,
    'Llama-3.1-70B': 70_553_706_496,
    'Llama-3.1-405B': 405_853_388_800,
    'Llama-3.2-3B-Instruct': 3_212_749_824,
    'Qwen2.5-7B-Instruct': 7_615_616_512,
    'Qwen3-8B': 8_190_735_360,
    'Mistral-Small-24B-Instruct-2501': 23_572_403_200,
    'Llama-3_3-Nemotron-Super-49B-v1': 49_867_145_216,
    'Mixtral-8x7B-v0.1': 46_702_792_704,
    'gpt-oss-20b': 20_914_757_184,
  };
  const mapOf = async (name: string) => {
    const path = join(sharedDir() ?? '', 'configs', name, 'config.json');
    return describeConfig(JSON.parse(await readFile(path, 'utf8')), path);
  };

  for (const [name, published] of Object.entries(parameters)) {
    it(`have the parameters of ${name}`, async () => {
      const map = architectureMapSchema.parse(await mapOf(name));
      assert.equal(map.totals.parameters, published);
    });
  }

  it('show a child of 80 layers that keeps attention in 49', async () => {
    const { layers, family, totals } = await mapOf('Llama-3_3-Nemotron-Super-49B-v1');
    assert.equal(family, 'nemotron-nas');
    const kept = layers.filter(({ attention }) => attention.kind !== 'no-op');
    assert.equal(kept.length, 49);
    assert.ok(kept.every(({ attention }) => attention.name === 'kv8' && attention.kept === 1));
    assert.equal(totals.kvBytesPerToken, 49 * 4096);
    assert.deepEqual(layers[11]?.ffn.detail, '17,920 channels');
    assert.deepEqual([layers[0]?.ffn.name, layers[0]?.ffn.kind], ['ffn-50%', 'reduced']);
  });
});
