/** Solves A x = b for a symmetric positive definite A, by its Cholesky factor; a pivot that rounding took below is raised. */
export function solveSymmetric(a: readonly (readonly number[])[], b: readonly number[]): number[] {
  const n = b.length;
  const at = (matrix: readonly (readonly number[])[], i: number, j: number) => (matrix[i] as number[])[j] as number;
  const scale = a.reduce((most, row, i) => Math.max(most, row[i] ?? 0), 0);
  const factor = a.map(() => new Array<number>(n).fill(0));
  for (let i = 0; i < n; i++) {
    for (let j = 0; j <= i; j++) {
      let rest = at(a, i, j);
      for (let k = 0; k < j; k++) rest -= at(factor, i, k) * at(factor, j, k);
      const pivot = Math.sqrt(Math.max(rest, Number.EPSILON * scale || Number.MIN_VALUE));
      (factor[i] as number[])[j] = i === j ? pivot : rest / at(factor, j, j);
    }
  }
  const x = [...b];
  for (let i = 0; i < n; i++) {
    for (let k = 0; k < i; k++) x[i] = (x[i] as number) - at(factor, i, k) * (x[k] as number);
    x[i] = (x[i] as number) / at(factor, i, i);
  }
  for (let i = n - 1; i >= 0; i--) {
    for (let k = i + 1; k < n; k++) x[i] = (x[i] as number) - at(factor, k, i) * (x[k] as number);
    x[i] = (x[i] as number) / at(factor, i, i);
  }
  return x;
}
