import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { type LayerShape, parseModelConfig, toNemotronNas } from '../../src/formats/hf-config.js';
import { modelCosts } from '../../src/model/accounting.js';
import { describeConfig } from '../../src/model/config-map.js';
import { architectureNames } from '../../src/model/variants.js';
import { architectureMapSchema } from '../../src/protocol/architecture.js';
import { saying } from '../support/errors.js';
import { tinyConfig } from '../support/tiny-model.js';

const describeJson = (json: object) => architectureMapSchema.parse(describeConfig(json, 'config.json'));
const names = (json: object) => describeJson(json).layers.map(({ attention, ffn }) => [attention.name, ffn.name]);

/** 8 heads of 8; an attention with 4 KV heads and an FFN of 100 channels in every layer. */
const LLAMA = {
  ...{ model_type: 'llama', hidden_size: 64, num_attention_heads: 8, num_hidden_layers: 4, vocab_size: 32 },
  ...{ num_key_value_heads: 4, intermediate_size: 100 },
};
const LLAMA_8B = {
  ...{ model_type: 'llama', num_hidden_layers: 32, hidden_size: 4096, num_attention_heads: 32 },
  ...{ num_key_value_heads: 8, intermediate_size: 14_336, vocab_size: 128_256 },
};
const layers = <T>(count: number, of: (layer: number) => T): T[] => Array.from({ length: count }, (_, i) => of(i));

