import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DIFFERENTIABLE, gradients } from '../../src/graph/gradient.js';
import * as p from '../../src/graph/primitives.js';
import { int64, Session } from '../../src/graph/session.js';
import type { Primitive, Shape, Value } from '../../src/graph/value.js';
import { checkGradient, type GradientCase } from '../support/finite-differences.js';

const table = (numbers: number[], shape: Shape) => p.constant(BigInt64Array.from(numbers, BigInt), shape);
const rows = (numbers: number[]) => table(numbers, [numbers.length]);
const first = (values: Value[]): Value => {
  const [value] = values;
  assert(value);
  return value;
};
const two = (f: (a: Value, b: Value) => Value) => (values: Value[]) => {
  const [a, b] = values;
  assert(a && b);
  return f(a, b);
};

const CASES: Partial<Record<Primitive, GradientCase[]>> = {
  add: [{ shapes: [[2, 3], [3]], apply: two(p.add) }],
  sub: [
    {
      shapes: [
        [2, 3],
        [2, 1],
      ],
      apply: two(p.sub),
    },
  ],
  mul: [
    {
      shapes: [
        [2, 3],
        [1, 3],
      ],
      apply: two(p.mul),
    },
    { shapes: [[2, 3], []], apply: two(p.mul) },
  ],
  div: [{ shapes: [[2, 3], [3]], apply: two(p.div), positive: true }],
  exp: [{ shapes: [[4]], apply: (v) => p.exp(first(v)) }],
  log: [{ shapes: [[4]], apply: (v) => p.log(first(v)), positive: true }],
  sqrt: [{ shapes: [[4]], apply: (v) => p.sqrt(first(v)), positive: true }],
  sigmoid: [{ shapes: [[4]], apply: (v) => p.sigmoid(first(v)) }],
  matmul: [
    {
      shapes: [
        [2, 3],
        [3, 4],
      ],
      apply: two((a, b) => p.matmul(a, b)),
    },
    {
      shapes: [
        [3, 2],
        [3, 4],
      ],
      apply: two((a, b) => p.matmul(a, b, true)),
    },
    {
      shapes: [
        [2, 3],
        [4, 3],
      ],
      apply: two((a, b) => p.matmul(a, b, false, true)),
    },
    {
      shapes: [
        [3, 2],
        [4, 3],
      ],
      apply: two((a, b) => p.matmul(a, b, true, true)),
    },
    {
      shapes: [
        [2, 2, 3],
        [2, 3, 4],
      ],
      apply: two((a, b) => p.matmul(a, b)),
    },
    {
      shapes: [
        [2, 3, 2],
        [2, 4, 3],
      ],
      apply: two((a, b) => p.matmul(a, b, true, true)),
    },
    {
      shapes: [
        [1, 2, 2, 3],
        [1, 2, 4, 3],
      ],
      apply: two((a, b) => p.matmul(a, b, false, true)),
    },
  ],
  sum: [
    { shapes: [[2, 3, 2]], apply: (v) => p.sum(first(v), [0, 2]) },
    { shapes: [[2, 3]], apply: (v) => p.mean(first(v), [-1]) },
  ],
  reshape: [{ shapes: [[2, 3]], apply: (v) => p.reshape(first(v), [3, 2]) }],
  transpose: [{ shapes: [[2, 3, 4]], apply: (v) => p.transpose(first(v), [2, 0, 1]) }],
  slice: [
    { shapes: [[4, 3]], apply: (v) => p.slice(first(v), 0, 1, 3) },
    { shapes: [[2, 4]], apply: (v) => p.slice(first(v), 1, 0, 3) },
  ],
  concat: [
    {
      shapes: [
        [2, 3],
        [2, 2],
      ],
      apply: (v) => p.concat(v, 1),
    },
  ],
  expand: [{ shapes: [[1, 3]], apply: (v) => p.expand(first(v), [4, 3]) }],
  softmax: [{ shapes: [[2, 5]], apply: (v) => p.softmax(first(v)) }],
  logSoftmax: [{ shapes: [[2, 5]], apply: (v) => p.logSoftmax(first(v)) }],
  gather: [{ shapes: [[5, 3]], apply: (v) => p.gather(first(v), rows([4, 0, 4, 2])) }],
  gatherColumns: [{ shapes: [[2, 4]], apply: (v) => p.gatherColumns(first(v), table([3, 0, 3, 1, 2, 2], [2, 3])) }],
  scatterColumns: [
    { shapes: [[2, 3]], apply: (v) => p.scatterColumns(first(v), table([3, 0, 3, 1, 2, 2], [2, 3]), 4) },
  ],
  barrier: [{ shapes: [[2, 3]], apply: (v) => p.barrier(p.exp(first(v)), [p.sum(first(v)), first(v)]) }],
  rotary: [
    {
      shapes: [[2, 3, 8]],
      apply: (v) => {
        const angles = Float32Array.from({ length: 6 }, (_, i) => i * 0.7);
        const positions = p.constant(BigInt64Array.from([0n, 1n, 2n, 0n, 1n, 2n]), [2, 3]);
        return p.rotary(
          first(v),
          positions,
          p.constant(angles.map(Math.cos), [3, 2]),
          p.constant(angles.map(Math.sin), [3, 2]),
        );
      },
    },
  ],
  rmsNorm: [{ shapes: [[3, 4], [4]], apply: two((x, scale) => p.rmsNorm(x, scale, 1e-5)) }],
};

describe('every gradient rule agrees with finite differences', () => {
  it('every differentiable primitive has a case', () => {
    assert.deepEqual(Object.keys(CASES).sort(), [...DIFFERENTIABLE].sort());
  });
  for (const [primitive, cases] of Object.entries(CASES)) {
    cases.forEach((testCase, i) => {
      it(`${primitive} (case ${i + 1})`, async () => {
        await checkGradient(testCase, 17 + i);
      });
    });
  }
  it('two uses of one parameter add up', async () => {
    await checkGradient({ shapes: [[3]], apply: (v) => p.mul(first(v), p.add(first(v), p.exp(first(v)))) }, 5);
  });
  it('a primitive without a rule between loss and parameter is named', () => {
    const x = p.input('x', [2]);
    assert.throws(() => gradients(p.sum(p.abs(x)), [x]), /abs has no gradient rule/);
  });
  it('int64 ids need no gradient', async () => {
    const table = p.input('table', [3, 2]);
    const loss = p.sum(p.gather(table, p.input('ids', [2], 'int64')));
    const session = await Session.create({ gradient: gradients(p.reshape(loss, []), [table])[0] as Value });
    const { gradient } = await session.run({ ids: int64([2, 2], [2]) });
    assert.deepEqual([...(gradient?.data ?? [])], [0, 0, 0, 0, 2, 2]);
    await session.release();
  });
});
