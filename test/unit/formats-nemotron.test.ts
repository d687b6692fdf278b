import { describe, it } from 'node:test';
import assert from 'node:assert/strict';
import fc from 'fast-check';
import { parseModelConfig, toNemotronNas, type LayerShape, type ModelConfig } from '../../src/formats/hf-config.js';
import { multiplierOfWidth, widthOfMultiplier } from '../../src/formats/nemotron-blocks.js';
import { saying } from '../support/errors.js';

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
