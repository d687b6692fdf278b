import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import {
  parseModelConfig,
  readModelConfig,
  toNemotronNas,
  type LayerShape,
  type ModelConfig,
} from '../../src/formats/hf-config.js';
import { saying } from '../support/errors.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const LLAMA = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 2,
  num_attention_heads: 8,
  vocab_size: 512,
};

const parse = (json: unknown) => parseModelConfig(json, 'config.json');

/** Parameters of an untied or tied model without biases, from the tensors it must have. */
function parameters({ hiddenSize: h, heads, headDim, vocabSize, tieWordEmbeddings, layers }: ModelConfig): number {
  const attention = ({ attention: a }: LayerShape) =>
    a.kind === 'gqa' ? h + 2 * h * heads * headDim + 2 * h * a.kvHeads * headDim : a.kind === 'linear' ? h + h * h : 0;
  const ffn = ({ ffn: f }: LayerShape) =>
    f.kind === 'gated' ? h + 3 * h * f.width : f.kind === 'linear' ? h + h * h : 0;
  const embeddings = vocabSize * h * (tieWordEmbeddings ? 1 : 2);
  return embeddings + h + layers.reduce((sum, layer) => sum + attention(layer) + ffn(layer), 0);
}

describe('a Llama config', () => {
  it('takes the defaults of the format where fields are absent', () => {
    const { layers, raw, ...rest } = parse(LLAMA);
    assert.deepEqual(rest, {
      family: 'llama',
      hiddenSize: 64,
      heads: 8,
      headDim: 8,
      vocabSize: 512,
      rmsNormEps: 1e-6,
      ropeTheta: 10_000,
      ropeScaling: null,
      maxPositionEmbeddings: 2048,
      tieWordEmbeddings: false,
      attentionBias: false,
      mlpBias: false,
      bosTokenId: null,
      eosTokenIds: [],
      dtype: 'F32',
    });
    const layer = { attention: { kind: 'gqa', kvHeads: 8 }, ffn: { kind: 'gated', width: 172 } };
    assert.deepEqual(layers, [layer, layer]);
    assert.deepEqual(raw, LLAMA);
  });

  it('reads every field that is there', () => {
    const config = parse({
      ...LLAMA,
      num_key_value_heads: 2,
      head_dim: 16,
      rms_norm_eps: 1e-5,
      rope_theta: 500_000,
      max_position_embeddings: 4096,
      tie_word_embeddings: true,
      attention_bias: true,
      mlp_bias: true,
      bos_token_id: 1,
      eos_token_id: [2, 3],
      torch_dtype: 'bfloat16',
      hidden_act: 'silu',
    });
    assert.deepEqual(config.layers[1]?.attention, { kind: 'gqa', kvHeads: 2 });
    assert.equal(config.headDim, 16);
    assert.equal(config.rmsNormEps, 1e-5);
    assert.equal(config.ropeTheta, 500_000);
    assert.equal(config.maxPositionEmbeddings, 4096);
    assert.equal(config.tieWordEmbeddings && config.attentionBias && config.mlpBias, true);
    assert.equal(config.bosTokenId, 1);
    assert.deepEqual(config.eosTokenIds, [2, 3]);
    assert.equal(config.dtype, 'BF16');
    assert.equal(parse({ ...LLAMA, dtype: 'float16' }).dtype, 'F16');
    assert.deepEqual(parse({ ...LLAMA, eos_token_id: 2 }).eosTokenIds, [2]);
  });

  const llama3 = { factor: 8, low_freq_factor: 1, high_freq_factor: 4, original_max_position_embeddings: 8192 };
  const ropes: { what: string; fields: object; theta: number; scaling: ModelConfig['ropeScaling'] }[] = [
    { what: 'null', fields: { rope_scaling: null, rope_theta: 5e5 }, theta: 5e5, scaling: null },
    { what: 'default', fields: { rope_scaling: { rope_type: 'default' } }, theta: 1e4, scaling: null },
    {
      what: 'linear',
      fields: { rope_scaling: { rope_type: 'linear', factor: 4 } },
      theta: 1e4,
      scaling: { type: 'linear', factor: 4 },
    },
    {
      what: 'linear by its older name',
      fields: { rope_scaling: { type: 'linear', factor: 2 } },
      theta: 1e4,
      scaling: { type: 'linear', factor: 2 },
    },
    {
      what: 'llama3',
      fields: { rope_scaling: { rope_type: 'llama3', ...llama3 }, rope_theta: 5e5 },
      theta: 5e5,
      scaling: { type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 8192 },
    },
    {
      what: 'rope_parameters',
      fields: { rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 7e4 } },
      theta: 7e4,
      scaling: { type: 'linear', factor: 2 },
    },
    {
      what: 'rope_parameters of the default type',
      fields: { rope_parameters: { rope_type: 'default', rope_theta: 5e5 } },
      theta: 5e5,
      scaling: null,
    },
    {
      what: 'both, in agreement',
      fields: {
        rope_scaling: { type: 'linear', factor: 2 },
        rope_parameters: { rope_type: 'linear', factor: 2, rope_theta: 7e4 },
        rope_theta: 7e4,
      },
      theta: 7e4,
      scaling: { type: 'linear', factor: 2 },
    },
  ];
  for (const { what, fields, theta, scaling } of ropes) {
    it(`reads rotary embeddings given as ${what}`, () => {
      const { ropeTheta, ropeScaling } = parse({ ...LLAMA, ...fields });
      assert.deepEqual({ ropeTheta, ropeScaling }, { ropeTheta: theta, ropeScaling: scaling });
    });
  }
});

