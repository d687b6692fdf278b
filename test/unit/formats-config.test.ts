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
import { multiplierOfWidth, widthOfMultiplier } from '../../src/formats/nemotron-blocks.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const LLAMA = {
  model_type: 'llama',
  hidden_size: 64,
  intermediate_size: 172,
  num_hidden_layers: 2,
  num_attention_heads: 8,
  vocab_size: 512,
};
const NEMOTRON = {
  model_type: 'nemotron-nas',
  hidden_size: 64,
  intermediate_size: null,
  num_hidden_layers: 1,
  num_attention_heads: 8,
  num_key_value_heads: null,
  vocab_size: 512,
};

const parse = (json: unknown) => parseModelConfig(json, 'config.json');
const withBlock = (attention: object, ffn: object) => ({ ...NEMOTRON, block_configs: [{ attention, ffn }] });
const NO_OP = { no_op: true };

function saying(...patterns: RegExp[]): (error: unknown) => boolean {
  return (error) => {
    assert.ok(error instanceof InputError, `an InputError, not ${String(error)}`);
    for (const pattern of patterns) assert.match(error.message, pattern);
    return true;
  };
}

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

describe('a nemotron-nas config', () => {
  it('gives every layer its own shape', () => {
    const block = (attention: object, ffn: object) => ({ attention, ffn });
    const { layers } = parse({
      ...NEMOTRON,
      num_hidden_layers: 4,
      block_configs: [
        block({ n_heads_in_group: 4, window_length: null, sparsify: null }, { ffn_mult: 5.25, unknown_switch: false }),
        block({ n_heads_in_group: null, replace_with_linear: true }, { intermediate_size: 100 }),
        block(NO_OP, { ffn_mult: null, replace_with_linear: true }),
        block({ n_heads_in_group: 1, no_op: false }, NO_OP),
      ],
    });
    assert.deepEqual(layers, [
      { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 256 } },
      { attention: { kind: 'linear' }, ffn: { kind: 'gated', width: 100 } },
      { attention: { kind: 'no-op' }, ffn: { kind: 'linear' } },
      { attention: { kind: 'gqa', kvHeads: 8 }, ffn: { kind: 'no-op' } },
    ]);
  });

  it('takes widths from multipliers by the rule of the dialect', () => {
    const published = { 5.25: 28672, 2.625: 14336, 1.3125: 7168, 3.28125: 17920, 1: 5632, 0.5: 2816 };
    for (const [multiplier, width] of Object.entries(published)) {
      assert.equal(widthOfMultiplier(Number(multiplier), 8192), width);
    }
  });

  it('has a multiplier for exactly the widths that are multiples of 256, and it reads as a float in JSON', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 8192 }), fc.integer({ min: 1, max: 40_000 }), (hiddenSize, width) => {
        const multiplier = multiplierOfWidth(width, hiddenSize);
        if (width % 256 !== 0) assert.equal(multiplier, undefined);
        else if (multiplier === undefined) assert.ok(width > 512 * hiddenSize, 'only absurdly wide ones have none');
        else {
          assert.equal(widthOfMultiplier(multiplier, hiddenSize), width);
          assert.match(JSON.stringify(multiplier), /[.e]/);
        }
      }),
      { numRuns: 5000 },
    );
    fc.assert(
      fc.property(fc.integer({ min: 8, max: 8192 }), fc.integer({ min: 1, max: 16 }), (hiddenSize, step) => {
        const multiplier = multiplierOfWidth(step * 256, hiddenSize);
        assert.ok(multiplier !== undefined && !Number.isInteger(multiplier));
        assert.equal(widthOfMultiplier(multiplier, hiddenSize), step * 256);
      }),
    );
  });

  const group = { n_heads_in_group: 1 };
  const width = { intermediate_size: 8 };
  const cases: { what: string; json: object; says: RegExp }[] = [
    { what: 'no blocks', json: NEMOTRON, says: /block_configs is absent; a list is expected/ },
    { what: 'too few blocks', json: { ...NEMOTRON, block_configs: [] }, says: /0 entries, but num_hidden_layers is 1/ },
    {
      what: 'a block that is no object',
      json: { ...NEMOTRON, block_configs: [7] },
      says: /block_configs\[0\] must be an object/,
    },
    {
      what: 'half a block',
      json: { ...NEMOTRON, block_configs: [{ attention: group }] },
      says: /block_configs\[0\]\.ffn must be an object, not absent/,
    },
    {
      what: 'groups that do not divide the heads',
      json: withBlock({ n_heads_in_group: 3 }, width),
      says: /block_configs\[0\]\.attention\.n_heads_in_group is 3; it must divide/,
    },
    { what: 'attention of no kind', json: withBlock({}, width), says: /n_heads_in_group is absent/ },
    {
      what: 'two kinds at once',
      json: withBlock({ no_op: true, replace_with_linear: true }, width),
      says: /no_op is true as well/,
    },
    {
      what: 'an attention window',
      json: withBlock({ ...group, window_length: 128 }, width),
      says: /attention\.window_length is 128; supported/,
    },
    { what: 'sparsity', json: withBlock(group, { ...width, sparsify: ['2:4'] }), says: /ffn\.sparsify is \["2:4"\]/ },
    { what: 'experts', json: withBlock(group, { ...width, moe: { num_local_experts: 8 } }), says: /ffn\.moe/ },
    {
      what: 'a third half',
      json: { ...NEMOTRON, block_configs: [{ attention: group, ffn: width, parallel_blocks: [1] }] },
      says: /parallel_blocks/,
    },
    { what: 'an FFN of no width', json: withBlock(group, {}), says: /ffn\.intermediate_size is absent/ },
    {
      what: 'another activation',
      json: withBlock(group, { ...width, hidden_act: 'gelu' }),
      says: /ffn\.hidden_act is "gelu"/,
    },
    { what: 'an absurd multiplier', json: withBlock(group, { ffn_mult: 1e9 }), says: /ffn_mult is 1000000000/ },
    {
      what: 'a multiplier of nothing',
      json: withBlock(group, { ffn_mult: 1e-9 }),
      says: /ffn_mult is 1e-9; it gives a width of 0/,
    },
    {
      what: 'two widths that differ',
      json: withBlock(group, { ffn_mult: 5.25, intermediate_size: 100 }),
      says: /intermediate_size is 100; ffn_mult gives a width of 256/,
    },
  ];
  for (const { what, json, says } of cases) {
    it(`is refused with ${what}`, () => {
      assert.throws(() => parse(json), saying(/^config\.json: /, says));
    });
  }
});

