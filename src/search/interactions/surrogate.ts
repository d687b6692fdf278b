import { solveSymmetric } from './linear-algebra.js';
import { type Marks, placesOf } from './marks.js';

/** One architecture, a choice per layer, and its measured KL, nats/token. */
export interface Observation {
  architecture: readonly number[];
  kl: number;
}

/** Prior standard deviations of what the sums below miss: per pair of marks, and per mark, as shares of their scores. */
const PAIR_VARIANCE = 0.1;
const MARK_VARIANCE = 0.1;
/** Measured KLs are trusted to this share of their mean: the model need not pass through each. */
const NOISE = 0.01;
/** The prior of the two weights of the sums: the superposed one alone. */
const PRIOR_WEIGHTS = [1, 0] as const;

/**
 * Predicts the KL of any architecture from those measured so far. Its prior is superposition: the changes of the logits
 * that the variants make alone add up, so that the KL, their square in the metric of KL, is a sum over pairs of variants,
 * √(s_a s_b) times the cosine of their sketches (s: scores; without the cosines of different marks this is the sum of
 * scores). What was measured corrects it: a Gaussian process (Rasmussen and Williams 2006, 2.7) whose mean is a weighted
 * superposed and plain sum, and whose covariance is that of independent errors of every mark and pair of marks.
 */
export class Surrogate {
  private readonly observed: readonly (readonly (number | undefined)[])[];
  private readonly weights: readonly number[];
  private readonly pulls: readonly number[];

  constructor(
    private readonly marks: Marks,
    observations: readonly Observation[],
  ) {
    this.observed = observations.map(({ architecture }) => placesOf(marks, architecture));
    const kls = observations.map(({ kl }) => kl);
    const noise = (NOISE * kls.reduce((sum, kl) => sum + kl, 0)) / Math.max(1, kls.length);
    const covariance = this.observed.map((x, i) =>
      this.observed.map((y, j) => this.covariance(x, y) + (i === j ? noise ** 2 : 0)),
    );
    const sums = this.observed.map((x) => this.sums(x));
    const whitened = PRIOR_WEIGHTS.map((_, k) =>
      solveSymmetric(
        covariance,
        sums.map((row) => row[k] ?? 0),
      ),
    );
    const normal = whitened.map((column, i) =>
      whitened.map(
        (_, j) =>
          inner(
            column,
            sums.map((row) => row[j] ?? 0),
          ) + (i === j ? 1 : 0),
      ),
    );
    this.weights = solveSymmetric(
      normal,
      whitened.map((column, k) => inner(column, kls) + (PRIOR_WEIGHTS[k] ?? 0)),
    );
    this.pulls = solveSymmetric(
      covariance,
      kls.map((kl, i) => kl - inner(this.weights, sums[i] ?? [])),
    );
  }

  /** The expected KL, nats/token. */
  predict(architecture: readonly number[]): number {
    const places = placesOf(this.marks, architecture);
    const correction = this.observed.reduce((sum, x, i) => sum + (this.pulls[i] ?? 0) * this.covariance(places, x), 0);
    return inner(this.weights, this.sums(places)) + correction;
  }

  /** The superposed and the plain sum of scores. */
  private sums(places: readonly (number | undefined)[]): [number, number] {
    const { scores, cosines } = this.marks;
    const marks = places.filter((mark) => mark !== undefined);
    let [superposed, plain] = [0, 0];
    for (const a of marks) {
      plain += scores[a] as number;
      for (const b of marks) {
        superposed +=
          ((cosines[a] as Float64Array)[b] as number) * Math.sqrt((scores[a] as number) * (scores[b] as number));
      }
    }
    return [superposed, plain];
  }

  /** Of the errors of two predictions: they share those of the marks that they share, or that are alike. */
  private covariance(x: readonly (number | undefined)[], y: readonly (number | undefined)[]): number {
    const { scores, cosines } = this.marks;
    let [shared, squares] = [0, 0];
    for (let place = 0; place < x.length; place++) {
      const [a, b] = [x[place], y[place]];
      if (a === undefined || b === undefined) continue;
      const cosine = Math.max(0, (cosines[a] as Float64Array)[b] as number);
      const alike = cosine ** 2 * Math.sqrt((scores[a] as number) * (scores[b] as number));
      shared += alike;
      squares += alike ** 2;
    }
    return PAIR_VARIANCE * shared ** 2 + MARK_VARIANCE * squares;
  }
}

function inner(a: readonly number[], b: readonly number[]): number {
  return a.reduce((sum, value, i) => sum + value * (b[i] ?? 0), 0);
}
