import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { InputError } from '../../src/common/errors.js';
import {
  additiveCosts,
  boundOf,
  constraintText,
  costLimit,
  type LimitBasis,
  METRICS,
  metricsOf,
  parseConstraint,
  parseConstraintFlags,
  parseConstraints,
  replaceConstraints,
  roundedOutward,
  valueAtCost,
} from '../../src/search/constraints.js';

const workload = { batch: 32, prefill: 128, generated: 128 };
const parent = {
  ...{ parameters: 4_000_000, memory: 200 * 2 ** 20, kvCache: 100 * 2 ** 20 },
  ...{ seconds: 2, prefillSeconds: 0.72, stepSeconds: 0.01 },
};
const basis: LimitBasis = { parent: metricsOf(parent, workload), workload, margin: 0 };
const limitOf = (name: string, text: string, margin = 0) =>
  costLimit(parseConstraint(name, text, 'limits'), { ...basis, margin });

describe('a constraint', () => {
  it('becomes a limit on a cost that adds up, in bytes, seconds and parameters', () => {
    assert.equal(limitOf('memory', '<= 60%'), 0.6 * parent.memory);
    assert.equal(limitOf('memory', '<= 0.5x'), 100 * 2 ** 20);
    assert.equal(limitOf('memory', '<= 96 MiB'), 96 * 2 ** 20);
    assert.equal(limitOf('memory', '<= 1.5GB'), 1.5e9);
    assert.equal(limitOf('kv', '<= 50%'), 50 * 2 ** 20);
    assert.equal(limitOf('kvCache', '<=5000 b'), 5000);
    assert.equal(limitOf('latency', '<= 1.5 s'), 1.5);
    assert.equal(limitOf('latency', '<= 250ms'), 0.25);
    assert.equal(limitOf('latency', '<= 75%'), 1.5);
    assert.equal(limitOf('timeToFirstToken', '<= 50%'), 0.36);
    assert.equal(limitOf('TTFT', '<= 200 ms'), 0.2);
    assert.equal(limitOf('tpot', '<= 5 ms'), 0.005);
    assert.equal(limitOf('generatedThroughput', '>= 1024 tokens/s'), 4);
    assert.equal(limitOf('generatedThroughput', '>= 2x'), 1);
    assert.equal(limitOf('parameters', '<= 3M'), 3e6);
    assert.equal(limitOf('parameters', '<= 3e6'), 3e6);
    assert.equal(limitOf('Parameters', '≤ 25%'), 1e6);
  });

  it('on throughput becomes one on the runtime of the workload', () => {
    assert.equal(limitOf('throughput', '>= 2x'), 1);
    assert.equal(limitOf('throughput', '>= 200%'), 1);
    assert.equal(limitOf('throughput', '>= 16384 tokens/s'), 0.5);
  });

  it('bounds costs from the other side where the user does', () => {
    const bound = (name: string, text: string) => boundOf(parseConstraint(name, text, ''));
    assert.deepEqual([bound('throughput', '>= 2x'), bound('throughput', '<= 2x')], ['max', 'min']);
    assert.deepEqual([bound('memory', '>= 2%'), bound('memory', '<= 2%')], ['min', 'max']);
  });

  it('on runtime is tightened by the margin, whichever side it bounds; others are exact', () => {
    assert.equal(limitOf('throughput', '>= 2x', 0.25), 0.75);
    assert.equal(limitOf('throughput', '<= 2x', 0.25), 1.25);
    assert.equal(limitOf('latency', '<= 1 s', 0.25), 0.75);
    assert.equal(limitOf('memory', '<= 50%', 0.25), 0.5 * parent.memory);
  });

  it('that cannot be understood is named with its text and what would be', () => {
    const texts = ['=> 2.17x', '2.17x', '> 2x', '>= x', '>= -1x', '>= 0x', '>= 2 MiB', '>= 1,5x', '>= 1e999x', ''];
    for (const text of texts) {
      assert.throws(
        () => parseConstraints({ throughput: text }),
        (error) =>
          error instanceof InputError &&
          error.message.startsWith(`limits.throughput: "${text}" is not understood; write <= or >=`) &&
          /tokens\/s, %, x;.*for example ">= 2\.17x"/.test(error.message),
      );
    }
    assert.throws(() => parseConstraints({ parameters: '<= 3 MiB' }), /no unit, K, M, B, %, x/);
    assert.throws(() => parseConstraints({ speed: '>= 2x' }), {
      name: 'InputError',
      message: 'limits: "speed" cannot be limited; possible: ' + METRICS.join(', '),
    });
    assert.throws(() => parseConstraints({ constructor: '>= 2x' }), /"constructor" cannot be limited/);
  });

  it('may be written as one word on a command line', () => {
    const [memory, speed] = parseConstraintFlags(['memory<=60%', 'throughput >= 2.17x']);
    assert.deepEqual(memory, parseConstraint('memory', '<= 60%', ''));
    assert.deepEqual(speed, parseConstraint('throughput', '>= 2.17x', ''));
    for (const flag of ['memory', '<=60%', 'memory=60%', 'mem ory<=60%', '']) {
      assert.throws(() => parseConstraintFlags([flag]), { name: 'InputError' });
    }
  });

  it('cannot be given twice, by whatever name', () => {
    assert.throws(
      () => parseConstraints({ kv: '<= 50%', kvCache: '<= 1 MiB' }),
      /"kvCache <= 50%" and "kvCache <= 1 MiB"/,
    );
    assert.equal(parseConstraintFlags(['memory<=60%', 'memory>=20%']).length, 2);
  });

  it('replaces one about the same side of the same metric', () => {
    const merged = replaceConstraints(
      parseConstraints({ memory: '<= 60%', throughput: '>= 2x' }),
      parseConstraintFlags(['memory<=30%', 'memory>=10%']),
    );
    assert.deepEqual(
      merged.map((constraint) => constraintText(constraint)),
      ['throughput >= 2x', 'memory <= 30%', 'memory >= 10%'],
    );
  });
});

