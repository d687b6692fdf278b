import type { MetricRange } from '../../src/protocol/solution.js';

/** Positions of a limit's slider: 0 to this. */
export const SLIDER_STEPS = 200;
/** A range that spans more than this factor is laid out in equal factors, not in equal differences. */
const LOGARITHMIC_FROM = 4;

function isLogarithmic({ min, max }: MetricRange): boolean {
  return min > 0 && max / min > LOGARITHMIC_FROM;
}

/** Where a value (in base units) stands on the slider; at an end, where it is beyond it. */
export function sliderPosition(range: MetricRange, value: number): number {
  const { min, max } = range;
  if (!(max > min)) return 0;
  const share = isLogarithmic(range) ? Math.log(value / min) / Math.log(max / min) : (value - min) / (max - min);
  return Math.round(SLIDER_STEPS * Math.min(1, Math.max(0, share)));
}

/** The value (in base units) at a position. */
export function sliderValue(range: MetricRange, position: number): number {
  const { min, max } = range;
  const share = position / SLIDER_STEPS;
  return isLogarithmic(range) ? min * (max / min) ** share : min + (max - min) * share;
}
