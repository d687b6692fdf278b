import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import * as ort from 'onnxruntime-node';
import { Random } from '../../src/common/random.js';
import { emit } from '../../src/graph/emit.js';
import { input, matmul } from '../../src/graph/primitives.js';
import { float32, Session } from '../../src/graph/session.js';
import { sizeOf, type Shape } from '../../src/graph/value.js';

const [M, K, N] = [3, 5, 4];
const TOLERANCE = 1e-5;

function values(name: string, shape: Shape): Float32Array {
  const random = Random.of(1, name);
  return Float32Array.from({ length: sizeOf(shape) }, () => random.normal());
}

describe('the operators that every device has', () => {
  for (const leading of [[], [2], [2, 3]]) {
    for (const [transA, transB] of [
      [false, false],
      [false, true],
      [true, false],
      [true, true],
    ] as const) {
      const what = `${transA ? 'aᵀ' : 'a'} ${transB ? 'bᵀ' : 'b'} with ${leading.length + 2} dimensions`;
      it(`give the product ${what} that the CPU's own give`, async () => {
        const shapes = {
          a: [...leading, ...(transA ? [K, M] : [M, K])],
          b: [...leading, ...(transB ? [N, K] : [K, N])],
        };
        const [a, b] = [values('a', shapes.a), values('b', shapes.b)];
        const outputs = { c: matmul(input('a', shapes.a), input('b', shapes.b), transA, transB) };
        const own = await Session.create(outputs);
        const { c: expected } = await own.run({ a: float32(a, shapes.a), b: float32(b, shapes.b) });
        await own.release();
        const { bytes } = emit(outputs, { standard: true });
        assert.ok(!Buffer.from(bytes).includes('FusedMatMul'));
        const standard = await ort.InferenceSession.create(bytes);
        const { c: found } = await standard.run({
          a: new ort.Tensor('float32', a, shapes.a),
          b: new ort.Tensor('float32', b, shapes.b),
        });
        await standard.release();
        assert.deepEqual(found?.dims, expected?.shape);
        const [one, other] = [Array.from(expected?.data ?? [], Number), found?.data as Float32Array];
        assert.equal(one.length, other.length);
        one.forEach((value, i) => {
          assert.ok(Math.abs(value - (other[i] ?? NaN)) < TOLERANCE);
        });
      });
    }
  }
});
