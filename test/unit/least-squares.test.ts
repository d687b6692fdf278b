import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { cholesky, choleskyInverse, choleskySolve, NotPositiveDefinite, product } from '../../src/common/cholesky.js';
import { heldTrace, principalSubspace } from '../../src/common/principal.js';
import { Random } from '../../src/common/random.js';
import { eliminationOrder } from '../../src/model/channel-order.js';
import { fit, type Moments, ofInputs, ridge, squaredError } from '../../src/model/least-squares.js';

function normals(count: number, seed: number): Float64Array {
  const random = Random.of(seed, 'normals');
  return Float64Array.from({ length: count }, () => random.normal());
}

function closeTo(actual: ArrayLike<number>, expected: ArrayLike<number>, tolerance: number): void {
  assert.equal(actual.length, expected.length);
  for (let i = 0; i < actual.length; i++) {
    const [a, b] = [actual[i] ?? Number.NaN, expected[i] ?? Number.NaN];
    assert.ok(Math.abs(a - b) <= tolerance, `element ${i}: ${a}, expected ${b}`);
  }
}

/** Moments of x [rows, inputs] and y [rows, outputs], by the definition. */
function momentsOf(x: Float64Array, y: Float64Array, inputs: number, outputs: number): Moments {
  const sums = (a: Float64Array, n: number, b: Float64Array, m: number) =>
    Float64Array.from({ length: n * m }, (_, at) => {
      let total = 0;
      for (let row = 0; row * n < a.length; row++) {
        total += (a[row * n + Math.floor(at / m)] ?? 0) * (b[row * m + (at % m)] ?? 0);
      }
      return total;
    });
  const energy = y.reduce((total, value) => total + value * value, 0);
  return { inputs, outputs, gram: sums(x, inputs, x, inputs), cross: sums(x, inputs, y, outputs), energy };
}

/** y = W x plus noise. */
function problem(inputs: number, outputs: number, rows: number, noise: number, seed = 1) {
  const [x, weights] = [normals(rows * inputs, seed), normals(inputs * outputs, 99)];
  const error = normals(rows * outputs, seed + 50);
  const y = product(x, weights, [rows, inputs, outputs]).map((value, i) => value + noise * (error[i] ?? 0));
  return { x, y, weights, moments: momentsOf(x, y, inputs, outputs) };
}

describe('Cholesky factors', () => {
  const n = 7;
  const half = normals(n * n, 3);
  const matrix = momentsOf(half, half, n, n).gram;

  it('multiply to the matrix and solve its systems', () => {
    const factor = cholesky(matrix, n);
    const solution = normals(n * 3, 4);
    closeTo(choleskySolve(factor, n, product(matrix, solution, [n, n, 3]), 3), solution, 1e-9);
    const identity = Float64Array.from({ length: n * n }, (_, i) => (i % (n + 1) === 0 ? 1 : 0));
    closeTo(product(choleskyInverse(factor, n), matrix, [n, n, n]), identity, 1e-9);
  });

  it('agree with products by the definition', () => {
    const [rows, inner, columns] = [3, 7, 5];
    const [a, b] = [normals(rows * inner, 11), normals(inner * columns, 12)];
    const expected = Float64Array.from({ length: rows * columns }, (_, at) => {
      let total = 0;
      for (let k = 0; k < inner; k++) {
        total += (a[Math.floor(at / columns) * inner + k] ?? 0) * (b[k * columns + (at % columns)] ?? 0);
      }
      return total;
    });
    closeTo(product(a, b, [rows, inner, columns]), expected, 1e-12);
  });

  it('do not exist of a matrix without full rank', () => {
    assert.throws(() => cholesky(Float64Array.from([1, 1, 1, 1]), 2), NotPositiveDefinite);
  });
});

describe('the principal subspace', () => {
  it('holds more of the trace than any other basis that is tried, and all of it where the rank allows', () => {
    const n = 8;
    const low = normals(3 * n, 5);
    const ofRank3 = momentsOf(low, low, n, n).gram;
    const trace = (matrix: Float64Array) => matrix.reduce((sum, value, i) => sum + (i % (n + 1) === 0 ? value : 0), 0);
    assert.ok(Math.abs(heldTrace(ofRank3, principalSubspace(ofRank3, n, 3), n, 3) - trace(ofRank3)) < 1e-9);
    const tall = normals(40 * n, 6);
    const full = momentsOf(tall, tall, n, n).gram;
    const best = heldTrace(full, principalSubspace(full, n, 2), n, 2);
    for (let seed = 0; seed < 20; seed++) {
      const some = normals(2 * n, 100 + seed);
      const other = principalSubspace(momentsOf(some, some, n, n).gram, n, 2);
      assert.ok(heldTrace(full, other, n, 2) <= best);
    }
  });

  it('of a lower rank than asked for ends in zeros', () => {
    const basis = principalSubspace(Float64Array.from([4, 0, 0, 0]), 2, 2);
    closeTo(basis, [1, 0, 0, 0], 1e-12);
  });
});

