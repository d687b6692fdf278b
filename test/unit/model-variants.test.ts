import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import type { FfnShape, LayerShape } from '../../src/formats/hf-config.js';
import {
  architectureNames,
  attentionName,
  enumerateVariants,
  ffnName,
  parseAttentionName,
  parseFfnName,
  roundedWidth,
  type VariantSpace,
} from '../../src/model/variants.js';
import { tinyConfig } from '../support/tiny-model.js';

const SPACE: VariantSpace = {
  attention: { kvHeads: 'divisors', linear: true, noOp: true },
  ffn: { percents: [75, 50, 25, 10], multiple: 8, linear: true, noOp: true },
};

function layer(kvHeads: number, width: number): LayerShape {
  return { attention: { kind: 'gqa', kvHeads }, ffn: { kind: 'gated', width } };
}

function namesOf(layers: LayerShape[], space: VariantSpace): { attention: string[]; ffn: string[] }[] {
  return enumerateVariants(tinyConfig({ heads: 8, layers }), space).map(({ attention, ffn }) => ({
    attention: attention.map(({ name }) => name),
    ffn: ffn.map(({ name }) => name),
  }));
}

describe('enumerateVariants', () => {
  it("lists the parent's own first, then from the largest to none at all", () => {
    assert.deepEqual(namesOf([layer(4, 160)], SPACE), [
      {
        attention: ['kv4', 'kv2', 'kv1', 'linear', 'no-op'],
        ffn: ['ffn-100%', 'ffn-75%', 'ffn-50%', 'ffn-25%', 'ffn-10%', 'linear', 'no-op'],
      },
    ]);
  });

  it('gives 54 choices a layer for the published space of the 70B parent', () => {
    const space: VariantSpace = { ...SPACE, ffn: { ...SPACE.ffn, percents: [87, 75, 50, 25, 20, 10], multiple: 256 } };
    const [variants] = enumerateVariants(tinyConfig({ heads: 64, layers: [layer(8, 28_672)] }), space);
    assert.equal(variants?.attention.length, 6);
    assert.equal(variants.ffn.length, 9);
  });

  it('takes every divisor of a KV head count that is no power of two', () => {
    const [names] = namesOf([layer(6, 160)], SPACE);
    assert.deepEqual(names?.attention, ['kv6', 'kv3', 'kv2', 'kv1', 'linear', 'no-op']);
  });

  it('keeps only the KV heads asked for', () => {
    const [names] = namesOf([layer(8, 160)], { ...SPACE, attention: { kvHeads: [2, 8], linear: false, noOp: false } });
    assert.deepEqual(names?.attention, ['kv8', 'kv2']);
  });

  it('rounds widths to the multiple and lists equal ones once', () => {
    const ffn = { percents: [52, 50, 49, 1], multiple: 16, linear: false, noOp: false };
    const [variants] = enumerateVariants(tinyConfig({ layers: [layer(2, 172)] }), { ...SPACE, ffn });
    const widths = variants?.ffn.map(({ shape }) => (shape.kind === 'gated' ? shape.width : 0));
    assert.deepEqual(widths, [172, 96, 80, 16]);
  });

  it('leaves out widths that are not below the parent', () => {
    const ffn = { percents: [100, 90, 50], multiple: 64, linear: false, noOp: false };
    const [names] = namesOf([layer(2, 64)], { ...SPACE, ffn });
    assert.deepEqual(names?.ffn, ['ffn-100%']);
  });

  it('gives a half that is already linear or absent only what can be made of it', () => {
    const layers: LayerShape[] = [
      { attention: { kind: 'linear' }, ffn: { kind: 'linear' } },
      { attention: { kind: 'no-op' }, ffn: { kind: 'no-op' } },
    ];
    assert.deepEqual(namesOf(layers, SPACE), [
      { attention: ['linear', 'no-op'], ffn: ['linear', 'no-op'] },
      { attention: ['no-op'], ffn: ['no-op'] },
    ]);
  });

  it('asks each layer of a heterogeneous parent for its own divisors', () => {
    const names = namesOf([layer(4, 160), layer(2, 80)], { ...SPACE, attention: { ...SPACE.attention, kvHeads: [2] } });
    assert.deepEqual(
      names.map(({ attention }) => attention),
      [
        ['kv4', 'kv2', 'linear', 'no-op'],
        ['kv2', 'linear', 'no-op'],
      ],
    );
  });

  it('refuses KV heads that no layer can give, naming those it can', () => {
    const space = { ...SPACE, attention: { ...SPACE.attention, kvHeads: [3] } };
    assert.throws(
      () => enumerateVariants(tinyConfig({ layers: [layer(4, 160)] }), space),
      (error) => error instanceof InputError && /3 KV heads.*possible: 4, 2, 1/.test(error.message),
    );
  });
});

describe('variant names', () => {
  const parent = (width: number): FfnShape => ({ kind: 'gated', width });

  it('tell every width of any parent apart and back', () => {
    fc.assert(
      fc.property(fc.integer({ min: 1, max: 500_000 }), fc.double({ min: 0, max: 1, noNaN: true }), (own, share) => {
        const shape: FfnShape = { kind: 'gated', width: Math.max(1, Math.round(own * share)) };
        assert.deepEqual(parseFfnName(ffnName(shape, parent(own)), parent(own)), shape);
      }),
    );
  });

  it('say the percentage in whole numbers where these are exact enough', () => {
    assert.equal(ffnName(parent(7168), parent(14_336)), 'ffn-50%');
    assert.equal(ffnName(parent(88), parent(172)), 'ffn-51%');
    assert.equal(ffnName(parent(1536), parent(14_336)), 'ffn-10.714%');
  });

  it('read back attention shapes', () => {
    for (const shape of [{ kind: 'gqa', kvHeads: 12 }, { kind: 'linear' }, { kind: 'no-op' }] as const) {
      assert.deepEqual(parseAttentionName(attentionName(shape)), shape);
    }
  });

  it('are nothing else', () => {
    for (const name of ['', 'kv', 'kv0', 'kv-1', 'kv01', 'Linear', 'ffn-50%']) {
      assert.equal(parseAttentionName(name), undefined, name);
    }
    for (const name of ['', 'ffn-', 'ffn-50', 'ffn--1%', 'ffn-0%', 'ffn-1e3%', 'kv4']) {
      assert.equal(parseFfnName(name, parent(100)), undefined, name);
    }
  });

  it('of a child alone are relative to its widest FFN, beside a parent to the same layer of that', () => {
    const child: LayerShape[] = [layer(2, 80), { attention: { kind: 'no-op' }, ffn: { kind: 'gated', width: 40 } }];
    assert.deepEqual(architectureNames(child), [
      { attention: 'kv2', ffn: 'ffn-100%' },
      { attention: 'no-op', ffn: 'ffn-50%' },
    ]);
    assert.deepEqual(
      architectureNames(child, [layer(2, 160), layer(2, 160)]).map(({ ffn }) => ffn),
      ['ffn-50%', 'ffn-25%'],
    );
  });
});

describe('roundedWidth', () => {
  it('is a positive multiple within half a multiple of what was asked', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100_000 }),
        fc.double({ min: 0.01, max: 100, noNaN: true }),
        fc.integer({ min: 1, max: 512 }),
        (width, percent, multiple) => {
          const rounded = roundedWidth(width, percent, multiple);
          const wanted = (width * percent) / 100;
          assert.equal(rounded % multiple, 0);
          assert.ok(rounded >= multiple);
          assert.ok(Math.abs(rounded - wanted) <= multiple / 2 + 1e-6 || (rounded === multiple && wanted < multiple));
        },
      ),
    );
  });
});