describe('the map of a config with block_configs', () => {
  it('reads the dialect of nemotron-nas', () => {
    const NAS = { ...LLAMA, model_type: 'nemotron-nas', num_key_value_heads: null, intermediate_size: null };
    const block_configs = [
      {
        attention: { n_heads_in_group: 1, no_op: false, window_length: null },
        ffn: { ffn_mult: 5.25, sparsify: null },
      },
      { attention: { n_heads_in_group: 4 }, ffn: { ffn_mult: null, intermediate_size: 128 } },
      { attention: { replace_with_linear: true, n_heads_in_group: null }, ffn: { no_op: true, ffn_mult: null } },
      { attention: { no_op: true, n_heads_in_group: null }, ffn: { replace_with_linear: true } },
    ];
    const map = describeJson({ ...NAS, block_configs });
    assert.deepEqual(
      map.layers.map(({ attention, ffn }) => [attention.name, attention.kind, ffn.name, ffn.kind]),
      [
        ['kv8', 'full', 'ffn-100%', 'full'],
        ['kv2', 'reduced', 'ffn-50%', 'reduced'],
        ['linear', 'linear', 'no-op', 'no-op'],
        ['no-op', 'no-op', 'linear', 'linear'],
      ],
    );
    assert.deepEqual(
      map.layers.map((layer) => layer.kvBytesPerToken),
      [2 * 8 * 8 * 2, 2 * 2 * 8 * 2, 0, 0],
    );
    assert.equal(map.layers[2]?.attention.parameters, 64 * 64 + 64);
    assert.equal(map.layers[2].attention.kept, (64 * 64 + 64) / (4 * 64 * 64 + 64));
    assert.equal(map.layers[2].attention.detail, 'one 64 × 64 matrix');
  });

  it('counts every child that this program can write as its tensors do', () => {
    const attention = fc.oneof(
      fc.constantFrom(1, 2, 4).map((kvHeads) => ({ kind: 'gqa' as const, kvHeads })),
      fc.constantFrom({ kind: 'linear' as const }, { kind: 'no-op' as const }),
    );
    const ffn = fc.oneof(
      fc.integer({ min: 1, max: 2000 }).map((width) => ({ kind: 'gated' as const, width })),
      fc.constantFrom({ kind: 'linear' as const }, { kind: 'no-op' as const }),
    );
    const shapes: fc.Arbitrary<LayerShape[]> = fc.array(fc.record({ attention, ffn }), { minLength: 1, maxLength: 6 });
    fc.assert(
      fc.property(
        shapes,
        fc.boolean(),
        fc.boolean(),
        fc.boolean(),
        (own, tieWordEmbeddings, attentionBias, mlpBias) => {
          const json = toNemotronNas(tinyConfig({ layers: own, tieWordEmbeddings, attentionBias, mlpBias }));
          const costs = modelCosts(parseModelConfig(json, 'config.json'), { weights: 'BF16', context: 1 });
          const map = describeJson(json);
          assert.equal(map.totals.parameters, costs.parameters);
          assert.equal(map.totals.kvBytesPerToken, costs.kvBytesPerToken);
          assert.deepEqual(
            map.layers.map((layer) => ({ attention: layer.attention.name, ffn: layer.ffn.name })),
            architectureNames(own),
          );
        },
      ),
    );
  });

  it('reads the dialect of AnyModel, experts included', () => {
    const attention = { no_op: false, replace_with_linear: false, sparsify: null, llama4: null, mamba: null };
    const ffn = { no_op: false, replace_with_linear: false, sparsify: null, moe: null };
    const moe = {
      ...{ num_local_experts: 4, num_experts_per_tok: 2 },
      ...{ expert_intermediate_dim: 50, shared_expert_intermediate_dim: 0 },
    };
    const blocks = [
      { attention: { ...attention, num_key_value_heads: 4 }, ffn: { ...ffn, moe }, parallel_blocks: null },
      { attention: { ...attention, num_key_value_heads: 2 }, ffn: { ...ffn, moe: { ...moe, num_local_experts: 8 } } },
      { attention: { ...attention, no_op: true, num_key_value_heads: null }, ffn: { ...ffn, no_op: true } },
      { attention: { ...attention, num_key_value_heads: 4 }, ffn: { ...ffn, intermediate_size: 60 } },
    ];
    const json = {
      ...LLAMA,
      model_type: 'mixtral',
      num_local_experts: 8,
      num_experts_per_tok: 2,
      block_configs: blocks,
    };
    assert.deepEqual(names(json), [
      ['kv4', '4 experts, 2 active'],
      ['kv2', '8 experts, 2 active'],
      ['no-op', 'no-op'],
      ['kv4', 'ffn-100%'],
    ]);
    const [first, second] = describeJson(json).layers;
    assert.equal(first?.ffn.parameters, 64 + 4 * 64 + 4 * 3 * 64 * 50);
    assert.equal(first.ffn.kept, first.ffn.parameters / (second?.ffn.parameters ?? NaN));
  });

  for (const [kept, total] of [
    [20, 7_526_895_616],
    [26, 7_778_578_432],
  ] as const) {
    it(`gives the published counts of the 8B child that keeps attention in ${kept} of 32 layers, in every dialect`, () => {
      const isKept = (layer: number) => layer < kept;
      const ffn = { intermediate_size: 14_336, no_op: false };
      const children = [
        {
          block_configs: layers(32, (layer) => ({
            attention: isKept(layer) ? { num_key_value_heads: 8 } : { num_key_value_heads: null, no_op: true },
            ffn,
          })),
        },
        {
          model_type: 'nemotron-nas',
          block_configs: layers(32, (layer) => ({
            attention: isKept(layer) ? { n_heads_in_group: 4 } : { n_heads_in_group: null, no_op: true },
            ffn: { ffn_mult: 5.25 },
          })),
        },
        {
          per_layer_config: Object.fromEntries(
            layers(32 - kept, (i) => [String(kept + i), { skip: ['attention'] }] as const),
          ),
        },
      ];
      for (const child of children) {
        const { totals } = describeJson({ ...LLAMA_8B, ...child });
        assert.equal(totals.parameters, total);
        assert.equal(totals.ffn, 5_637_275_648);
        if (kept === 20) assert.equal(totals.attention, 838_942_720);
        assert.equal(totals.kvBytesPerToken, kept * 4096);
      }
    });
  }

  it('says what it cannot read of a block instead of guessing', () => {
    const block = { attention: { num_key_value_heads: 4 }, ffn: { intermediate_size: 100 } };
    const map = describeJson({
      ...LLAMA,
      block_configs: [
        { attention: { mamba: { state_dim: 128 } }, ffn: { ...block.ffn, sparsify: { ratio: 0.5 } } },
        { ...block, parallel_blocks: [block] },
        { attention: {}, ffn: {} },
        { block_type: 'conv' },
      ],
    });
    assert.deepEqual(
      map.layers.map(({ attention }) => [attention.kind, attention.parameters]),
      [
        ['mamba', null],
        ['other', null],
        ['other', null],
        ['other', null],
      ],
    );
    assert.equal(map.totals.parameters, null);
    const whole = describeJson(LLAMA);
    assert.equal(map.totals.known, (whole.totals.nonBlock ?? 0) + (whole.layers[0]?.ffn.parameters ?? 0));
    const notes = map.notes.join('\n');
    assert.match(notes, /1 of 4 layers, mamba is not counted/);
    assert.match(notes, /1 of 4 layers, attention is not counted: the config does not give all of its heads/);
    assert.match(notes, /sparse/);
  });
});

describe('the map of a config with per_layer_config', () => {
  it('changes only what an entry names', () => {
    const json = {
      ...LLAMA,
      per_layer_config: {
        '1': { intermediate_size: 50 },
        '2': { skip: ['attention'] },
        '3': { skip: ['mlp'], num_key_value_heads: 2 },
      },
    };
    assert.deepEqual(names(json), [
      ['kv4', 'ffn-100%'],
      ['kv4', 'ffn-50%'],
      ['no-op', 'ffn-100%'],
      ['kv2', 'no-op'],
    ]);
  });

  it('changes the experts of a layer', () => {
    const mixture = { ...LLAMA, model_type: 'mixtral', num_local_experts: 8, num_experts_per_tok: 2 };
    const change = { '0': { num_local_experts: 4 }, '1': { intermediate_size: 50 }, '2': { num_local_experts: 1 } };
    const [first, second, third, last] = describeJson({ ...mixture, per_layer_config: change }).layers;
    assert.deepEqual([first?.ffn.name, third?.ffn.name], ['4 experts, 2 active', '1 expert, 1 active']);
    assert.equal(second?.ffn.parameters, 64 + 8 * 64 + 8 * 3 * 64 * 50);
    assert.equal(last?.ffn.kept, 1);
  });

  it('refuses entries that are of no layer, or skip what is no half', () => {
    const cases: [object, RegExp][] = [
      [{ '4': {} }, /per_layer_config has "4"; layers are 0 to 3/],
      [{ '01': {} }, /per_layer_config has "01"/],
      [{ '1': { skip: ['mlp', 'norm'] } }, /per_layer_config\.1\.skip is \["mlp","norm"\]; not "norm"; supported/],
      [{ '1': { skip: 'mlp' } }, /per_layer_config\.1\.skip is "mlp"; a list is expected/],
      [{ '1': { num_key_value_heads: 3 } }, /per_layer_config\.1\.num_key_value_heads is 3; it must divide/],
      [{ '1': [] }, /per_layer_config\.1 must be an object/],
    ];
    for (const [per_layer_config, says] of cases) {
      assert.throws(() => describeJson({ ...LLAMA, per_layer_config }), saying(/^config\.json: /, says));
    }
  });
});