describe('a config that asks for something else names the field, its value and what is supported', () => {
  const cases: { fields: object; says: RegExp[] }[] = [
    { fields: { model_type: 'mixtral' }, says: [/model_type is "mixtral" \(supported: llama, nemotron-nas\)/] },
    { fields: { model_type: undefined }, says: [/model_type is absent/] },
    { fields: { hidden_act: 'gelu' }, says: [/hidden_act is "gelu" \(supported: silu, swish\)/] },
    { fields: { sliding_window: 4096 }, says: [/sliding_window is 4096 \(supported: only attention over the whole/] },
    {
      fields: { rope_scaling: { rope_type: 'yarn', factor: 4 } },
      says: [/rope_scaling\.rope_type is "yarn" \(supported: default, linear, llama3\)/],
    },
    { fields: { rope_scaling: { type: 'dynamic', factor: 4 } }, says: [/rope_scaling\.type is "dynamic"/] },
    { fields: { rope_parameters: { rope_type: 'longrope' } }, says: [/rope_parameters\.rope_type is "longrope"/] },
    {
      fields: { rope_parameters: { full_attention: { rope_type: 'default' } } },
      says: [/rope_parameters\.full_attention/, /all layers/],
    },
    {
      fields: { rope_parameters: { partial_rotary_factor: 0.5 } },
      says: [/rope_parameters\.partial_rotary_factor is 0\.5/],
    },
    { fields: { partial_rotary_factor: 0.25 }, says: [/partial_rotary_factor is 0\.25 \(supported: 1\)/] },
    {
      fields: { quantization_config: { quant_method: 'gptq' } },
      says: [/quantization_config is \{"quant_method":"gptq"\}/, /bfloat16/],
    },
    { fields: { num_local_experts: 8 }, says: [/num_local_experts is 8/, /dense/] },
    { fields: { layer_types: ['full_attention', 'sliding_attention'] }, says: [/layer_types is "sliding_attention"/] },
    { fields: { block_configs: [] }, says: [/block_configs is present with model_type "llama"/] },
    { fields: { per_layer_config: { '0': {} } }, says: [/per_layer_config/] },
    { fields: { torch_dtype: 'float64' }, says: [/torch_dtype is "float64"; supported: float32, float16, bfloat16/] },
    {
      fields: { hidden_act: 'gelu', sliding_window: 1, model_type: 'x' },
      says: [/model_type.*hidden_act.*sliding_window/],
    },
  ];
  for (const { fields, says } of cases) {
    it(JSON.stringify(fields), () => {
      assert.throws(() => parse({ ...LLAMA, ...fields }), saying(/^config\.json: /, ...says));
    });
  }

  it('but not for a window that is switched off', () => {
    assert.equal(parse({ ...LLAMA, sliding_window: 4096, use_sliding_window: false }).layers.length, 2);
  });
});

describe('an unreadable config names the field and its value', () => {
  const cases: { fields: object; says: RegExp }[] = [
    { fields: { hidden_size: undefined }, says: /hidden_size is absent; a whole number from 1 to/ },
    { fields: { hidden_size: '64' }, says: /hidden_size is "64"/ },
    { fields: { hidden_size: 2 ** 30 }, says: /hidden_size is 1073741824/ },
    { fields: { hidden_size: 63 }, says: /num_attention_heads is 8; it must divide hidden_size, 63/ },
    { fields: { num_hidden_layers: 1e9 }, says: /num_hidden_layers is 1000000000; .* to 4096/ },
    { fields: { num_hidden_layers: 0 }, says: /num_hidden_layers is 0/ },
    { fields: { num_key_value_heads: 3 }, says: /num_key_value_heads is 3; it must divide num_attention_heads, 8/ },
    { fields: { num_key_value_heads: 16 }, says: /num_key_value_heads is 16; a whole number from 1 to 8/ },
    { fields: { intermediate_size: 1.5 }, says: /intermediate_size is 1\.5/ },
    { fields: { head_dim: 7 }, says: /head_dim is 7; heads of 7 dimensions cannot be rotated/ },
    { fields: { rms_norm_eps: 0 }, says: /rms_norm_eps is 0; a number above 0/ },
    { fields: { rms_norm_eps: -1e-5 }, says: /rms_norm_eps is -0\.00001/ },
    { fields: { tie_word_embeddings: 'yes' }, says: /tie_word_embeddings is "yes"; true or false/ },
    { fields: { bos_token_id: 512 }, says: /bos_token_id is 512; a whole number from 0 to 511/ },
    { fields: { eos_token_id: [2, -1] }, says: /eos_token_id is \[2,-1\]; token ids from 0 to 511/ },
    { fields: { rope_theta: -1 }, says: /rope_theta is -1/ },
    { fields: { rope_scaling: 'linear' }, says: /rope_scaling must be an object, not "linear"/ },
    { fields: { rope_scaling: { rope_type: 'linear' } }, says: /rope_scaling\.factor is absent/ },
    {
      fields: { rope_scaling: { rope_type: 'llama3', factor: 8, low_freq_factor: 4, high_freq_factor: 1 } },
      says: /rope_scaling\.high_freq_factor is 1; it must be above low_freq_factor, 4/,
    },
    {
      fields: { rope_theta: 1e4, rope_parameters: { rope_theta: 5e5 } },
      says: /rope_theta is 10000; it contradicts rope_parameters\.rope_theta, 500000/,
    },
    {
      fields: { rope_scaling: { type: 'linear', factor: 2 }, rope_parameters: { rope_type: 'default' } },
      says: /rope_parameters is .*; it contradicts rope_scaling/,
    },
  ];
  for (const { fields, says } of cases) {
    it(JSON.stringify(fields), () => {
      assert.throws(() => parse({ ...LLAMA, ...fields }), saying(/^config\.json: /, says));
    });
  }

  it('also where the whole file is no object, broken, or has a field twice', async (t) => {
    for (const json of [null, [], 7, 'x']) assert.throws(() => parse(json), saying(/must be an object/));
    const dir = await mkdtemp(join(tmpdir(), 'puzzle-formats-'));
    t.after(() => rm(dir, { recursive: true }));
    await assert.rejects(readModelConfig(dir), saying(/config\.json: cannot be read/));
    await writeFile(join(dir, 'config.json'), '{"hidden_size": NaN}');
    await assert.rejects(readModelConfig(dir), saying(/config\.json: is not valid JSON/));
    await writeFile(join(dir, 'config.json'), '{"hidden_size": 1, "hidden_size": 2}');
    await assert.rejects(readModelConfig(dir), saying(/key "hidden_size" twice/));
  });

  it('and whatever the JSON, nothing but an InputError is thrown', () => {
    const key = fc.constantFrom(
      ...Object.keys(LLAMA),
      ...['rope_scaling', 'rope_parameters', 'eos_token_id', 'layer_types', 'block_configs', 'head_dim', 'torch_dtype'],
    );
    fc.assert(
      fc.property(fc.dictionary(key, fc.jsonValue()), fc.constantFrom('llama', 'nemotron-nas'), (fields, type) => {
        try {
          parse({ ...LLAMA, ...fields, model_type: type });
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
        }
      }),
      { numRuns: 1000 },
    );
  });
});

describe('real configs', { skip: skipWithoutShared() }, () => {
  const dirOf = (name: string) => join(sharedDir() ?? '', 'configs', name);

  const counts = {
    'Llama-3.1-8B': 8_030_261_248,
    'Llama-3.1-70B': 70_553_706_496,
    'Llama-3.1-405B': 405_853_388_800,
    'Llama-3.2-3B-Instruct': 3_212_749_824,
    'Llama-3_3-Nemotron-Super-49B-v1': 49_867_145_216,
  };
  for (const [name, count] of Object.entries(counts)) {
    it(`${name} has its published ${count.toLocaleString('en')} parameters, also when written and read again`, async () => {
      const config = await readModelConfig(dirOf(name));
      assert.equal(parameters(config), count);
      assert.equal(parameters(parse(JSON.parse(JSON.stringify(toNemotronNas(config))))), count);
    });
  }

  it('the 49B child has attention in 49 of its 80 layers and the widths it was published with', async () => {
    const { layers, ropeScaling, eosTokenIds } = await readModelConfig(dirOf('Llama-3_3-Nemotron-Super-49B-v1'));
    assert.equal(layers.filter(({ attention }) => attention.kind === 'gqa' && attention.kvHeads === 8).length, 49);
    assert.equal(layers.filter(({ attention }) => attention.kind === 'no-op').length, 31);
    const widths = layers.map(({ ffn }) => (ffn.kind === 'gated' ? ffn.width : 0));
    const tally = Object.fromEntries(
      [...new Set(widths)].map((width) => [width, widths.filter((w) => w === width).length]),
    );
    assert.deepEqual(tally, { 28672: 49, 7168: 10, 5632: 8, 14336: 6, 2816: 6, 17920: 1 });
    assert.equal(ropeScaling?.type, 'llama3');
    assert.deepEqual(eosTokenIds, [128001, 128008, 128009]);
  });

  const unsupported: Record<string, RegExp[]> = {
    'Qwen2.5-7B-Instruct': [/model_type is "qwen2" \(supported: llama, nemotron-nas\)$/],
    'Qwen3-8B': [/model_type is "qwen3"/],
    'Mistral-Small-24B-Instruct-2501': [/model_type is "mistral"/],
    'Mixtral-8x7B-v0.1': [/model_type is "mixtral"/, /num_local_experts is 8/],
    'gpt-oss-20b': [
      /model_type is "gpt_oss"/,
      /sliding_window is 128/,
      /num_local_experts is 32/,
      /quantization_config/,
      /layer_types is "sliding_attention"/,
      /rope_scaling\.rope_type is "yarn"/,
    ],
  };
  for (const [name, says] of Object.entries(unsupported)) {
    it(`${name} is refused for every reason there is`, async () => {
      await assert.rejects(readModelConfig(dirOf(name)), saying(/config\.json/, ...says));
    });
  }
});
