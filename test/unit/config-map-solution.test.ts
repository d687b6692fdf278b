import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LayerShape } from '../../src/formats/hf-config.js';
import { modelCosts } from '../../src/model/accounting.js';
import { describeModel } from '../../src/model/config-map.js';
import { architectureNames } from '../../src/model/variants.js';
import { architectureMapSchema } from '../../src/protocol/architecture.js';
import { tinyConfig } from '../support/tiny-model.js';

const own: LayerShape = { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 40 } };
const parent = tinyConfig({ layers: [own, own, own, { ...own, ffn: { kind: 'gated', width: 20 } }] });
const child: LayerShape[] = [
  own,
  { attention: { kind: 'gqa', kvHeads: 1 }, ffn: { kind: 'gated', width: 10 } },
  { attention: { kind: 'linear' }, ffn: { kind: 'no-op' } },
  { attention: { kind: 'no-op' }, ffn: { kind: 'gated', width: 20 } },
];

describe('the map of a solution', () => {
  const map = architectureMapSchema.parse(describeModel(parent, child, [0, 0.5, null]));

  it('has the names of the search, and kinds relative to the parent in the same layer', () => {
    assert.deepEqual(
      map.layers.map(({ attention, ffn }) => ({ attention: attention.name, ffn: ffn.name })),
      architectureNames(child, parent.layers),
    );
    assert.deepEqual(
      map.layers.map(({ attention, ffn }) => [attention.kind, ffn.kind]),
      [
        ['full', 'full'],
        ['reduced', 'reduced'],
        ['linear', 'no-op'],
        ['no-op', 'full'],
      ],
    );
    assert.deepEqual(
      map.layers.map(({ score }) => score),
      [0, 0.5, null, null],
    );
  });

  it('counts as the tensors do', () => {
    const costs = modelCosts({ ...parent, layers: child }, { weights: 'BF16', context: 1 });
    assert.equal(map.totals.parameters, costs.parameters);
    assert.equal(map.totals.kvBytesPerToken, costs.kvBytesPerToken);
    assert.deepEqual(map.notes, []);
  });

  it('tells what is kept of the parent', () => {
    const [, reduced, replaced] = map.layers;
    assert.equal(reduced?.ffn.kept, (24 + 3 * 24 * 10) / (24 + 3 * 24 * 40));
    assert.equal(reduced.ffn.detail, '10 channels');
    assert.equal(reduced.attention.detail, '1 KV head of 8');
    assert.equal(replaced?.attention.kept, (24 + 24 * 24) / (24 + 2 * 24 * 32 + 2 * 24 * 16));
    assert.deepEqual([replaced.ffn.kept, map.layers[0]?.ffn.kept, map.layers[3]?.ffn.kept], [0, 1, 1]);
  });

  it('keeps no more than all of a half that is smaller than the matrix in its place', () => {
    const narrow: LayerShape = { ...own, ffn: { kind: 'gated', width: 1 } };
    const [layer] = describeModel(tinyConfig({ layers: [narrow] }), [{ ...own, ffn: { kind: 'linear' } }]).layers;
    assert.equal(layer?.ffn.kept, 1);
    const gone: LayerShape = { attention: { kind: 'no-op' }, ffn: { kind: 'no-op' } };
    const [absent] = describeModel(tinyConfig({ layers: [gone] }), [gone]).layers;
    assert.deepEqual([absent?.ffn.kind, absent?.ffn.kept], ['no-op', 0]);
  });

  it('gives the published counts of the 8B child that keeps attention in 20 of 32 layers', () => {
    const full: LayerShape = { attention: { kind: 'gqa', kvHeads: 8 }, ffn: { kind: 'gated', width: 14_336 } };
    const large = tinyConfig({
      ...{ hiddenSize: 4096, heads: 32, headDim: 128, vocabSize: 128_256 },
      layers: Array.from({ length: 32 }, () => full),
    });
    const shapes = large.layers.map((layer, i): LayerShape =>
      i < 20 ? layer : { ...layer, attention: { kind: 'no-op' } },
    );
    const { totals } = describeModel(large, shapes);
    assert.deepEqual([totals.parameters, totals.ffn, totals.attention], [7_526_895_616, 5_637_275_648, 838_942_720]);
  });
});
