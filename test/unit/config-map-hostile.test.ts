import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import { describeConfig } from '../../src/model/config-map.js';
import { architectureMapSchema } from '../../src/protocol/architecture.js';
import { saying } from '../support/errors.js';

const LLAMA = {
  ...{ model_type: 'llama', hidden_size: 64, num_attention_heads: 8, num_hidden_layers: 2, vocab_size: 32 },
  ...{ num_key_value_heads: 4, intermediate_size: 100 },
};
const block = (attention: object, ffn: object) => ({ attention, ffn });
const GOOD = block({ num_key_value_heads: 4 }, { intermediate_size: 10 });
const withBlocks = (...block_configs: unknown[]) => ({ block_configs });

describe('a config that no map can be made of names the field', () => {
  const cases: { fields: object; says: RegExp }[] = [
    { fields: { num_hidden_layers: undefined }, says: /has no num_hidden_layers/ },
    { fields: { num_hidden_layers: null }, says: /has no num_hidden_layers/ },
    { fields: { num_hidden_layers: 1e9 }, says: /num_hidden_layers is 1000000000; a whole number from 1 to 4096/ },
    { fields: { num_hidden_layers: '2' }, says: /num_hidden_layers is "2"/ },
    { fields: { hidden_size: -1 }, says: /hidden_size is -1/ },
    {
      fields: { hidden_size: 60, num_attention_heads: 8 },
      says: /num_attention_heads is 8; it must divide hidden_size/,
    },
    { fields: { hidden_size: 2 ** 30 }, says: /hidden_size is 1073741824/ },
    { fields: { num_key_value_heads: 3 }, says: /num_key_value_heads is 3; it must divide num_attention_heads, 8/ },
    { fields: { num_key_value_heads: 1.5 }, says: /num_key_value_heads is 1\.5/ },
    { fields: { model_type: 'qwen2', num_key_value_heads: undefined }, says: /num_key_value_heads is absent; it must/ },
    { fields: { head_dim: 1e300 }, says: /head_dim is 1e\+300/ },
    { fields: { intermediate_size: [1, 2] }, says: /intermediate_size is \[1,2\]/ },
    { fields: { vocab_size: 2 ** 40 }, says: /vocab_size is 1099511627776/ },
    { fields: { num_local_experts: 1e7 }, says: /num_local_experts is 10000000; a whole number from 0 to 65536/ },
    { fields: { tie_word_embeddings: 'yes' }, says: /tie_word_embeddings is "yes"; true or false/ },
    { fields: { attention_bias: 1 }, says: /attention_bias is 1; true or false/ },
    { fields: { sliding_window: -5 }, says: /sliding_window is -5/ },
    { fields: { layer_types: ['full_attention'] }, says: /layer_types has 1 entries, but there are 2 layers/ },
    { fields: { model_type: 'nemotron_h', hybrid_override_pattern: 'M?' }, says: /hybrid_override_pattern is "M\?"/ },
    { fields: { block_configs: {} }, says: /block_configs is \{\}; a list is expected/ },
    { fields: withBlocks(GOOD), says: /block_configs has 1 entries, but there are 2 layers/ },
    { fields: withBlocks(GOOD, 7), says: /block_configs\[1\] must be an object, not 7/ },
    {
      fields: withBlocks(GOOD, block({ n_heads_in_group: 3 }, {})),
      says: /block_configs\[1\]\.attention\.n_heads_in_group is 3; it must divide num_attention_heads, 8/,
    },
    {
      fields: withBlocks(GOOD, block({ n_heads_in_group: 2, num_key_value_heads: 2 }, {})),
      says: /block_configs\[1\]\.attention\.num_key_value_heads is 2; n_heads_in_group gives 4/,
    },
    {
      fields: withBlocks(GOOD, block({ no_op: true, replace_with_linear: true }, {})),
      says: /block_configs\[1\]\.attention\.replace_with_linear is true; no_op is true as well/,
    },
    {
      fields: withBlocks(GOOD, block({ no_op: true }, { ffn_mult: 1e9 })),
      says: /block_configs\[1\]\.ffn\.ffn_mult is 1000000000; a number above 0 and at most 1024/,
    },
    {
      fields: withBlocks(GOOD, block({ no_op: true }, { ffn_mult: 5.25, intermediate_size: 10 })),
      says: /block_configs\[1\]\.ffn\.intermediate_size is 10; ffn_mult gives a width of 256/,
    },
    {
      fields: withBlocks(GOOD, block({ no_op: true }, { moe: { num_local_experts: -1 } })),
      says: /block_configs\[1\]\.ffn\.moe\.num_local_experts is -1/,
    },
  ];
  for (const { fields, says } of cases) {
    it(JSON.stringify(fields), () => {
      assert.throws(() => describeConfig({ ...LLAMA, ...fields }, 'config.json'), saying(/^config\.json: /, says));
    });
  }

  it('or says that there is no object at all', () => {
    for (const json of [null, undefined, [], 7, 'x']) {
      assert.throws(() => describeConfig(json, 'config.json'), saying(/must be an object/));
    }
  });
});

describe('whatever the config', () => {
  it('absent sizes make unknown parts and a note, never a wrong count', () => {
    for (const field of ['hidden_size', 'num_attention_heads', 'vocab_size', 'intermediate_size']) {
      const map = architectureMapSchema.parse(describeConfig({ ...LLAMA, [field]: undefined }, 'config.json'));
      assert.equal(map.totals.parameters, null, field);
      assert.ok(map.notes.length > 0, field);
    }
  });

  it('names in it are shown as they may be, and types of other programs do not disturb', () => {
    const hostile = '\u001b[2J\u202e"x"';
    const map = describeConfig(
      { ...LLAMA, model_type: hostile, layer_types: [hostile, 'constructor'], num_experts: [4, 8] },
      'config.json',
    );
    const shown = JSON.stringify([map.family, map.notes, map.layers]);
    assert.doesNotMatch(shown, /[^\x20-\x7e×]/);
    for (const model_type of ['__proto__', 'constructor', 'toString']) {
      assert.equal(describeConfig({ ...LLAMA, model_type }, 'config.json').totals.parameters, null);
    }
  });

  it('the result is a map that says why it is not complete, or the error is an InputError', () => {
    const key = fc.constantFrom(
      ...Object.keys(LLAMA),
      ...['head_dim', 'num_local_experts', 'num_experts_per_tok', 'moe_intermediate_size', 'sliding_window'],
      ...[
        'layer_types',
        'block_configs',
        'per_layer_config',
        'hybrid_override_pattern',
        'text_config',
        'mlp_only_layers',
      ],
      ...['quantization_config', 'torch_dtype', 'attention_bias', 'num_key_value_heads_per_layer', 'attn_layer_period'],
    );
    const number = fc.oneof(fc.integer({ min: -1, max: 300 }), fc.double());
    const value = fc.oneof({ arbitrary: number, weight: 3 }, fc.jsonValue());
    const family = fc.constantFrom('llama', 'nemotron-nas', 'mixtral', 'gpt_oss', 'nemotron_h', 'something');
    let maps = 0;
    fc.assert(
      fc.property(fc.dictionary(key, value, { maxKeys: 3 }), family, (fields, model_type) => {
        try {
          const map = architectureMapSchema.parse(describeConfig({ ...LLAMA, model_type, ...fields }, 'config.json'));
          assert.ok(map.totals.parameters !== null || map.notes.length > 0);
          maps++;
        } catch (error) {
          assert.ok(error instanceof InputError, String(error));
        }
      }),
      { numRuns: 3000 },
    );
    assert.ok(maps > 300, `only ${maps} of the configs made a map`);
  });
});
