/** Points of a loss curve, in the order of their steps; `null` stands for a value that was not finite. */
export interface LossPoints {
  steps: number[];
  values: (number | null)[];
}

/** A curve is a picture: more points than this, beside the first, nobody sees. */
const MAX_POINTS = 200;
/** Points are passed on together, this often at most. */
const INTERVAL_MS = 200;
/** Of each value: what follows is less than a pixel, and would only fill the log. */
const SIGNIFICANT_DIGITS = 6;

/**
 * A loss curve while it is made: evenly thinned, and passed on in batches, however quick the steps are. Which steps
 * become points depends on their numbers alone, so that training that is repeated gives the same curve.
 */
export class LossCurve {
  private readonly every: number;
  private points: LossPoints = { steps: [], values: [] };
  private passedOnAt = performance.now();

  /** @param steps expected in all */
  constructor(
    steps: number,
    private readonly passOn: (points: LossPoints) => void,
  ) {
    this.every = Math.max(1, Math.ceil(steps / MAX_POINTS));
  }

  /** The loss of step 1, 2, … */
  add(step: number, loss: number): void {
    const finite = Number.isFinite(loss);
    // Always a point: the first step, which tells training that begins again from training that goes on; and where a loss
    // ceases to be a number.
    if (finite && step !== 1 && step % this.every !== 0) return;
    this.points.steps.push(step);
    this.points.values.push(finite ? Number(loss.toPrecision(SIGNIFICANT_DIGITS)) : null);
    if (performance.now() - this.passedOnAt >= INTERVAL_MS) this.flush();
  }

  /** Passes on what is left. */
  flush(): void {
    if (this.points.steps.length === 0) return;
    this.passOn(this.points);
    this.points = { steps: [], values: [] };
    this.passedOnAt = performance.now();
  }
}
