/**
 * Linear systems with symmetric positive definite matrices, in float64. Matrices are row-major: a factor is [n, n] of
 * which only the lower triangle is looked at, right-hand sides are [n, columns].
 */

/** Thrown where a pivot is not positive: the matrix is not positive definite, or not to the precision of float64. */
export class NotPositiveDefinite extends Error {}

/** The lower triangular L with L Lᵀ = `matrix`; what lies above its diagonal is 0. */
export function cholesky(matrix: Float64Array, n: number): Float64Array {
  const factor = new Float64Array(n * n);
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      const rest = (matrix[i * n + j] ?? 0) - dot(factor, i * n, factor, j * n, j);
      if (i !== j) {
        factor[i * n + j] = rest / (factor[j * n + j] ?? 0);
        continue;
      }
      if (!(rest > 0)) throw new NotPositiveDefinite(`pivot ${i} of ${n} is ${rest}`);
      factor[i * n + i] = Math.sqrt(rest);
    }
  }
  return factor;
}

/** Solves L X = `right` for a lower triangular L, in place. */
export function solveLower(factor: Float64Array, n: number, right: Float64Array, columns: number): void {
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) addRow(right, i, k, -(factor[i * n + k] ?? 0), columns);
    scaleRow(right, i, 1 / (factor[i * n + i] ?? 0), columns);
  }
}

/** Solves Lᵀ X = `right` for a lower triangular L, in place. */
export function solveUpper(factor: Float64Array, n: number, right: Float64Array, columns: number): void {
  for (let i = n - 1; i >= 0; i--) {
    scaleRow(right, i, 1 / (factor[i * n + i] ?? 0), columns);
    for (let k = 0; k < i; k++) addRow(right, k, i, -(factor[i * n + k] ?? 0), columns);
  }
}

/** Solves L Lᵀ X = `right`: a new matrix [n, columns]. */
export function choleskySolve(factor: Float64Array, n: number, right: Float64Array, columns: number): Float64Array {
  const solution = Float64Array.from(right);
  solveLower(factor, n, solution, columns);
  solveUpper(factor, n, solution, columns);
  return solution;
}

/** The inverse of L Lᵀ. */
export function choleskyInverse(factor: Float64Array, n: number): Float64Array {
  const identity = new Float64Array(n * n);
  for (let i = 0; i < n; i++) identity[i * n + i] = 1;
  return choleskySolve(factor, n, identity, n);
}

/** A copy of a symmetric matrix with `amount` added to its diagonal. */
export function withDiagonal(matrix: Float64Array, n: number, amount: number): Float64Array {
  const result = Float64Array.from(matrix);
  for (let i = 0; i < n; i++) result[i * n + i] = (result[i * n + i] ?? 0) + amount;
  return result;
}

export function meanDiagonal(matrix: Float64Array, n: number): number {
  let total = 0;
  for (let i = 0; i < n; i++) total += matrix[i * n + i] ?? 0;
  return total / n;
}

/** Σ a[aStart + k] b[bStart + k] over k < count. */
export function dot(a: Float64Array, aStart: number, b: Float64Array, bStart: number, count: number): number {
  let total = 0;
  for (let k = 0; k < count; k++) total += (a[aStart + k] ?? 0) * (b[bStart + k] ?? 0);
  return total;
}

/** a [rows, inner] times b [inner, columns]. */
export function product(
  a: Float64Array,
  b: Float64Array,
  [rows, inner, columns]: readonly [number, number, number],
): Float64Array {
  const result = new Float64Array(rows * columns);
  // Four rows of b at a time: the sums are read and written a quarter as often.
  const whole = inner - (inner % 4);
  for (let i = 0; i < rows; i++) {
    const to = i * columns;
    for (let k = 0; k < whole; k += 4) {
      const at = i * inner + k;
      const [a0, a1, a2, a3] = [a[at] ?? 0, a[at + 1] ?? 0, a[at + 2] ?? 0, a[at + 3] ?? 0];
      const [b0, b1, b2, b3] = [k * columns, (k + 1) * columns, (k + 2) * columns, (k + 3) * columns];
      for (let j = 0; j < columns; j++) {
        const low = a0 * (b[b0 + j] ?? 0) + a1 * (b[b1 + j] ?? 0);
        const high = a2 * (b[b2 + j] ?? 0) + a3 * (b[b3 + j] ?? 0);
        result[to + j] = (result[to + j] ?? 0) + (low + high);
      }
    }
    for (let k = whole; k < inner; k++) {
      const [factor, from] = [a[i * inner + k] ?? 0, k * columns];
      for (let j = 0; j < columns; j++) result[to + j] = (result[to + j] ?? 0) + factor * (b[from + j] ?? 0);
    }
  }
  return result;
}

/** a [rows, inner] times the transpose of b [columns, inner]. */
export function productTransposed(
  a: Float64Array,
  b: Float64Array,
  [rows, inner, columns]: readonly [number, number, number],
): Float64Array {
  const result = new Float64Array(rows * columns);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[i * columns + j] = dot(a, i * inner, b, j * inner, inner);
  }
  return result;
}

function addRow(matrix: Float64Array, to: number, from: number, factor: number, columns: number): void {
  if (factor === 0) return;
  const [target, source] = [to * columns, from * columns];
  for (let j = 0; j < columns; j++) {
    matrix[target + j] = (matrix[target + j] ?? 0) + factor * (matrix[source + j] ?? 0);
  }
}

function scaleRow(matrix: Float64Array, row: number, factor: number, columns: number): void {
  for (let j = row * columns; j < (row + 1) * columns; j++) matrix[j] = (matrix[j] ?? 0) * factor;
}
