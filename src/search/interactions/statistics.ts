/** A mean with its standard error over independent parts. */
export interface Estimate {
  value: number;
  standardError: number;
}

/** The mean of some numbers; a standard error of 0 where there is only one. */
export function estimate(values: readonly number[]): Estimate {
  const n = values.length;
  const value = values.reduce((sum, x) => sum + x, 0) / n;
  const squares = values.reduce((sum, x) => sum + (x - value) ** 2, 0);
  return { value, standardError: n > 1 ? Math.sqrt(squares / (n - 1) / n) : 0 };
}

/** Spearman's rank correlation, equal values at the mean of their ranks; null where either side has no two values. */
export function rankCorrelation(a: readonly number[], b: readonly number[]): number | null {
  const [x, y] = [centredRanks(a), centredRanks(b)];
  const product = (u: readonly number[], v: readonly number[]) =>
    u.reduce((sum, value, i) => sum + value * (v[i] ?? 0), 0);
  const size = Math.sqrt(product(x, x) * product(y, y));
  return size === 0 ? null : product(x, y) / size;
}

function centredRanks(values: readonly number[]): number[] {
  return values.map((value) => {
    const below = values.filter((other) => other < value).length;
    const equal = values.filter((other) => other === value).length;
    return below + (equal - 1) / 2 - (values.length - 1) / 2;
  });
}