describe('writing a nemotron-nas config', () => {
  const anyConfig: fc.Arbitrary<ModelConfig> = fc
    .record({ kvExponent: fc.nat(4), groups: fc.constantFrom(1, 2, 3, 4, 7), halfDim: fc.integer({ min: 1, max: 64 }) })
    .chain(({ kvExponent, groups, halfDim }) => {
      const heads = 2 ** kvExponent * groups;
      const vocabSize = 300;
      const divisors = Array.from({ length: heads }, (_, i) => i + 1).filter((n) => heads % n === 0);
      const id = fc.nat(vocabSize - 1);
      const widths = fc.oneof(
        fc.integer({ min: 1, max: 40_000 }),
        fc.integer({ min: 1, max: 150 }).map((n) => n * 256),
      );
      const replacement = fc.constantFrom({ kind: 'linear' as const }, { kind: 'no-op' as const });
      const layer = fc.record<LayerShape>({
        attention: fc.oneof(
          fc.constantFrom(...divisors).map((kvHeads) => ({ kind: 'gqa' as const, kvHeads })),
          replacement,
        ),
        ffn: fc.oneof(
          widths.map((width) => ({ kind: 'gated' as const, width })),
          replacement,
        ),
      });
      const scaling = fc.oneof(
        fc.constant(null),
        fc.double({ min: 0.5, max: 64, noNaN: true }).map((factor) => ({ type: 'linear' as const, factor })),
        fc.constant({
          type: 'llama3' as const,
          factor: 8,
          lowFreqFactor: 1,
          highFreqFactor: 4,
          originalMaxPositionEmbeddings: 8192,
        }),
      );
      return fc.record<ModelConfig>({
        family: fc.constant('llama'),
        hiddenSize: fc.constantFrom(heads * halfDim * 2, 512),
        heads: fc.constant(heads),
        headDim: fc.constant(halfDim * 2),
        vocabSize: fc.constant(vocabSize),
        rmsNormEps: fc.constantFrom(1e-5, 1e-6),
        ropeTheta: fc.constantFrom(1e4, 5e5),
        ropeScaling: scaling,
        maxPositionEmbeddings: fc.integer({ min: 1, max: 2 ** 20 }),
        tieWordEmbeddings: fc.boolean(),
        attentionBias: fc.boolean(),
        mlpBias: fc.boolean(),
        bosTokenId: fc.option(id),
        eosTokenIds: fc.array(id, { maxLength: 3 }),
        dtype: fc.constantFrom('F32', 'F16', 'BF16'),
        layers: fc.array(
          layer.map(({ attention, ffn }) => ({ attention, ffn })),
          { minLength: 1, maxLength: 6 },
        ),
        raw: fc.constantFrom(
          {},
          { rope_parameters: { rope_type: 'linear', factor: 3 }, dtype: 'float16', head_dim: 2 },
        ),
      });
    });

  it('reads back as the same model, whatever the layers', () => {
    fc.assert(
      fc.property(anyConfig, ({ raw, ...config }) => {
        const written: unknown = JSON.parse(JSON.stringify(toNemotronNas({ ...config, raw })));
        const { raw: rawAgain, ...again } = parse(written);
        assert.deepEqual(again, config);
        assert.deepEqual(rawAgain, written);
      }),
      { numRuns: 500 },
    );
  });

  it('writes ffn_mult where it is exact and intermediate_size where it is not, never both', () => {
    const config = parse(LLAMA);
    const ffns = [256, 172].map((width) => ({ kind: 'gated', width }) as const);
    const layers = ffns.map((ffn) => ({ attention: { kind: 'gqa', kvHeads: 4 } as const, ffn }));
    const written = toNemotronNas({ ...config, layers });
    const blocks = written['block_configs'] as { attention: object; ffn: object }[];
    assert.deepEqual(blocks[0]?.attention, {
      n_heads_in_group: 2,
      no_op: false,
      num_sink_tokens: null,
      replace_with_linear: false,
      sparsify: null,
      unshifted_sink: false,
      use_prefill_window_in_sink_attention: false,
      window_length: null,
    });
    assert.deepEqual(Object.keys(blocks[0].ffn).sort(), ['ffn_mult', 'no_op', 'replace_with_linear', 'sparsify']);
    assert.deepEqual(blocks[1]?.ffn, {
      intermediate_size: 172,
      no_op: false,
      replace_with_linear: false,
      sparsify: null,
    });
    assert.equal(written['intermediate_size'], null);
    assert.equal(written['num_key_value_heads'], null);
    assert.deepEqual(written['architectures'], ['DeciLMForCausalLM']);
  });

  it('carries over what it does not read, in alphabetical order, without the origin', () => {
    const written = toNemotronNas(
      parse({ ...LLAMA, pad_token_id: 7, initializer_range: 0.02, _name_or_path: '/home/x' }),
    );
    assert.equal(written['pad_token_id'], 7);
    assert.equal(written['initializer_range'], 0.02);
    assert.equal(written['_name_or_path'], undefined);
    assert.deepEqual(Object.keys(written), Object.keys(written).sort());
  });

  it('refuses layers that the heads cannot make', () => {
    const layers: LayerShape[] = [{ attention: { kind: 'gqa', kvHeads: 3 }, ffn: { kind: 'no-op' } }];
    assert.throws(() => toNemotronNas({ ...parse(LLAMA), layers }), /8 heads cannot share 3 KV heads/);
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
