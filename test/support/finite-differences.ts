import assert from 'node:assert/strict';
import { Random } from '../../src/common/random.js';
import { gradients } from '../../src/graph/gradient.js';
import * as p from '../../src/graph/primitives.js';
import { float32, Session, type Tensors } from '../../src/graph/session.js';
import { type Shape, sizeOf, type Value } from '../../src/graph/value.js';

/** Largest allowed |analytic - numeric| relative to the largest numeric component. */
const TOLERANCE = 1e-3;

/** A function of tensors to be differentiated. */
export interface GradientCase {
  /** Shapes of the differentiated operands. */
  shapes: Shape[];
  apply: (operands: Value[]) => Value;
  /** Moves the random operands into the function's domain. */
  positive?: boolean;
}

/** Checks d(sum(f(x) * w))/dx for a fixed random w against central differences. */
export async function checkGradient({ shapes, apply, positive = false }: GradientCase, seed: number): Promise<void> {
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
