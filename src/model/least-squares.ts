import {
  cholesky,
  choleskySolve,
  dot,
  meanDiagonal,
  NotPositiveDefinite,
  product,
  withDiagonal,
} from '../common/cholesky.js';

/**
 * All that least squares needs to know of rows x [inputs] and y [outputs] with y ≈ Wᵀ x: sums over any number of tokens,
 * whose size does not depend on it. Matrices are row-major.
 */
export interface Moments {
  inputs: number;
  outputs: number;
  /** Σ x xᵀ, [inputs, inputs]. */
  gram: Float64Array;
  /** Σ x yᵀ, [inputs, outputs]. */
  cross: Float64Array;
  /** Σ |y|². */
  energy: number;
}

/** Of the same regression, the rows that weights are fitted to and those that a penalty is chosen on. */
export interface SplitMoments {
  training: Moments;
  heldOut: Moments;
}

export interface Fit {
  /** [inputs, outputs]. */
  weights: Float64Array;
  /** The ridge, relative to the mean of the Gram matrix's diagonal; Infinity for the prior itself. */
  penalty: number;
  /** Σ |y - Wᵀ x|² over the held-out rows. */
  error: number;
}

/** The Gram matrix of so many inputs takes 128 MiB: more are fitted panel by panel instead. */
export const MAX_GRAM_WIDTH = 4096;

/** Ridges to choose from, relative to the mean of the Gram matrix's diagonal. */
const PENALTIES = [1e-6, 1e-4, 1e-3, 1e-2, 1e-1];

export function emptyMoments(inputs: number, outputs: number): Moments {
  return {
    ...{ inputs, outputs, energy: 0 },
    gram: new Float64Array(inputs * inputs),
    cross: new Float64Array(inputs * outputs),
  };
}

/** The same rows with only some of the inputs. */
export function ofInputs({ inputs, outputs, gram, cross, energy }: Moments, kept: readonly number[]): Moments {
  const count = kept.length;
  const result = { ...emptyMoments(count, outputs), energy };
  kept.forEach((from, i) => {
    kept.forEach((column, j) => (result.gram[i * count + j] = gram[from * inputs + column] ?? 0));
    result.cross.set(cross.subarray(from * outputs, (from + 1) * outputs), i * outputs);
  });
  return result;
}

/** Σ |y - Wᵀ x|² of weights [inputs, outputs]: no row is looked at, only their moments. */
export function squaredError({ inputs, outputs, gram, cross, energy }: Moments, weights: Float64Array): number {
  const bent = product(gram, weights, [inputs, inputs, outputs]);
  const size = inputs * outputs;
  return energy - 2 * dot(weights, 0, cross, 0, size) + dot(weights, 0, bent, 0, size);
}

/**
 * The weights nearest to `prior` that least squares allows: the minimum of Σ |y - Wᵀ x|² + λ |W - prior|², with λ the
 * mean of the Gram matrix's diagonal times `penalty`.
 *
 * @throws NotPositiveDefinite where the penalty is too small for a Gram matrix without full rank.
 */
export function ridge(moments: Moments, prior: Float64Array, penalty: number): Float64Array {
  const { inputs, outputs, gram, cross } = moments;
  const lambda = penalty * meanDiagonal(gram, inputs);
  const right = Float64Array.from(cross, (value, i) => value + lambda * (prior[i] ?? 0));
  return choleskySolve(cholesky(withDiagonal(gram, inputs, lambda), inputs), inputs, right, outputs);
}

/** Ridge regression with the penalty that is best on held-out rows; the prior itself where none is better. */
export function fit(training: Moments, heldOut: Moments, prior: Float64Array): Fit {
  let best: Fit = { weights: prior, penalty: Infinity, error: squaredError(heldOut, prior) };
  for (const penalty of PENALTIES) {
    const weights = attempt(() => ridge(training, prior, penalty));
    if (weights === undefined) continue;
    const error = squaredError(heldOut, weights);
    // Not "less than the best" alone: a prior that is no number is worse than anything.
    if (error < best.error || !Number.isFinite(best.error)) best = { weights, penalty, error };
  }
  return best;
}

function attempt(solve: () => Float64Array): Float64Array | undefined {
  try {
    return solve();
  } catch (error) {
    if (error instanceof NotPositiveDefinite) return undefined;
    throw error;
  }
}
