import { type Quartiles, quartiles } from '../../src/target/quartiles.js';

/** What a benchmark found: the median and the quartiles of n measurements. */
export interface Measurement {
  value: number;
  n: number;
  low: number;
  high: number;
}

/** One figure that can be measured on its own. */
export interface Benchmark {
  name: string;
  unit: string;
  /** What is measured against what, with the formula of whatever is counted. */
  what: string;
  measure: () => Promise<Measurement>;
}

/** A figure as it is printed. */
export interface BenchRow extends Measurement {
  name: string;
  unit: string;
}

export function ofSample(sample: readonly number[]): Measurement {
  const { low, median, high }: Quartiles = quartiles(sample);
  return { value: median, n: sample.length, low, high };
}

/** A figure without a spread: what was measured once. */
export function single(value: number): Measurement {
  return { value, n: 1, low: value, high: value };
}
