/** The middle of a sample and its spread. */
export interface Quartiles {
  low: number;
  median: number;
  high: number;
}

/** The value below which a share `q` (0 to 1) of the sample lies, interpolated between neighbours. */
export function quantile(sample: readonly number[], q: number): number {
  const sorted = [...sample].sort((a, b) => a - b);
  const position = q * (sorted.length - 1);
  const below = sorted[Math.floor(position)];
  const above = sorted[Math.ceil(position)];
  if (below === undefined || above === undefined) throw new Error('a quantile of nothing');
  return below + (above - below) * (position - Math.floor(position));
}

export function median(sample: readonly number[]): number {
  return quantile(sample, 0.5);
}

/** First quartile, median and third quartile. */
export function quartiles(sample: readonly number[]): Quartiles {
  return { low: quantile(sample, 0.25), median: median(sample), high: quantile(sample, 0.75) };
}
