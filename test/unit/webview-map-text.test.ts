import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { describeConfig } from '../../src/model/config-map.js';
import type { ArchitectureMap, HalfMap } from '../../src/protocol/architecture.js';
import type { VariantView } from '../../src/protocol/solution.js';
import { halfFacts, layerLabel, variantLabel } from '../../webview/map/facts.js';
import { kindsIn } from '../../webview/map/kinds.js';
import { largestOf, measureOf, shortCount } from '../../webview/map/measure.js';
import { banToggled, pinToggled, ruleOf } from '../../webview/map/rules.js';
import { mapSummary } from '../../webview/map/summary.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

function half(name: string, kind: HalfMap['kind'], kept: number): HalfMap {
  return { name, kind, kept, parameters: 1000 * kept, detail: '2 KV heads of 32' };
}

function map(halves: [attention: HalfMap, ffn: HalfMap][], score: number | null = null): ArchitectureMap {
  const total = (which: 0 | 1) => halves.reduce((sum, layer) => sum + (layer[which].parameters ?? 0), 0);
  return {
    family: 'llama',
    layers: halves.map(([attention, ffn]) => ({ attention, ffn, kvBytesPerToken: 0, score })),
    ...{ hiddenSize: 8, heads: 2, notes: [] },
    totals: { parameters: null, known: 0, nonBlock: 0, attention: total(0), ffn: total(1), kvBytesPerToken: 0 },
  };
}

const full: [HalfMap, HalfMap] = [half('kv2', 'full', 1), half('ffn-100%', 'full', 1)];
const without: [HalfMap, HalfMap] = [half('no-op', 'no-op', 0), half('ffn-50%', 'reduced', 0.5)];

describe('the map in a sentence', () => {
  it('counts what is not full, and tells what is kept of the parent', () => {
    const child = map([full, without, without, full]);
    const text = '4 layers: 2 without attention; attention kept 50.0%, FFN kept 75.0%';
    assert.equal(mapSummary(child, map([full, full, full, full])), text);
  });

  it('counts what is reduced where there is no parent to compare with', () => {
    assert.equal(mapSummary(map([full, without]), null), '2 layers: 1 without attention, 1 with reduced FFN');
  });

  it('says so when nothing is', () => {
    assert.equal(mapSummary(map([full]), null), '1 layer: all alike');
  });

  it('of a published heterogeneous model', { skip: skipWithoutShared() }, async () => {
    const file = join(sharedDir() ?? '', 'configs', 'Llama-3_3-Nemotron-Super-49B-v1', 'config.json');
    const nemotron = describeConfig(JSON.parse(await readFile(file, 'utf8')), file);
    assert.match(mapSummary(nemotron, null), /^80 layers: 31 without attention/);
    assert.deepEqual(kindsIn(nemotron), ['full', 'reduced', 'no-op']);
    assert.equal(measureOf(nemotron).name, 'size');
  });
});

const variant: VariantView = {
  ...half('kv1', 'reduced', 0.58),
  ...{ lossBefore: 1.32, loss: 0.202, score: 0.158, failed: false, excluded: null },
  ...{ memory: 2 ** 21, prefillSeconds: 0.0089, decodeSeconds: 0.029 },
};

describe('what is told of a half', () => {
  it('is everything that is known, in order', () => {
    assert.deepEqual(
      halfFacts(variant, { variant, ofParent: true }).map(({ name, value }) => `${name} ${value}`),
      [
        ...['shape 2 KV heads of 32', 'parameters 580', 'kept 58.0%', 'score 0.158', 'BLD loss 1.32 → 0.202'],
        ...['memory 2.00 MiB', 'prefill 8.90 ms', 'decode 29.0 ms'],
      ],
    );
    assert.deepEqual(
      halfFacts(full[0], { variant: null, ofParent: false }).map(({ name }) => name),
      ['shape', 'parameters'],
    );
  });

  it('is read out with the marks of the variant', () => {
    const marks = { chosen: true, pinned: false, banned: true };
    assert.match(variantLabel('attention', variant, marks), /^attention kv1, chosen, banned, score 0\.158, BLD loss/);
    assert.match(variantLabel('ffn', { ...variant, failed: true, loss: null }, marks), /training failed, score/);
    assert.match(
      variantLabel('ffn', { ...variant, excluded: 'no engine has it' }, marks),
      /left out no engine has it, score/,
    );
  });

  it('is its names and its score for a layer', () => {
    const [layer] = map([without], 0.0158).layers;
    assert.equal(layer && layerLabel(4, layer), 'Layer 4: attention no-op, FFN ffn-50%, score 0.0158');
  });
});

describe('the last column', () => {
  it('is the score where there is one, else the size', () => {
    const scored = map([full, without], 0.5);
    assert.equal(measureOf(scored).name, 'score');
    assert.equal(largestOf(scored, measureOf(scored)), 0.5);
    const plain = map([full, without]);
    assert.equal(largestOf(plain, measureOf(plain)), 2000);
  });

  it('writes counts short', () => {
    assert.deepEqual([9_999, 55_488, 855_654_400, 49_867_145_216].map(shortCount), ['9,999', '55.5K', '856M', '49.9B']);
  });
});

describe('pins and bans', () => {
  const rules = [{ layer: 5, half: 'ffn' as const, ban: ['no-op', 'linear'] }];
  const rule = ruleOf(rules, 5, 'ffn');

  it('are set and taken back', () => {
    assert.deepEqual(pinToggled(ruleOf(rules, 3, 'attention'), 'kv2'), { layer: 3, half: 'attention', pin: 'kv2' });
    assert.deepEqual(pinToggled({ layer: 3, half: 'attention', pin: 'kv2' }, 'kv2'), { layer: 3, half: 'attention' });
    assert.deepEqual(banToggled(rule, 'no-op'), { layer: 5, half: 'ffn', ban: ['linear'] });
    assert.deepEqual(banToggled({ layer: 5, half: 'ffn', ban: ['linear'] }, 'linear'), { layer: 5, half: 'ffn' });
    assert.deepEqual(banToggled(ruleOf(rules, 0, 'ffn'), 'no-op'), { layer: 0, half: 'ffn', ban: ['no-op'] });
  });

  it('replace each other', () => {
    assert.deepEqual(pinToggled(rule, 'ffn-50%'), { layer: 5, half: 'ffn', pin: 'ffn-50%' });
    assert.deepEqual(banToggled({ layer: 5, half: 'ffn', pin: 'ffn-50%' }, 'no-op'), {
      ...{ layer: 5, half: 'ffn' },
      ban: ['no-op'],
    });
  });
});
