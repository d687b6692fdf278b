import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Series } from '../../src/protocol/run.js';
import { type CurveChoice, curveGroups, layersOf, resolveView, variantsOf } from '../../webview/curves/groups.js';
import { alignCurves, sampleSteps, valueAt } from '../../webview/curves/points.js';
import { smooth } from '../../webview/curves/smooth.js';
import { curvesSummary } from '../../webview/curves/summary.js';
import { curvesTsv } from '../../webview/curves/tsv.js';

type Half = 'attention' | 'ffn';

function bld(layer: number, half: Half, name: string, values: (number | null)[] = [1, 0.5]): Series {
  const steps = values.map((_, index) => index + 1);
  return { id: `distil/${layer}/${half}/${name}`, stage: 'distil', layer, half, name, steps, values };
}

const gkd: Series = {
  ...{ id: 'uptrain/validation KL', stage: 'uptrain', layer: null, half: null, name: 'validation KL' },
  ...{ steps: [100, 200], values: [0.03, 0.01] },
};

/** As they come: the order is that in which tasks began. */
const ALL: Series[] = [
  ...[bld(1, 'ffn', 'linear'), bld(1, 'ffn', 'ffn-10.4%'), bld(0, 'attention', 'kv1'), bld(0, 'attention', 'linear')],
  ...[bld(1, 'attention', 'kv2'), bld(0, 'attention', 'kv2'), bld(0, 'ffn', 'ffn-75%'), bld(0, 'ffn', 'ffn-10.4%')],
];

const choice = (changed: Partial<CurveChoice>): CurveChoice => ({
  ...{ view: 'layer', layer: 0, variant: null, half: 'both' },
  ...changed,
});
const names = (all: readonly Series[], changed: Partial<CurveChoice>): (string | null)[][] =>
  curveGroups(all, choice(changed)).map(({ title, curves }) => [title, ...curves.map(({ name }) => name)]);

describe('which curves are shown', () => {
  it('of a layer: by half, larger variants first', () => {
    assert.deepEqual(names(ALL, {}), [
      ['attention', 'kv2', 'kv1', 'linear'],
      ['FFN', 'ffn-75%', 'ffn-10.4%'],
    ]);
    assert.deepEqual(names(ALL, { half: 'ffn' }), [['FFN', 'ffn-75%', 'ffn-10.4%']]);
    assert.deepEqual(names(ALL, { layer: 7 }), []);
  });

  it('of a variant: every layer that has it, first to last', () => {
    assert.deepEqual(names(ALL, { view: 'variant', variant: 'ffn/ffn-10.4%' }), [[null, 'layer 0', 'layer 1']]);
    assert.deepEqual(names(ALL, { view: 'variant' }), [[null, 'layer 0', 'layer 1']], 'the first: attention/kv2');
  });

  it('of the whole model, as soon as there are any', () => {
    assert.equal(resolveView('auto', ALL), 'layer');
    assert.equal(resolveView('auto', [...ALL, gkd]), 'model');
    assert.equal(resolveView('variant', [...ALL, gkd]), 'variant');
    assert.deepEqual(names([...ALL, gkd], { view: 'model' }), [[null, 'validation KL']]);
  });

  it('can be chosen among the layers and variants that have curves', () => {
    assert.deepEqual(layersOf([...ALL, gkd]), [0, 1]);
    assert.deepEqual(variantsOf([...ALL, gkd]), [
      ...['attention/kv2', 'attention/kv1', 'attention/linear'],
      ...['ffn/ffn-75%', 'ffn/ffn-10.4%', 'ffn/linear'],
    ]);
  });

  it('look the same in every layer, and never like another of the same layer', () => {
    const looks = (layer: number): Map<string, string> =>
      new Map(
        curveGroups(ALL, choice({ layer }))
          .flatMap(({ curves }) => curves)
          .map(({ key, style }) => [key, JSON.stringify(style)]),
      );
    const [first, second] = [looks(0), looks(1)];
    assert.equal(new Set(first.values()).size, first.size);
    assert.equal(first.get('ffn/ffn-10.4%'), second.get('ffn/ffn-10.4%'));
  });
});

describe('the points of curves', () => {
  const [curve] = curveGroups([bld(0, 'ffn', 'linear', [4, null, 2, 0])], choice({})).flatMap(({ curves }) => curves);
  assert.ok(curve !== undefined);

  it('stand over one axis; on a logarithmic one only where they are positive', () => {
    const other = { ...curve, series: gkd };
    const { steps, values } = alignCurves([curve, other], { scale: 'log', smoothing: 0 });
    assert.deepEqual(steps, [1, 2, 3, 4, 100, 200]);
    assert.deepEqual(values[0], [4, null, 2, null, undefined, undefined]);
    assert.deepEqual(values[1], [undefined, undefined, undefined, undefined, 0.03, 0.01]);
    assert.deepEqual(alignCurves([curve], { scale: 'linear', smoothing: 0 }).values, [[4, null, 2, 0]]);
  });

  it('can be asked for at any step', () => {
    const later = { ...curve, series: gkd };
    assert.deepEqual(
      [50, 100, 150, 1000].map((step) => valueAt(later, step)),
      [undefined, 0.03, 0.03, 0.01],
    );
    assert.equal(valueAt(curve, 2), null);
  });

  it('are sampled evenly, with both ends', () => {
    const steps = Array.from({ length: 64 }, (_, index) => index + 1);
    assert.deepEqual(sampleSteps(steps, 8), [1, 10, 19, 28, 37, 46, 55, 64]);
    assert.deepEqual(sampleSteps([5, 9], 8), [5, 9]);
  });

  it('are smoothed without the pull of the first, and gaps stay gaps', () => {
    const values = [8, null, 4, 4];
    assert.deepEqual(smooth(values, 0), values);
    const smoothed = smooth(values, 0.5);
    assert.equal(smoothed[0], 8, 'a mean of one value is that value');
    assert.equal(smoothed[1], null);
    assert.ok(Math.abs((smoothed[2] ?? 0) - 16 / 3) < 1e-12, '(0.5 · 8 + 4) / 1.5');
    assert.deepEqual(
      smooth([3, 3, 3], 0.9).map((value) => value?.toFixed(9)),
      Array(3).fill('3.000000000'),
    );
  });

  it('are told in words, a few of them one by one', () => {
    assert.equal(curvesSummary([]), 'No points yet.');
    assert.equal(
      curvesSummary(curveGroups([gkd], choice({ view: 'model' }))),
      'validation KL: 0.0300 to 0.0100 in 200 steps.',
    );
    const many = [
      bld(0, 'ffn', 'linear', [1, 0.9]),
      bld(0, 'ffn', 'ffn-75%', [1, null]),
      bld(0, 'attention', 'kv1'),
      bld(0, 'attention', 'kv2', [1, 0.1]),
    ];
    assert.equal(
      curvesSummary(curveGroups(many, choice({}))),
      '4 curves, up to 2 steps. Lowest at the end: attention kv2, 0.100. Highest: FFN ffn-75%, 1.00.',
    );
  });

  it('are copied as measured, a column for each curve', () => {
    const groups = curveGroups([bld(0, 'ffn', 'linear', [4, null]), bld(0, 'attention', 'kv1', [1, 0])], choice({}));
    assert.equal(curvesTsv(groups), 'step\tattention kv1\tFFN linear\n1\t1\t4\n2\t0\t\n');
  });
});
