import { HALVES } from '../model/names.js';
import { type PartCosts, sumPartCosts } from '../target/costs.js';
import { costLimit, costOf, isRate, limitText, type Metric, metricAtCost, METRICS, metricsOf } from './constraints.js';
import { limitBasis, type Requirements, type ScoredLibrary, type SolvedArchitecture, usable } from './solve.js';

/** A limit beside what an architecture makes of it, in base units: tokens/s, bytes, seconds, parameters. */
export interface LimitUse {
  metric: Metric;
  /** As in the spec: `>= 2.17x`. */
  text: string;
  /** What the limit allows, margin included. */
  allowed: number;
  used: number;
  /** How far `used` is on the allowed side. */
  slack: number;
  /** It holds the objective up. */
  binding: boolean;
  /** By how many nats/token the objective falls per base unit by which the limit gives way. */
  shadowPrice: number;
}

/** What a metric can be at all, in base units. */
export interface MetricRange {
  metric: Metric;
  min: number;
  max: number;
  parent: number;
}

/** The limits of `requirements`, in their order, beside the architecture that {@link solveLibrary} found within them. */
export function limitUses(
  solved: SolvedArchitecture,
  { costs }: ScoredLibrary,
  { constraints, margin, relativeTo }: Requirements,
): LimitUse[] {
  const basis = limitBasis(costs, margin, relativeTo);
  return constraints.map((constraint, i): LimitUse => {
    const { metric, relation } = constraint;
    const { binding = false, shadowPrice = 0 } = solved.limits[i] ?? {};
    const cost = costLimit(constraint, basis);
    const allowed = metricAtCost(metric, cost, costs.workload);
    const used = solved.totals[metric];
    return {
      metric,
      text: limitText(constraint),
      allowed,
      used,
      // Sums of decimals may be beyond the limit by what rounding does.
      slack: Math.max(0, relation === '<=' ? allowed - used : used - allowed),
      binding,
      // The solver's price is per second: a token/s less, of `allowed = tokens / cost`, is worth `cost / allowed` of those.
      shadowPrice: isRate(metric) ? (shadowPrice * cost) / allowed : shadowPrice,
    };
  });
}

/** The least and the most that each metric can be in a library, whatever the limits and rules. */
export function metricRanges({ scores, costs }: ScoredLibrary): MetricRange[] {
  const parent = limitBasis(costs, 0).parent;
  const halves = costs.layers.flatMap((layer, i) => {
    const variants = usable(layer, scores[i]);
    return HALVES.map((half) => variants[half].map(({ variant }) => variant));
  });
  /** The metrics of the model that has the extreme of one cost in every half. */
  const extreme = (cost: keyof PartCosts, sign: 1 | -1) => {
    const parts = halves.map((half) => half.reduce((a, b) => (sign * b[cost] > sign * a[cost] ? b : a)));
    return metricsOf(sumPartCosts([costs.nonBlock, ...parts]), costs.workload);
  };
  return METRICS.map((metric) => {
    const both = [extreme(costOf(metric), 1)[metric], extreme(costOf(metric), -1)[metric]];
    return { metric, min: Math.min(...both), max: Math.max(...both), parent: parent[metric] };
  });
}
