import { InputError } from '../common/errors.js';
import { explain } from '../solver/explain.js';
import { type Axis, diverse, front, type Pause } from '../solver/front.js';
import type { Solution } from '../solver/solve.js';
import { solve } from '../solver/solve.js';
import { sumPartCosts } from '../target/costs.js';
import {
  boundOf,
  type Constraint,
  constraintText,
  isRate,
  type Metric,
  type Metrics,
  metricAtLimit,
  metricsOf,
  valueAtCost,
} from './constraints.js';
import { type AdditiveProgram, formulate, type LayerChoice, type Requirements, type ScoredLibrary } from './solve.js';

/** One of several architectures of a library. */
export interface Alternative {
  status: Solution['status'];
  objective: number;
  gap: number;
  architecture: LayerChoice[];
  /** Predicted. */
  totals: Metrics;
}

export interface MetricPoint extends Alternative {
  /**
   * The limits on the metrics that were asked about, as their value: tokens/s, bytes, seconds, parameters. With the margin
   * of the requirements it is this that the architecture is the best for.
   */
  limits: Partial<Metrics>;
}

/**
 * The least sum of scores as a function of limits on one metric or two, the other limits and the rules as they are.
 *
 * @param points along each, or for each its own
 * @throws InputError for a metric twice, or more points than a front may have
 */
export async function libraryFront(
  library: ScoredLibrary,
  requirements: Requirements,
  metrics: readonly Metric[],
  points: number | readonly number[],
  pause?: Pause,
): Promise<MetricPoint[]> {
  if (new Set(metrics).size < metrics.length) throw new InputError('names a metric twice; give one or two', 'front');
  const program = formulate(library, requirements);
  const axes = metrics.map((metric): Axis => {
    const own = requirements.constraints.find((constraint) => constraint.metric === metric);
    return { cost: metric, bound: own === undefined ? 'max' : boundOf(own) };
  });
  const found = await front(program.problem, axes, points, {}, pause);
  return found.map(({ limits, solution }) => ({
    limits: Object.fromEntries(
      metrics.map((metric, i) => [
        metric,
        metricAtLimit(metric, axes[i]?.bound ?? 'max', limits[i] ?? 0, program.basis),
      ]),
    ),
    ...alternative(program, library, solution),
  }));
}

/** Up to `count` architectures that differ from each other, as {@link diverse} finds them. */
export async function libraryDiverse(
  library: ScoredLibrary,
  requirements: Requirements,
  count: number,
  maxOverlap: number,
  pause?: Pause,
): Promise<Alternative[]> {
  const program = formulate(library, requirements);
  const found = await diverse(program.problem, count, maxOverlap, undefined, pause);
  return found.map((solution) => alternative(program, library, solution));
}

/** What a limit of the user costs; values are in its own unit, so that the constraint could say them. */
export interface LimitReason {
  metric: Metric;
  text: string;
  /** By how much the objective falls per additive unit (byte, second, parameter) by which the limit gives way. */
  price: number;
  /** The same price holds with the limit anywhere between; null: without end. */
  from: number | null;
  to: number | null;
  /** The best for a little more. */
  more: { value: number; objective: number } | null;
}

/** What another choice of a layer would cost: at least `otherwise` nats/token, or exactly that. */
export interface LayerWhy {
  layer: number;
  choice: string;
  second: string | null;
  otherwise: number | null;
  exact: boolean;
}

/** Why the answer to these requirements is as it is; undefined where there is none. */
export async function explainLibrary(
  library: ScoredLibrary,
  requirements: Requirements,
): Promise<{ limits: LimitReason[]; layers: LayerWhy[] } | undefined> {
  const { candidates, problem, basis } = formulate(library, requirements);
  const solution = await solve(problem);
  if (solution.status === 'infeasible' || solution.status === 'undecided') return undefined;
  const { limits, layers } = await explain(problem, solution);
  const nameOf = (layer: number, choice: number | undefined) => candidates[layer]?.[choice ?? -1]?.choice.name ?? null;
  return {
    limits: requirements.constraints.flatMap((constraint): LimitReason[] => {
      const priced = limits.find(({ cost, bound }) => cost === constraint.metric && bound === boundOf(constraint));
      if (priced === undefined) return [];
      const inUnit = (cost: number) => (Number.isFinite(cost) ? valueAtCost(constraint, cost, basis) : null);
      const ends = [inUnit(priced.from), inUnit(priced.to)] as const;
      const [from, to] = isInverted(constraint) ? [ends[1], ends[0]] : ends;
      const { metric } = constraint;
      const more =
        priced.more === undefined
          ? null
          : { value: valueAtCost(constraint, priced.more.limit, basis), objective: priced.more.objective };
      return [{ metric, text: constraintText(constraint), price: priced.price, from, to, more }];
    }),
    layers: layers.map(({ layer, choice, second, otherwise = null, exact }) => ({
      layer,
      choice: nameOf(layer, choice) ?? '',
      second: nameOf(layer, second),
      otherwise,
      exact,
    })),
  };
}

function isInverted({ metric }: Constraint): boolean {
  return isRate(metric);
}

function alternative({ candidates }: AdditiveProgram, { costs }: ScoredLibrary, solution: Solution): Alternative {
  const { status, objective, gap, choices } = solution;
  const pairs = choices.flatMap((choice, layer) => candidates[layer]?.[choice] ?? []);
  return {
    status,
    objective,
    gap,
    architecture: pairs.map(({ attention, ffn, choice: { score } }) => ({
      attention: attention.name,
      ffn: ffn.name,
      score,
    })),
    totals: metricsOf(
      sumPartCosts([costs.nonBlock, ...pairs.flatMap(({ attention, ffn }) => [attention, ffn])]),
      costs.workload,
    ),
  };
}
