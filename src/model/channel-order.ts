import { cholesky, choleskyInverse, dot, meanDiagonal, withDiagonal } from '../common/cholesky.js';
import type { Moments } from './least-squares.js';

/** Of the Gram matrix whose inverse ranks the channels, relative to the mean of its diagonal. */
const PENALTY = 1e-3;

/**
 * Inputs in the order in which they are worth keeping, the most needed first: backward elimination with refit. At each
 * step that input leaves without which, the others' weights fitted anew, the outputs change least: |w_j|² / [G⁻¹]_jj for
 * its present weights w_j (Hassibi and Stork's optimal brain surgeon, for whole inputs). The first of the order are so
 * nested: what a narrower layer keeps, every wider one does.
 *
 * @param weights [inputs, outputs], those of the layer before anything is removed
 * @param never as many of the last inputs stay whatever they cost, at the head of the order: a bias
 */
export function eliminationOrder({ inputs, outputs, gram }: Moments, weights: Float64Array, never = 0): number[] {
  const damped = withDiagonal(gram, inputs, PENALTY * meanDiagonal(gram, inputs) + Number.MIN_VALUE);
  const inverse = choleskyInverse(cholesky(damped, inputs), inputs);
  const fitted = Float64Array.from(weights);
  const left = Array.from({ length: inputs - never }, (_, i) => i);
  const removed: number[] = [];
  const fixed = Array.from({ length: never }, (_, i) => inputs - never + i);
  while (left.length > 0) {
    const channel = cheapest(left, (j) => rowNorm(fitted, j, outputs) / (inverse[j * inputs + j] ?? 0));
    left.splice(left.indexOf(channel), 1);
    removed.push(channel);
    leave(channel, [...left, ...fixed], { inverse, fitted, inputs, outputs });
  }
  return [...fixed, ...removed.reverse()];
}

interface Elimination {
  inverse: Float64Array;
  fitted: Float64Array;
  inputs: number;
  outputs: number;
}

/** Fits the others without `channel`, and brings the inverse to that of their Gram matrix alone. */
function leave(channel: number, others: readonly number[], { inverse, fitted, inputs, outputs }: Elimination): void {
  const pivot = inverse[channel * inputs + channel] ?? 0;
  const row = inverse.slice(channel * inputs, (channel + 1) * inputs);
  const weights = fitted.slice(channel * outputs, (channel + 1) * outputs);
  for (const other of others) {
    const share = (row[other] ?? 0) / pivot;
    for (const column of others) {
      const at = other * inputs + column;
      inverse[at] = (inverse[at] ?? 0) - share * (row[column] ?? 0);
    }
    for (let k = 0; k < outputs; k++) {
      const at = other * outputs + k;
      fitted[at] = (fitted[at] ?? 0) - share * (weights[k] ?? 0);
    }
  }
}

function rowNorm(matrix: Float64Array, row: number, columns: number): number {
  return dot(matrix, row * columns, matrix, row * columns, columns);
}

/** Of equals the last, so that the order of equals is that of their indices. */
function cheapest(candidates: readonly number[], cost: (candidate: number) => number): number {
  let [best, least] = [candidates[0] ?? 0, Infinity];
  for (const candidate of candidates) {
    const value = cost(candidate);
    if (value <= least) [best, least] = [candidate, value];
  }
  return best;
}
