import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/common/random.js';
import { DIFFERENTIABLE, gradients } from '../../src/graph/gradient.js';
import * as p from '../../src/graph/primitives.js';
import { float32, int64, Session, type Tensors } from '../../src/graph/session.js';
import { type Primitive, type Shape, sizeOf, type Value } from '../../src/graph/value.js';

/** Largest allowed |analytic - numeric| relative to the largest numeric component. */
const TOLERANCE = 1e-3;

interface Case {
  /** Shapes of the differentiated operands. */
  shapes: Shape[];
  apply: (operands: Value[]) => Value;
  /** Moves the random operands into the function's domain. */
  positive?: boolean;
}

const rows = (numbers: number[]) => p.constant(BigInt64Array.from(numbers, BigInt), [numbers.length]);
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

const CASES: Partial<Record<Primitive, Case[]>> = {
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

/** Checks d(sum(f(x) * w))/dx for a fixed random w against central differences. */
async function checkCase({ shapes, apply, positive = false }: Case, seed: number): Promise<void> {
  const random = new Random(seed);
  const draw = (shape: Shape) =>
    Float32Array.from({ length: sizeOf(shape) }, () => (positive ? 0.5 + random.next() : random.normal()));
  const operands = shapes.map((shape, i) => p.input(`x${i}`, shape));
  const output = apply(operands);
  const weights = p.constant(
    Float32Array.from({ length: output.size }, () => random.normal()),
    output.shape,
  );
  const loss = p.reshape(p.sum(p.mul(output, weights)), []);
  const session = await Session.create({
    loss,
    ...Object.fromEntries(gradients(loss, operands).map((g, i) => [`g${i}`, g])),
  });
  const data = shapes.map(draw);
  const feeds = (): Tensors =>
    Object.fromEntries(shapes.map((shape, i) => [`x${i}`, float32(data[i] ?? new Float32Array(), shape)]));
  const lossAt = async () => Number((await session.run(feeds()))['loss']?.data[0]);
  const analytic = await session.run(feeds());
  for (const [i, values] of data.entries()) {
    const gradient = analytic[`g${i}`];
    assert(gradient);
    assert.deepEqual(gradient.shape, shapes[i]);
    const numeric: number[] = [];
    for (let j = 0; j < values.length; j++) {
      const step = 1e-2;
      const before = values[j] ?? 0;
      const probe = async (offset: number) => {
        values[j] = before + offset;
        return lossAt();
      };
      // Fourth-order central difference: the truncation error stays below the tolerance at a step that float32 resolves.
      const [a, b, c, d] = [await probe(2 * step), await probe(step), await probe(-step), await probe(-2 * step)];
      values[j] = before;
      numeric.push((-a + 8 * b - 8 * c + d) / (12 * step));
    }
    const scale = Math.max(...numeric.map(Math.abs), 1e-2);
    numeric.forEach((expected, j) => {
      const difference = Math.abs(Number(gradient.data[j]) - expected) / scale;
      assert(difference <= TOLERANCE, `operand ${i}[${j}]: analytic ${String(gradient.data[j])}, numeric ${expected}`);
    });
  }
  await session.release();
}

describe('every gradient rule agrees with finite differences', () => {
  it('every differentiable primitive has a case', () => {
    assert.deepEqual(Object.keys(CASES).sort(), [...DIFFERENTIABLE].sort());
  });
  for (const [primitive, cases] of Object.entries(CASES)) {
    cases.forEach((testCase, i) => {
      it(`${primitive} (case ${i + 1})`, async () => {
        await checkCase(testCase, 17 + i);
      });
    });
  }
  it('two uses of one parameter add up', async () => {
    await checkCase({ shapes: [[3]], apply: (v) => p.mul(first(v), p.add(first(v), p.exp(first(v)))) }, 5);
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