const TEXTS: Record<(typeof METRICS)[number], string[]> = {
  throughput: ['>= 2.17x', '<= 300%', '>= 900 tokens/s'],
  memory: ['<= 60%', '>= 3 MiB', '<= 0.25x'],
  generatedThroughput: ['>= 1.5x', '>= 700 tokens/s'],
  latency: ['<= 1.5 s', '>= 20 ms', '<= 40%'],
  timeToFirstToken: ['<= 200 ms', '<= 40%'],
  timePerOutputToken: ['<= 20 ms', '<= 0.5x'],
  parameters: ['<= 3M', '>= 120000', '<= 80%'],
  kvCache: ['<= 50%', '>= 3 KB'],
};
const anyConstraint = fc
  .constantFrom(...METRICS)
  .chain((metric) => fc.constantFrom(...TEXTS[metric]).map((text) => parseConstraint(metric, text, '')));

describe('a cost in the unit of a constraint', () => {
  const margin = fc.constantFrom(0, 0.05, 0.5);

  it('is the value with which the constraint is just met', () => {
    fc.assert(
      fc.property(
        anyConstraint,
        margin,
        fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
        (constraint, margin, cost) => {
          const value = valueAtCost(constraint, cost, { ...basis, margin });
          const back = costLimit({ ...constraint, value }, { ...basis, margin });
          assert.ok(Math.abs(back - cost) <= 1e-12 * cost, `${back} and ${cost}`);
        },
      ),
    );
  });

  it('is rounded so that the cost still meets the constraint, by less than a thousandth', () => {
    fc.assert(
      fc.property(
        anyConstraint,
        margin,
        fc.double({ min: 1e-3, max: 1e9, noNaN: true }),
        (constraint, margin, cost) => {
          const exact = valueAtCost(constraint, cost, { ...basis, margin });
          const value = roundedOutward(constraint, exact);
          const limit = costLimit({ ...constraint, value }, { ...basis, margin });
          assert.ok(boundOf(constraint) === 'max' ? limit >= cost * (1 - 1e-12) : limit <= cost * (1 + 1e-12));
          assert.ok(Math.abs(value - exact) <= 1.001e-3 * exact, `${value} and ${exact}`);
          assert.match(constraintText(constraint, value), /^\w+ [<>]= [\d.e+-]+( ?\S+)?$/);
          assert.ok(
            String(value)
              .replace(/[-+.]|e.*|^0\.0*/g, '')
              .replace(/0+$/, '').length <= 4,
            String(value),
          );
        },
      ),
    );
  });

  it('reads as what was parsed', () => {
    fc.assert(
      fc.property(anyConstraint, (constraint) => {
        const [again] = parseConstraintFlags([constraintText(constraint)]);
        assert.deepEqual(again, constraint);
      }),
    );
  });
});

describe('metrics', () => {
  it('of a model follow from costs that add up', () => {
    assert.deepEqual(metricsOf(parent, workload), {
      ...{ throughput: 4096, generatedThroughput: 2048, timeToFirstToken: 0.72, timePerOutputToken: 0.01 },
      ...{ memory: parent.memory, latency: 2, parameters: 4e6, kvCache: parent.kvCache },
    });
    assert.equal(additiveCosts(parent).throughput, 2);
  });

  it('of tokens that are not generated are nothing, and cannot be limited', () => {
    const silent = { ...workload, generated: 0 };
    const metrics = metricsOf({ ...parent, stepSeconds: 0 }, silent);
    assert.equal(metrics.generatedThroughput, 0);
    assert.equal(metrics.throughput, 2048);
    const constraint = parseConstraint('generatedThroughput', '>= 2x', 'limits');
    assert.throws(() => costLimit(constraint, { parent: metrics, workload: silent, margin: 0 }), {
      name: 'InputError',
      message: 'limits.generatedThroughput: nothing is generated by the workload of the target',
    });
  });
});
