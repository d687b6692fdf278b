import type { ChartOptions } from '../state/ui-state.js';
import type { Curve } from './groups.js';
import { smooth } from './smooth.js';

/** Curves over one common axis: `undefined` where a curve has no point at a step, null where its value is not shown. */
export interface AlignedCurves {
  steps: number[];
  values: (number | null | undefined)[][];
}

type PointOptions = Pick<ChartOptions, 'scale' | 'smoothing'>;

/** What the chart draws of the curves. On a logarithmic scale what is not positive is not shown. */
export function alignCurves(curves: readonly Curve[], { scale, smoothing }: PointOptions): AlignedCurves {
  const steps = [...new Set(curves.flatMap(({ series }) => series.steps))].sort((one, other) => one - other);
  const place = new Map(steps.map((step, index) => [step, index]));
  const values = curves.map(({ series }) => {
    const row = new Array<number | null | undefined>(steps.length).fill(undefined);
    const smoothed = smooth(series.values, smoothing);
    series.steps.forEach((step, index) => {
      const value = smoothed[index] ?? null;
      const at = place.get(step);
      if (at !== undefined) row[at] = value !== null && scale === 'log' && value <= 0 ? null : value;
    });
    return row;
  });
  return { steps, values };
}

/** The value of a curve at a step, or the last before it; undefined where it has not begun. */
export function valueAt({ series: { steps, values } }: Curve, step: number): number | null | undefined {
  let index = steps.length - 1;
  while (index >= 0 && (steps[index] ?? 0) > step) index--;
  return index < 0 ? undefined : values[index];
}

/** At most `most` of the steps, evenly spread, first and last among them. */
export function sampleSteps(steps: readonly number[], most: number): number[] {
  if (steps.length <= most) return [...steps];
  const places = Array.from({ length: most }, (_, index) => Math.round((index * (steps.length - 1)) / (most - 1)));
  return places.flatMap((place) => steps[place] ?? []);
}
