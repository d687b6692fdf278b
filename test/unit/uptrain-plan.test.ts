import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { bytes, parseBytes } from '../../src/common/units.js';
import { budgets } from '../../src/search/context.js';
import { uptrainBytes } from '../../src/search/footprint.js';
import { parseSpec } from '../../src/search/spec.js';
import { describePlan, type UptrainPlan, uptrainPlan } from '../../src/search/uptrain-plan.js';
import { tinyConfig } from '../support/tiny-model.js';

const config = tinyConfig({ hiddenSize: 512, heads: 8, headDim: 64, maxPositionEmbeddings: 512 });
const spec = parseSpec('{ "parent": "p", "data": { "text": "t" }, "uptrain": { "batch": 12 } }', '');
const sizes = budgets(spec, config);
const needs = (plan: UptrainPlan) => uptrainBytes(config, { ...sizes, batch: sizes.uptrainBatch, ...plan });

describe('a size of memory', () => {
  it('is a number above 0 and a unit', () => {
    assert.deepEqual(['1.5 GiB', '800MiB', '2 GB', '0.5 KiB'].map(parseBytes), [
      1.5 * 2 ** 30,
      800 * 2 ** 20,
      2e9,
      512,
    ]);
    assert.deepEqual(['0 GiB', '1', 'GiB', '-1 GiB', '1 gib', '1e9 B'].map(parseBytes), Array(6).fill(undefined));
  });
});

describe('the plan of an uptraining', () => {
  it('takes the whole step at once where memory is not bounded', () => {
    assert.deepEqual(uptrainPlan(config, sizes, undefined), { microBatch: 12, recompute: false });
  });

  it('takes fewer sequences at a time, then computes layers twice, and stays within the bound', () => {
    const most = needs({ microBatch: 12, recompute: false });
    const least = needs({ microBatch: 1, recompute: true });
    const plans = Array.from({ length: 400 }, (_, i) => most - ((most - least) * i) / 400).map((limit) => {
      const plan = uptrainPlan(config, sizes, `${Math.ceil(limit)} B`);
      assert.ok(needs(plan) <= Math.ceil(limit), describePlan(plan));
      return describePlan(plan);
    });
    const held = [12, 6, 4, 3, 2, 1].map((microBatch) => describePlan({ microBatch, recompute: false }));
    const seen = [...new Set(plans)];
    assert.deepEqual(seen.slice(0, held.length), held);
    assert.match(seen.slice(held.length).join(), /^\d+ sequences? at a time, layers computed twice/);
  });

  it('says how much is needed where none fits', () => {
    const least = bytes(needs({ microBatch: 1, recompute: true }));
    assert.throws(() => uptrainPlan(config, sizes, '1 MiB'), {
      name: 'InputError',
      message: new RegExp(`"1 MiB" is too little; the uptraining needs about ${least}`),
    });
  });
});
