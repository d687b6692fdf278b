import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import { METRIC_NAMES, type LimitView, type MetricName, type MetricRange } from '../../src/protocol/solution.js';
import { limitText as specText, parseConstraint } from '../../src/search/constraints.js';
import { Latest } from '../../webview/constraints/latest.js';
import {
  fromBase,
  limitText,
  parseLimit,
  rangeText,
  readLimit,
  toBase,
  unitsOf,
} from '../../webview/constraints/limit-text.js';
import { SLIDER_STEPS, sliderPosition, sliderValue } from '../../webview/constraints/slider-scale.js';
import { priceText } from '../../webview/solver/price-text.js';

const MIB = 2 ** 20;
const MEMORY: MetricRange = { metric: 'memory', min: 7 * MIB, max: 135 * MIB, parent: 135 * MIB };
const THROUGHPUT: MetricRange = { metric: 'throughput', min: 6000, max: 84_000, parent: 6000 };

describe('the text of a limit', () => {
  it('is understood as the search understands it', () => {
    for (const metric of METRIC_NAMES) {
      for (const unit of unitsOf(metric)) {
        for (const text of [`<= 12.5 ${unit}`, `≥2${unit}`, `>= 1e3 ${unit.toUpperCase()}`]) {
          const limit = readLimit(metric, text);
          assert.ok(limit, `${metric} ${text}`);
          assert.equal(limitText(metric, limit), specText(parseConstraint(metric, text, 'limits')));
        }
      }
    }
  });

  it('is refused where the search refuses it', () => {
    const wrong: [MetricName, string][] = [
      ...(['', '<= 0', '<= -3', '<= 60', '<= 6 0 MiB', '<= 60 furlongs', '<= 1e999'] as const).map(
        (text): [MetricName, string] => ['memory', text],
      ),
      ['throughput', '>= 3 MiB'],
    ];
    for (const [metric, text] of wrong) {
      assert.equal(readLimit(metric, text), null, text);
      assert.throws(() => parseConstraint(metric, text, 'limits'), InputError, text);
    }
  });

  it('may be typed without what is known', () => {
    const given = { relation: '<=', unit: '%' } as const;
    assert.deepEqual(parseLimit('memory', '60', given), { relation: '<=', value: 60, unit: '%' });
    assert.deepEqual(parseLimit('memory', ' 20mib ', given), { relation: '<=', value: 20, unit: 'MiB' });
    assert.deepEqual(parseLimit('memory', '>= 2×', given), { relation: '>=', value: 2, unit: 'x' });
    assert.equal(parseLimit('memory', 'abc', given), null);
  });
});

describe('units of a limit', () => {
  it('are converted by the value of the parent', () => {
    const base = toBase('memory', { value: 60, unit: '%' }, MEMORY);
    assert.equal(base, 81 * MIB);
    assert.deepEqual(fromBase('memory', { relation: '<=', unit: 'MiB' }, base, MEMORY).value, 81);
    assert.deepEqual(fromBase('throughput', { relation: '>=', unit: 'x' }, 13_667, THROUGHPUT).value, 2.27);
  });

  it('leave allowed what was allowed, in few digits', () => {
    const units = METRIC_NAMES.flatMap((metric) => unitsOf(metric).map((unit) => ({ metric, unit })));
    const property = fc.property(
      fc.constantFrom(...units),
      fc.constantFrom('<=', '>='),
      fc.double({ min: 1e-3, max: 1e15, noNaN: true }),
      ({ metric, unit }, relation, base) => {
        const range = { metric, min: 0, max: 1e15, parent: 12_345 };
        const limit = fromBase(metric, { relation, unit }, base, range);
        const back = toBase(metric, limit, range);
        const exact = 1 + 1e-6;
        assert.ok(relation === '<=' ? back * exact >= base : back <= base * exact, `${base} became ${back}`);
        assert.ok(Math.abs(back / base - 1) < 0.011, `${base} became ${back}`);
        assert.ok(readLimit(metric, limitText(metric, limit)) !== null, limitText(metric, limit));
      },
    );
    fc.assert(property);
  });

  it('tell the range in words, with both ends within reach', () => {
    assert.equal(rangeText('memory', '%', MEMORY), '5.19% to 100%');
    assert.equal(rangeText('throughput', 'x', THROUGHPUT), '1× to 14×');
    assert.equal(rangeText('kvCache', 'MiB', { ...MEMORY, metric: 'kvCache', min: 0 }), '0 MiB to 135 MiB');
  });
});

