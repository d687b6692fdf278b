import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/common/errors.js';
import { checkProblem, type Problem } from '../../src/solver/problem.js';
import { solve } from '../../src/solver/solve.js';

/** Two layers of three choices, valid. */
function valid(): Problem {
  const layer = (): Problem['layers'][number] => ({
    choices: ['parent', 'linear', 'no-op'].map((name, i) => ({ name, score: i, costs: { memory: 3 - i, time: 1 } })),
  });
  return { layers: [layer(), layer()], nonBlock: { memory: 1 }, limits: [{ cost: 'memory', max: 6 }] };
}

type Edit = (problem: Problem) => void;

/** What is wrong, and what the message must name. */
const REFUSED: [string, Edit, RegExp][] = [
  ['no layers', (p) => (p.layers = []), /no layers/],
  ['a layer without choices', (p) => (p.layers[1] = { choices: [] }), /^layer 1: has no choices/],
  [
    'a score that is not a number',
    (p) => {
      edit(p, 1, 2, { score: NaN });
    },
    /^layer 1, choice 2 \(no-op\): score is NaN/,
  ],
  [
    'an infinite score',
    (p) => {
      edit(p, 0, 0, { score: Infinity });
    },
    /^layer 0, choice 0 \(parent\): score is Infinity/,
  ],
  [
    'a cost that is not a number',
    (p) => {
      edit(p, 0, 1, { costs: { memory: NaN, time: 1 } });
    },
    /^layer 0, choice 1 \(linear\): cost "memory" is NaN/,
  ],
  [
    'a missing cost',
    (p) => {
      edit(p, 1, 1, { costs: { memory: 1 } });
    },
    /^layer 1, choice 1 \(linear\): lacks the cost "time"/,
  ],
  [
    'an unknown cost',
    (p) => {
      edit(p, 1, 0, { costs: { memory: 1, time: 1, tme: 1 } });
    },
    /^layer 1, choice 0 \(parent\): has the cost "tme"/,
  ],
  [
    'a cost that only every object has',
    (p) => (p.limits = [{ cost: 'constructor', max: 1 }]),
    /no choice has the cost "constructor"/,
  ],
  [
    'an unknown cost outside the layers',
    (p) => (p.nonBlock = { disk: 1 }),
    /^nonBlock: no choice has the cost "disk"; the costs are memory, time/,
  ],
  [
    'a cost outside the layers that is not a number',
    (p) => (p.nonBlock = { time: NaN }),
    /^nonBlock: cost "time" is NaN/,
  ],
  [
    'a limit on an unknown cost',
    (p) => (p.limits = [{ cost: 'mem', max: 1 }]),
    /^limit on "mem": no choice has the cost "mem"; the costs are memory, time/,
  ],
  ['a limit that is not a number', (p) => (p.limits = [{ cost: 'time', max: NaN }]), /^limit on "time": max is NaN/],
  ['a limit without a bound', (p) => (p.limits = [{ cost: 'time' }]), /^limit on "time": has neither min nor max/],
  [
    'a minimum above the maximum',
    (p) => (p.limits = [{ cost: 'time', min: 3, max: 2 }]),
    /^limit on "time": min 3 is above max 2/,
  ],
  [
    'a pin outside the layers',
    (p) => (p.pins = [{ layer: 2, choice: 0 }]),
    /^pin: layer 2 does not exist; layers are 0 to 1/,
  ],
  [
    'a pin outside the choices',
    (p) => (p.pins = [{ layer: 1, choice: 3 }]),
    /^pin of layer 1: choice 3 does not exist; choices are 0 to 2/,
  ],
  [
    'a pin to half a choice',
    (p) => (p.pins = [{ layer: 1, choice: 0.5 }]),
    /^pin of layer 1: choice 0.5 does not exist/,
  ],
  [
    'two pins of a layer',
    (p) =>
      (p.pins = [
        { layer: 1, choice: 0 },
        { layer: 1, choice: 2 },
      ]),
    /^layer 1: is pinned to choices 0 and 2/,
  ],
  [
    'a pinned choice that is banned',
    (p) => (p.pins = p.bans = [{ layer: 0, choice: 1 }]),
    /^layer 0, choice 1 \(linear\): is both pinned and banned/,
  ],
  [
    'a layer with every choice banned',
    (p) => (p.bans = [0, 1, 2].map((choice) => ({ layer: 1, choice }))),
    /^layer 1: every choice is banned/,
  ],
  ['an overlap above one', (p) => (p.diversity = { solutions: [], maxOverlap: 80 }), /^diversity: maxOverlap is 80/],
  [
    'an earlier solution of another length',
    (p) => (p.diversity = { solutions: [[0]], maxOverlap: 0.8 }),
    /^diversity, solution 0: has 1 choices for 2 layers/,
  ],
  [
    'an earlier solution with an unknown choice',
    (p) =>
      (p.diversity = {
        solutions: [
          [0, 0],
          [0, 9],
        ],
        maxOverlap: 0.8,
      }),
    /^diversity, solution 1 of layer 1: choice 9 does not exist/,
  ],
];

function edit(
  { layers }: Problem,
  layer: number,
  choice: number,
  change: Partial<Problem['layers'][number]['choices'][number]>,
): void {
  Object.assign(layers[layer]?.choices[choice] ?? {}, change);
}

describe('checkProblem', () => {
  it('accepts a valid problem', () => {
    checkProblem(valid());
  });

  for (const [what, change, message] of REFUSED) {
    it(`refuses ${what}, and says where`, () => {
      const problem = valid();
      change(problem);
      assert.throws(
        () => {
          checkProblem(problem);
        },
        (error) => error instanceof InputError && message.test(error.message),
      );
    });
  }
});

describe('solve', () => {
  it('refuses what checkProblem refuses', async () => {
    await assert.rejects(solve({ ...valid(), layers: [] }), InputError);
  });

  it('refuses an option that is not a number of at least zero', async () => {
    await assert.rejects(solve(valid(), { gap: NaN }), /^InputError: option gap: is NaN/);
    await assert.rejects(solve(valid(), { maxNodes: -1 }), /^InputError: option maxNodes: is -1/);
  });

  it('explains in the units of the limit what cannot be met', async () => {
    const found = await solve({
      ...valid(),
      limits: [
        { cost: 'memory', max: 2.5 },
        { cost: 'time', max: 2 },
      ],
    });
    assert.ok(found.status === 'infeasible');
    assert.deepEqual(found.conflicts, [{ cost: 'memory', bound: 'max', limit: 2.5, reachable: 3 }]);
    assert.deepEqual(found.relaxation.changes, [{ cost: 'memory', bound: 'max', from: 2.5, to: 3 }]);
    assert.deepEqual(found.relaxation.architecture, [2, 2]);
  });
});
