import { cholesky, forwardSolve, solveFactored } from './linear-algebra.js';

/** One half of a layer as an architecture has it. */
export interface HalfScore {
  variant: string;
  /** KL of the full parent with this alone swapped in, nats/token; 0 for the parent's own. */
  score: number;
}

/** The halves of choice j of layer l: `[l][j]`, attention and FFN. */
export type ChoiceScores = readonly (readonly (readonly HalfScore[])[])[];

/** One architecture, a choice per layer, and its measured KL, nats/token. */
export interface Observation {
  architecture: readonly number[];
  kl: number;
}

/** What is expected of an architecture: mean and standard deviation, nats/token. */
export interface Expectation {
  mean: number;
  deviation: number;
}

/** Prior variances of what is not known: of every half and of every pair of halves, in units of their scores. */
const HALF_VARIANCE = 0.3;
const PAIR_VARIANCE = 0.3;
/** How much of the errors of two variants of the same half is the same, beside what the lower of their scores says. */
const LIKENESS = 0.8;
/** Of the two sums of `sums`: without anything measured the KL is the plain one. */
const PRIOR_WEIGHTS = [1, 0] as const;
const WEIGHT_VARIANCE = 1;

/**
 * Predicts the KL of any architecture from those measured so far: a Gaussian process (Rasmussen and Williams 2006, 2.7).
 * In second order a KL is a sum over pairs of halves, with terms of the size of √(s_a s_b), s being their scores; the terms
 * of a half with itself are the scores. So the mean is the sum of scores and, as far as what was measured asks for it, of
 * all pairs alike; around it every half and every pair has its own error.
 */
export class Surrogate {
  private readonly observed: readonly (readonly HalfScore[])[];
  private readonly factor: readonly (readonly number[])[];
  private readonly pulls: readonly number[];

  constructor(
    private readonly choices: ChoiceScores,
    observations: readonly Observation[],
    /** Standard deviation of what was measured, nats/token: the model need not pass through it. */
    noise: number,
  ) {
    this.observed = observations.map(({ architecture }) => this.halves(architecture));
    const kls = observations.map(({ kl }) => kl);
    this.factor = cholesky(
      this.observed.map((x, i) => this.observed.map((y, j) => covariance(x, y) + (i === j ? noise ** 2 : 0))),
    );
    this.pulls = solveFactored(
      this.factor,
      kls.map((kl, i) => kl - inner(PRIOR_WEIGHTS, sums(this.observed[i] ?? []))),
    );
  }

  /** The expected KL, nats/token. */
  predict(architecture: readonly number[]): number {
    const halves = this.halves(architecture);
    return inner(PRIOR_WEIGHTS, sums(halves)) + inner(this.pulls, this.covariances(halves));
  }

  /** The expected KL and how uncertain it is. */
  expect(architecture: readonly number[]): Expectation {
    const halves = this.halves(architecture);
    const covariances = this.covariances(halves);
    const known = forwardSolve(this.factor, covariances);
    return {
      mean: inner(PRIOR_WEIGHTS, sums(halves)) + inner(this.pulls, covariances),
      deviation: Math.sqrt(Math.max(0, covariance(halves, halves) - inner(known, known))),
    };
  }

  private covariances(halves: readonly HalfScore[]): number[] {
    return this.observed.map((x) => covariance(halves, x));
  }

  private halves(architecture: readonly number[]): HalfScore[] {
    return architecture.flatMap((choice, layer) => this.choices[layer]?.[choice] ?? []);
  }
}

/** The sum of scores, and the same over all pairs: (Σ √s)². */
function sums(halves: readonly HalfScore[]): [number, number] {
  let [plain, roots] = [0, 0];
  for (const { score } of halves) {
    plain += score;
    roots += Math.sqrt(score);
  }
  return [plain, roots ** 2];
}

/** Of two predictions: they share the errors of halves that are the same, or as far as the smaller of two does less. */
function covariance(x: readonly HalfScore[], y: readonly HalfScore[]): number {
  let [shared, squares] = [0, 0];
  for (const [place, half] of x.entries()) {
    const other = y[place];
    if (other === undefined) continue;
    const alike = Math.min(half.score, other.score) * (half.variant === other.variant ? 1 : LIKENESS);
    shared += alike;
    squares += alike ** 2;
  }
  return WEIGHT_VARIANCE * inner(sums(x), sums(y)) + PAIR_VARIANCE * shared ** 2 + HALF_VARIANCE * squares;
}

function inner(a: readonly number[], b: readonly number[]): number {
  let sum = 0;
  for (const [i, value] of a.entries()) sum += value * (b[i] ?? 0);
  return sum;
}
