import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { configLines } from '../../src/formats/config-lines.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

/** What the text says of each layer, in the order in which it is selected. */
function said(text: string): string[][] {
  return configLines(text).ranges.map((ranges) => ranges.map(([start, end]) => text.slice(start, end)));
}

/** The layer at the first place of `part`, and at its last character. */
function layersAt(text: string, part: string): (number | null)[] {
  const { layerAt } = configLines(text);
  const start = text.indexOf(part);
  assert.ok(start >= 0, part);
  return [layerAt(start), layerAt(start + part.length - 1)];
}

const BLOCKS = `{
  "hidden_size": 64,
  // comments and trailing commas are no reason to find nothing
  "block_configs": [
    { "attention": { "no_op": true } },
    {
      "ffn": { "ffn_mult": 1.5 }
    },
  ],
  "num_key_value_heads": null,
  "num_hidden_layers": 2
}`;

describe('the lines of layers', () => {
  it('are their entries in block_configs', () => {
    assert.deepEqual(said(BLOCKS), [
      ['{ "attention": { "no_op": true } }'],
      ['{\n      "ffn": { "ffn_mult": 1.5 }\n    }'],
    ]);
    assert.deepEqual(layersAt(BLOCKS, '    { "attention": { "no_op": true } },'), [0, 0]);
    assert.deepEqual(layersAt(BLOCKS, '    {\n      "ffn"'), [1, 1]);
    assert.deepEqual(layersAt(BLOCKS, '    },\n  ],'), [1, null]);
    assert.deepEqual(layersAt(BLOCKS, '"hidden_size": 64'), [null, null]);
    assert.deepEqual(layersAt(BLOCKS, '"num_hidden_layers": 2'), [null, null]);
  });

  it('are found in a text without line breaks, each where it is', () => {
    const text = JSON.stringify({ num_hidden_layers: 3, block_configs: [{ a: 1 }, { b: 2 }, { c: 3 }] });
    assert.deepEqual(said(text), [['{"a":1}'], ['{"b":2}'], ['{"c":3}']]);
    for (const [layer, part] of ['{"a":1}', '{"b":2}', '{"c":3}'].entries()) {
      assert.deepEqual(layersAt(text, part), [layer, layer]);
    }
  });

  it('are their entries in per_layer_config, and elsewhere the fields of all layers', () => {
    const text = `{
      "num_hidden_layers": 3,
      "per_layer_config": { "2": { "skip": ["mlp"] }, "9": {}, "x": {} },
      "num_key_value_heads": 4, "intermediate_size": 100, "vocab_size": 32, "head_dim": null
    }`;
    const all = ['"num_hidden_layers": 3', '"num_key_value_heads": 4', '"intermediate_size": 100'];
    assert.deepEqual(said(text), [all, all, ['"2": { "skip": ["mlp"] }']]);
    assert.deepEqual(layersAt(text, '"2": { "skip"'), [2, 2]);
    assert.deepEqual(layersAt(text, '"9": {}'), [null, null]);
    assert.deepEqual(layersAt(text, '"intermediate_size": 100'), [null, null]);
  });

  it('begin with what a list or a pattern says of the layer alone', () => {
    const types = '{"layer_types": ["sliding_attention", "full_attention"], "num_hidden_layers": 2}';
    assert.deepEqual(said(types)[1], ['"full_attention"', '"num_hidden_layers": 2']);
    assert.deepEqual(layersAt(types, '"full_attention"'), [1, 1]);
    const pattern = '{"num_hidden_layers": 3, "hybrid_override_pattern": "M*-"}';
    assert.deepEqual(said(pattern)[2], ['-', '"num_hidden_layers": 3']);
    assert.deepEqual(layersAt(pattern, '*'), [1, 1]);
  });

  it('are those of the language model where the file describes several', () => {
    const text = '{"vision_config": {"num_hidden_layers": 9}, "text_config": {"num_hidden_layers": 1}}';
    assert.deepEqual(said(text), [['"num_hidden_layers": 1']]);
  });

  it('are as far as they can be found in a text that is being written', () => {
    const half = BLOCKS.slice(0, BLOCKS.indexOf('"ffn_mult"'));
    assert.equal(said(half).length, 2);
    assert.deepEqual(layersAt(half, '"no_op"'), [0, 0]);
    assert.deepEqual(said(''), []);
    assert.deepEqual(said('[1, 2]'), []);
    assert.deepEqual(said('{"num_hidden_layers": -3}'), []);
  });

  it('are none in a text that is too deep, and no more than a model may have', () => {
    assert.deepEqual(said('['.repeat(100_000)), []);
    assert.deepEqual(said(`{"num_hidden_layers": 1, "x": ${'{"x":'.repeat(10_000)}`), []);
    assert.equal(said('{"num_hidden_layers": 1000000000}').length, 4096);
  });

  it('are within the text, whatever it is', () => {
    const json = fc.dictionary(
      fc.constantFrom('num_hidden_layers', 'block_configs', 'per_layer_config', 'layer_types', 'text_config', 'x'),
      fc.oneof(fc.integer({ min: -2, max: 5 }), fc.jsonValue()),
    );
    fc.assert(
      fc.property(json, fc.nat(), fc.boolean(), (value, cut, isCut) => {
        const whole = JSON.stringify(value, null, 1);
        const text = isCut ? whole.slice(0, cut % (whole.length + 1)) : whole;
        const { ranges, layerAt } = configLines(text);
        for (const [start, end] of ranges.flat()) assert.ok(0 <= start && start < end && end <= text.length);
        for (let offset = 0; offset <= text.length; offset += 7) {
          const layer = layerAt(offset);
          assert.ok(layer === null || layer < ranges.length);
        }
      }),
      { numRuns: 500 },
    );
  });

  it('of a published child hold each layer once, and lead back to it', { skip: skipWithoutShared() }, async () => {
    const path = join(sharedDir() ?? '', 'configs', 'Llama-3_3-Nemotron-Super-49B-v1', 'config.json');
    const text = await readFile(path, 'utf8');
    const blocks = (JSON.parse(text) as { block_configs: unknown[] }).block_configs;
    const { ranges, layerAt } = configLines(text);
    assert.equal(ranges.length, 80);
    for (const [layer, [range, ...more]] of ranges.entries()) {
      assert.equal(more.length, 0);
      const [start, end] = range ?? [0, 0];
      assert.deepEqual(JSON.parse(text.slice(start, end)), blocks[layer]);
      assert.deepEqual([layerAt(start), layerAt(end - 1)], [layer, layer]);
    }
  });
});
