import type { FrontPoint, MetricRange } from '../../src/protocol/solution.js';
import { type Limit, fromBase, limitText, usualLimit } from '../constraints/limit-text.js';
import { metricWords } from '../constraints/metrics.js';

/** A limit that a front goes through. */
export interface FrontAxis {
  range: MetricRange;
  /** As the spec has it; null where it has none. */
  limit: Limit | null;
}

/** The points of a front along its first limit, from low to high, under one value of the second. */
export interface FrontLine {
  /** In base units; null where there is no second limit. */
  second: number | null;
  points: FrontPoint[];
}

/** A line for each value of the second limit, in the order of the answer: from tight to loose. */
export function frontLines(points: readonly FrontPoint[]): FrontLine[] {
  const lines = new Map<number | null, FrontPoint[]>();
  for (const point of points) {
    const second = point.limits[1] ?? null;
    lines.set(second, [...(lines.get(second) ?? []), point]);
  }
  return [...lines].map(([second, line]) => ({ second, points: line.toSorted((a, b) => firstOf(a) - firstOf(b)) }));
}

/** All values of the first limit, from low to high: some may be out of reach under some of the second. */
export function firstLimits(lines: readonly FrontLine[]): number[] {
  return [...new Set(lines.flatMap(({ points }) => points.map(firstOf)))].sort((a, b) => a - b);
}

/** The point of a line at a value of the first limit. */
export function pointAt({ points }: FrontLine, first: number): FrontPoint | undefined {
  return points.find((point) => firstOf(point) === first);
}

export function firstOf({ limits: [first = 0] }: FrontPoint): number {
  return first;
}

/** A share of the parent's that is less than any part has: a limit cannot be written as 0. */
const LEAST_SHARE = 1e-6;

/** The limits that allow exactly what a point has, as the spec writes them. */
export function limitsOf({ limits }: FrontPoint, axes: readonly FrontAxis[]): Record<string, string> {
  return Object.fromEntries(
    axes.map(({ range, limit }, axis) => {
      const { metric, parent } = range;
      const value = Math.max(limits[axis] ?? 0, LEAST_SHARE * parent);
      return [metric, limitText(metric, fromBase(metric, limit ?? usualLimit(metric), value, range))];
    }),
  );
}

const SIGNS = { '<=': '≤', '>=': '≥' } as const;

/** A value of a limit with its side: `≤ 103 KiB`. */
export function valueText({ range: { metric }, limit }: FrontAxis, value: number): string {
  return `${SIGNS[(limit ?? usualLimit(metric)).relation]} ${metricWords(metric).text(value)}`;
}