describe('ridge regression', () => {
  it('finds the weights that made the outputs', () => {
    const { moments, weights } = problem(5, 2, 60, 0);
    closeTo(ridge(moments, new Float64Array(10), 1e-12), weights, 1e-8);
  });

  it('is where the gradient of its objective is zero', () => {
    const { moments } = problem(5, 2, 60, 0.5);
    const prior = normals(10, 8);
    const found = ridge(moments, prior, 0.3);
    const lambda = (0.3 * [0, 6, 12, 18, 24].reduce((sum, i) => sum + (moments.gram[i] ?? 0), 0)) / 5;
    const objective = (weights: Float64Array) =>
      squaredError(moments, weights) +
      lambda * weights.reduce((sum, value, i) => sum + (value - (prior[i] ?? 0)) ** 2, 0);
    for (let i = 0; i < 10; i++) {
      const moved = (by: number) => objective(found.map((value, j) => (i === j ? value + by : value)));
      assert.ok(Math.abs(moved(1e-4) - moved(-1e-4)) / 2e-4 < 1e-4);
    }
  });

  it('knows the error of any weights from moments alone', () => {
    const { x, y, moments } = problem(4, 3, 30, 1);
    const weights = normals(12, 9);
    const errors = product(x, weights, [30, 4, 3]).map((value, i) => (y[i] ?? 0) - value);
    const expected = errors.reduce((sum, value) => sum + value * value, 0);
    assert.ok(Math.abs(squaredError(moments, weights) - expected) < 1e-9 * expected);
  });

  it('of few rows keeps to its prior, of many to the rows', () => {
    const truth = problem(20, 1, 4000, 0, 2);
    const near = truth.weights.map((value, i) => value + ((i % 3) - 1) * 0.05);
    const few = problem(20, 1, 24, 3, 3);
    const chosen = fit(few.moments, truth.moments, near);
    assert.ok(chosen.penalty >= 1e-1, `penalty ${chosen.penalty}`);
    assert.ok(chosen.error <= squaredError(truth.moments, near));
    const many = fit(problem(20, 1, 4000, 0.1, 4).moments, truth.moments, near);
    assert.ok(many.error < 0.01 * squaredError(truth.moments, near), `penalty ${many.penalty}`);
  });

  it('of a Gram matrix without full rank still has an answer', () => {
    const { moments } = problem(6, 2, 3, 0);
    const found = fit(moments, problem(6, 2, 50, 0, 7).moments, new Float64Array(12));
    assert.ok(found.weights.every(Number.isFinite) && found.error < problem(6, 2, 50, 0, 7).moments.energy);
  });
});

describe('the order of elimination', () => {
  const [inputs, outputs] = [6, 3];
  const correlated = () => {
    const { x, weights } = problem(inputs, outputs, 80, 0);
    // Channel 4 is nearly a sum of two others: worth little once they carry its weights.
    for (let row = 0; row < 80; row++) {
      const of = (i: number) => x[row * inputs + i] ?? 0;
      x[row * inputs + 4] = 3 * (of(1) + of(2)) + 0.01 * of(4);
    }
    return { weights, moments: momentsOf(x, product(x, weights, [80, inputs, outputs]), inputs, outputs) };
  };

  it('removes at each step the input that is missed least when the others are fitted anew', () => {
    const { weights, moments } = correlated();
    const order = eliminationOrder(moments, weights);
    assert.deepEqual([...order].sort(), [0, 1, 2, 3, 4, 5]);
    for (let kept = inputs; kept > 1; kept--) {
      const left = order.slice(0, kept);
      const errorWithout = (channel: number) => {
        const part = ofInputs(
          moments,
          left.filter((other) => other !== channel),
        );
        return squaredError(part, ridge(part, new Float64Array(part.inputs * outputs), 1e-9));
      };
      const errors = left.map(errorWithout);
      const least = Math.min(...errors);
      const removed = errorWithout(order[kept - 1] ?? -1);
      assert.ok(removed <= least * 1.02 + 1e-6 * moments.energy, `${removed}, the least is ${least}`);
    }
  });

  it('keeps what may never leave at its head', () => {
    const { weights, moments } = correlated();
    assert.deepEqual(eliminationOrder(moments, weights, 2).slice(0, 2), [4, 5]);
  });
});
