/** The lower triangular L with L Lᵀ = A, for a symmetric positive definite A; a pivot that rounding took below is raised. */
export function cholesky(a: readonly (readonly number[])[]): number[][] {
  const least =
    Number.EPSILON * a.reduce((most, row, i) => Math.max(most, row[i] ?? 0), Number.MIN_VALUE / Number.EPSILON);
  const factor: number[][] = [];
  for (const [i, row] of a.entries()) {
    const own: number[] = [];
    for (let j = 0; j < i; j++) own.push((at(row, j) - inner(own, factor[j] ?? [], j)) / at(factor[j], j));
    own.push(Math.sqrt(Math.max(least, at(row, i) - inner(own, own, i))));
    factor.push(own);
  }
  return factor;
}

/** Solves L x = b. */
export function forwardSolve(factor: readonly (readonly number[])[], b: readonly number[]): number[] {
  const x: number[] = [];
  for (const [i, row] of factor.entries()) x.push((at(b, i) - inner(row, x, i)) / at(row, i));
  return x;
}

/** Solves L Lᵀ x = b. */
export function solveFactored(factor: readonly (readonly number[])[], b: readonly number[]): number[] {
  const x = forwardSolve(factor, b);
  for (let i = x.length - 1; i >= 0; i--) {
    for (let k = i + 1; k < x.length; k++) x[i] = at(x, i) - at(factor[k], i) * at(x, k);
    x[i] = at(x, i) / at(factor[i], i);
  }
  return x;
}

/** Of the first `count` numbers. */
function inner(a: readonly number[], b: readonly number[], count: number): number {
  let sum = 0;
  for (let k = 0; k < count; k++) sum += at(a, k) * at(b, k);
  return sum;
}

function at(numbers: readonly number[] | undefined, index: number): number {
  return numbers?.[index] ?? 0;
}