describe('a slider', () => {
  it('reaches both ends, and comes back to where it was', () => {
    for (const range of [MEMORY, THROUGHPUT, { ...MEMORY, min: 0 }, { ...MEMORY, min: 100 * MIB }]) {
      assert.equal(sliderPosition(range, range.min), 0);
      assert.equal(sliderPosition(range, range.max), SLIDER_STEPS);
      for (let position = 0; position <= SLIDER_STEPS; position++) {
        assert.equal(sliderPosition(range, sliderValue(range, position)), position);
      }
    }
  });

  it('stops at the ends for what is beyond them', () => {
    assert.equal(sliderPosition(MEMORY, MIB), 0);
    assert.equal(sliderPosition(THROUGHPUT, 1e9), SLIDER_STEPS);
    assert.equal(sliderPosition({ ...MEMORY, max: MEMORY.min }, MEMORY.min), 0);
  });

  it('goes in equal factors over a wide range', () => {
    const middle = sliderValue(THROUGHPUT, SLIDER_STEPS / 2);
    assert.ok(Math.abs(middle - Math.sqrt(THROUGHPUT.min * THROUGHPUT.max)) < 1);
  });
});

describe('what is sent while a slider moves', () => {
  /** Frames and answers come when the test says so. */
  function bench() {
    const sent: number[] = [];
    const frames: (() => void)[] = [];
    const answers: (() => void)[] = [];
    const latest = new Latest<number>(
      (value) => {
        sent.push(value);
        return new Promise((resolve) => answers.push(resolve));
      },
      (callback) => frames.push(callback),
    );
    const frame = () => {
      for (const callback of frames.splice(0)) callback();
    };
    const answer = async () => {
      for (const resolve of answers.splice(0)) resolve();
      await new Promise((resolve) => setImmediate(resolve));
    };
    return { latest, sent, frame, answer };
  }

  it('is the newest value of each frame', async () => {
    const { latest, sent, frame, answer } = bench();
    for (const value of [1, 2, 3]) latest.push(value);
    assert.deepEqual(sent, []);
    frame();
    await answer();
    frame();
    latest.push(4);
    frame();
    assert.deepEqual(sent, [3, 4]);
  });

  it('waits for the answer to the last, and keeps the newest meanwhile', async () => {
    const { latest, sent, frame, answer } = bench();
    latest.push(1);
    frame();
    for (const value of [2, 3]) latest.push(value);
    frame();
    assert.deepEqual(sent, [1]);
    await answer();
    frame();
    assert.deepEqual(sent, [1, 3]);
  });
});

describe('the price of a limit', () => {
  const UNIT = 'nats/token';
  const limit: LimitView = {
    ...{ metric: 'memory', text: '<= 60%', allowed: 81 * MIB, used: 80 * MIB, slack: MIB },
    ...{ binding: true, shadowPrice: 4e-4 / MIB },
  };

  it('is told for a round amount, in the direction that helps', () => {
    assert.equal(priceText(limit, '<=', UNIT), '1 MiB more is worth 0.000400 nats/token');
    const throughput = { ...limit, metric: 'throughput' as const, allowed: 13_655, shadowPrice: 1.37e-5 };
    assert.equal(priceText(throughput, '>=', UNIT), '100 tokens/s less is worth 0.00137 nats/token');
    const latency = { ...limit, metric: 'latency' as const, allowed: 0.6, shadowPrice: 0.3 };
    assert.equal(priceText(latency, '<=', UNIT), '10 ms more is worth 0.00300 nats/token');
    const parameters = { ...limit, metric: 'parameters' as const, allowed: 3e6, shadowPrice: 1e-7 };
    assert.equal(priceText(parameters, '<=', UNIT), '100,000 parameters more is worth 0.0100 nats/token');
  });

  it('of a cost with a name of its own is told in its own unit', () => {
    const own = { ...limit, metric: 'memory_mib', allowed: 78_000, shadowPrice: 2e-6 };
    assert.equal(priceText(own, '<=', 'lm_gap'), '1,000 more is worth 0.00200 lm_gap');
  });

  it('is not told where there is none', () => {
    assert.equal(priceText({ ...limit, shadowPrice: 0 }, '<=', UNIT), null);
  });
});
