import { dot, product } from './cholesky.js';

/** Where neighbouring eigenvalues are close the vectors still turn when what they hold of the trace has long settled. */
const MAX_ITERATIONS = 200;
const SETTLED = 1e-5;
/** Columns shorter than this, relative to the longest, are what rounding left of dependent ones. */
const NEGLIGIBLE = 1e-12;

/**
 * An orthonormal basis [n, count], by columns, of the subspace that holds most of a symmetric positive semidefinite
 * matrix: its first eigenvectors, found by orthogonal iteration from the columns with the greatest diagonals. Where the
 * rank is below `count`, the last columns are 0.
 */
export function principalSubspace(matrix: Float64Array, n: number, count: number): Float64Array {
  const order = Array.from({ length: n }, (_, i) => i).sort(
    (a, b) => (matrix[b * n + b] ?? 0) - (matrix[a * n + a] ?? 0) || a - b,
  );
  // Vectors are kept as rows; the matrix is symmetric, so that rows times it are as good as it times columns.
  let rows: Float64Array = new Float64Array(count * n);
  order.slice(0, count).forEach((start, i) => (rows[i * n + start] = 1));
  for (let iteration = 0, before = 0; iteration < MAX_ITERATIONS; iteration++) {
    const next = product(rows, matrix, [count, n, n]);
    const held = dot(next, 0, rows, 0, count * n);
    rows = next;
    orthonormalise(rows, count, n);
    if (iteration > 0 && held - before <= SETTLED * Math.abs(held)) break;
    before = held;
  }
  const columns = new Float64Array(n * count);
  for (let i = 0; i < count; i++) for (let j = 0; j < n; j++) columns[j * count + i] = rows[i * n + j] ?? 0;
  return columns;
}

/** What a basis [n, count] holds of the trace of a matrix: tr(Uᵀ M U). */
export function heldTrace(matrix: Float64Array, basis: Float64Array, n: number, count: number): number {
  return dot(product(matrix, basis, [n, n, count]), 0, basis, 0, n * count);
}

/** Gram-Schmidt, twice, over `count` rows of length n. */
function orthonormalise(rows: Float64Array, count: number, n: number): void {
  let longest = 0;
  for (let i = 0; i < count; i++) longest = Math.max(longest, Math.sqrt(dot(rows, i * n, rows, i * n, n)));
  for (let i = 0; i < count; i++) {
    for (let pass = 0; pass < 2; pass++) {
      for (let k = 0; k < i; k++) {
        const share = dot(rows, i * n, rows, k * n, n);
        for (let j = 0; j < n; j++) rows[i * n + j] = (rows[i * n + j] ?? 0) - share * (rows[k * n + j] ?? 0);
      }
    }
    const length = Math.sqrt(dot(rows, i * n, rows, i * n, n));
    const scale = length > NEGLIGIBLE * longest ? 1 / length : 0;
    for (let j = 0; j < n; j++) rows[i * n + j] = (rows[i * n + j] ?? 0) * scale;
  }
}