describe('the map of a hybrid config', () => {
  it('reads a pattern of letters, where a layer has one half', () => {
    const json = { ...LLAMA, model_type: 'nemotron_h', hybrid_override_pattern: 'M-*-' };
    const map = describeJson(json);
    assert.deepEqual(
      map.layers.map(({ attention, ffn }) => [attention.name, ffn.name]),
      [
        ['mamba', 'no-op'],
        ['no-op', 'ffn-100%'],
        ['kv4', 'no-op'],
        ['no-op', 'ffn-100%'],
      ],
    );
    assert.equal(map.layers[1]?.ffn.parameters, 64 + 2 * 64 * 100, 'up and down, no gate');
    assert.equal(map.totals.parameters, null);
    assert.match(map.notes.join(), /1 of 4 layers, mamba is not counted/);
    assert.deepEqual(
      names({ ...json, hybrid_override_pattern: null, layers_block_type: ['mamba', 'mlp', 'attention', 'mlp'] }),
      [...names(json)],
    );
  });

  it('reads lists and periods of kinds, of families that it does not know', () => {
    const hybrid = { ...LLAMA, model_type: 'foo_hybrid' };
    const kinds = (json: object) => describeJson({ ...hybrid, ...json }).layers.map(({ attention }) => attention.name);
    const types = ['linear_attention', 'full_attention', 'mamba', 'conv'];
    assert.deepEqual(kinds({ layer_types: types }), ['linear_attention', 'kv4', 'mamba', 'conv']);
    assert.deepEqual(kinds({ attn_layer_period: 4, attn_layer_offset: 2 }), ['mamba', 'mamba', 'kv4', 'mamba']);
    const map = describeJson({ ...hybrid, layer_types: types });
    assert.equal(map.layers[0]?.attention.kind, 'other');
    assert.deepEqual([map.totals.parameters, map.totals.known, map.totals.kvBytesPerToken], [null, 0, null]);
    assert.match(map.notes.join(), /family foo_hybrid are not known here/);
  });

  it('shows what an unknown family says of experts and older names of sizes', () => {
    const map = describeJson({
      ...{ architectures: ['FooLMHeadModel'], n_layer: 2, n_embd: 64, n_head: 4, n_inner: 256 },
      ...{ n_routed_experts: 16, num_experts_per_tok: 4, moe_intermediate_size: 32, first_k_dense_replace: 1 },
    });
    assert.equal(map.family, 'FooLMHeadModel');
    assert.equal(map.hiddenSize, 64);
    assert.deepEqual(
      map.layers.map(({ attention, ffn }) => [attention.name, ffn.name, ffn.detail]),
      [
        ['4 heads', 'ffn-100%', '256 channels'],
        ['4 heads', '16 experts, 4 active', '16 × 32 channels'],
      ],
    );
  });

  it('reads a list of KV heads', () => {
    const json = { ...LLAMA, model_type: 'deci', num_key_value_heads_per_layer: [8, 4, 4, 1] };
    assert.deepEqual(
      names(json).map(([attention]) => attention),
      ['kv8', 'kv4', 'kv4', 'kv1'],
    );
    assert.throws(
      () => describeJson({ ...json, num_key_value_heads_per_layer: [8, 3, 4, 1] }),
      saying(/num_key_value_heads_per_layer\[1\] is 3; a whole number that divides num_attention_heads, 8/),
    );
    const map = describeJson({ ...json, num_attention_heads: null, num_key_value_heads_per_layer: [8, 3, 4, 1] });
    assert.equal(map.layers[1]?.attention.name, 'kv3');
  });

  it('shows the language model of a file that describes several', () => {
    const { model_type, ...text_config } = LLAMA;
    const map = describeJson({
      ...{ model_type: 'foo_vl', vision_config: { num_hidden_layers: 27 } },
      text_config: { model_type, ...text_config },
    });
    assert.deepEqual([map.family, map.layers.length], ['llama', 4]);
    assert.deepEqual([map.totals.parameters, map.totals.known], [null, describeJson(LLAMA).totals.parameters]);
    assert.match(map.notes[0] ?? '', /Only the language model is shown/);
  });
});
