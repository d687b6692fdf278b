import { InputError } from '../common/errors.js';
import { BYTE_SIZES } from '../common/units.js';
import type { Workload } from '../model/accounting.js';
import { type LibraryCosts, type PartCosts, sumPartCosts } from '../target/costs.js';
import { generatedTokens, workloadTokens } from '../target/workload.js';

/** What can be limited. */
export const METRICS = [
  'throughput',
  'generatedThroughput',
  'memory',
  'latency',
  'timeToFirstToken',
  'timePerOutputToken',
  'parameters',
  'kvCache',
] as const;
export type Metric = (typeof METRICS)[number];

/** A whole model's metrics, in base units: tokens per second, bytes, seconds, parameters. */
export type Metrics = Record<Metric, number>;

type Relation = '<=' | '>=';

/** A limit as the user wrote it. */
export interface Constraint {
  metric: Metric;
  relation: Relation;
  /** In `unit`. */
  value: number;
  unit: Unit;
}

/** `scale` base units of the metric, or, where it is relative, times the parent's own. */
interface Unit {
  text: string;
  scale: number;
  relative: boolean;
}

/** What turns a user's limit into one on costs that add up. */
export interface LimitBasis {
  /** What `%` and `x` are of: the parent's predicted metrics. */
  parent: Metrics;
  workload: Workload;
  /** Share by which limits on runtime are tightened. */
  margin: number;
}

/** What a metric is made of. */
interface MetricRule {
  /** The cost behind it, which adds up over the layers as the metric itself may not. */
  cost: keyof PartCosts;
  /** Where the metric is a rate: the tokens that it counts, over the seconds of `cost`. */
  tokens?: (workload: Workload) => number;
  /** Its seconds are predicted, and predictions err. */
  timed: boolean;
  units: Record<string, number>;
  example: string;
}

const SECONDS = { s: 1, ms: 1e-3 };
const RATE = { 'tokens/s': 1 };

const RULES: Record<Metric, MetricRule> = {
  throughput: { cost: 'seconds', tokens: workloadTokens, timed: true, units: RATE, example: '>= 2.17x' },
  generatedThroughput: { cost: 'seconds', tokens: generatedTokens, timed: true, units: RATE, example: '>= 2x' },
  memory: { cost: 'memory', timed: false, units: BYTE_SIZES, example: '<= 60%' },
  latency: { cost: 'seconds', timed: true, units: SECONDS, example: '<= 1.5 s' },
  timeToFirstToken: { cost: 'prefillSeconds', timed: true, units: SECONDS, example: '<= 200 ms' },
  timePerOutputToken: { cost: 'stepSeconds', timed: true, units: SECONDS, example: '<= 20 ms' },
  parameters: { cost: 'parameters', timed: false, units: { '': 1, K: 1e3, M: 1e6, B: 1e9 }, example: '<= 3M' },
  kvCache: { cost: 'kvCache', timed: false, units: BYTE_SIZES, example: '<= 50%' },
};
const RELATIVE_UNITS: Record<string, number> = { '%': 0.01, x: 1 };

/** Names by which a metric may be called, in lower case. */
const NAMES = new Map<string, Metric>([
  ...METRICS.map((metric) => [metric.toLowerCase(), metric] as const),
  ['kv', 'kvCache'],
  ['ttft', 'timeToFirstToken'],
  ['tpot', 'timePerOutputToken'],
]);

const RELATIONS: Record<string, Relation> = { '<=': '<=', '≤': '<=', '>=': '>=', '≥': '>=' };
const CONSTRAINT = /^\s*(<=|>=|≤|≥)\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(\S*)\s*$/i;
const FLAG = /^\s*([a-z]+)\s*([^a-z\s].*)$/i;
const MAX_TEXT = 80;

/** How a limit on a metric is written. */
export function limitHelp(metric: Metric): string {
  const units = Object.keys({ ...RULES[metric].units, ...RELATIVE_UNITS }).map((unit) => unit || 'no unit');
  return `write <= or >=, a number above 0, and a unit (${units.join(', ')}; % and x are relative to the parent), for example "${RULES[metric].example}"`;
}

/** A regular expression, without flags, for the texts that `parseConstraint` understands of a metric. */
export function limitPattern(metric: Metric): string {
  const units = Object.keys({ ...RULES[metric].units, ...RELATIVE_UNITS });
  const anyCase = (text: string) => text.replace(/[a-z]/gi, (c) => `[${c.toLowerCase()}${c.toUpperCase()}]`);
  const unit = units.map(anyCase).join('|');
  return `^\\s*(${Object.keys(RELATIONS).join('|')})\\s*(?=[0.]*[1-9])\\d+(\\.\\d+)?([eE][+-]?\\d+)?\\s*(${unit})\\s*$`;
}

/**
 * One entry of a spec's limits, for example `throughput` and `>= 2.17x`. Throws InputError that names the constraint, its
 * text, and what is understood.
 */
export function parseConstraint(name: string, text: string, where: string): Constraint {
  const metric = requireMetric(name, where);
  const units = { ...RULES[metric].units, ...RELATIVE_UNITS };
  const [, sign = '', digits = '', unitText = ''] = CONSTRAINT.exec(text) ?? [];
  const relation = RELATIONS[sign];
  const value = Number(digits);
  const unit = Object.keys(units).find((known) => known.toLowerCase() === unitText.toLowerCase());
  if (relation === undefined || unit === undefined || !(value > 0 && Number.isFinite(value))) {
    const shown = text.length > MAX_TEXT ? `${text.slice(0, MAX_TEXT)}…` : text;
    throw new InputError(`"${shown}" is not understood; ${limitHelp(metric)}`, `${where}.${name}`);
  }
  const relative = Object.hasOwn(RELATIVE_UNITS, unit);
  return { metric, relation, value, unit: { text: unit, scale: units[unit] ?? 1, relative } };
}

/** The limits of a spec. Throws InputError as `parseConstraint`, and where two entries say the same thing. */
export function parseConstraints(limits: Readonly<Record<string, string>>, where = 'limits'): Constraint[] {
  return withoutRepeats(
    Object.entries(limits).map(([name, text]) => parseConstraint(name, text, where)),
    where,
  );
}

/** Constraints as on a command line, for example `memory<=60%`. */
export function parseConstraintFlags(flags: readonly string[], where = '--constraint'): Constraint[] {
  const constraints = flags.map((flag) => {
    const [, name, text] = FLAG.exec(flag) ?? [];
    if (name === undefined || text === undefined) {
      const shown = flag.slice(0, MAX_TEXT);
      throw new InputError(`"${shown}" is not understood; write for example "memory<=60%"`, where);
    }
    return parseConstraint(name, text, where);
  });
  return withoutRepeats(constraints, where);
}

/** `constraints`, with those that `replacements` says otherwise about replaced, and its others added. */
export function replaceConstraints(
  constraints: readonly Constraint[],
  replacements: readonly Constraint[],
): Constraint[] {
  const kept = constraints.filter((old) => !replacements.some((constraint) => sameSide(old, constraint)));
  return [...kept, ...replacements];
}

/** The metric that goes by a name, in any case; undefined where none does. */
export function metricNamed(name: string): Metric | undefined {
  return NAMES.get(name.toLowerCase());
}

/** As {@link metricNamed}; throws InputError, with what is possible, where there is none. */
export function requireMetric(name: string, where: string): Metric {
  const metric = metricNamed(name);
  if (metric !== undefined) return metric;
  throw new InputError(`"${name.slice(0, MAX_TEXT)}" cannot be limited; possible: ${METRICS.join(', ')}`, where);
}

function withoutRepeats(constraints: Constraint[], where: string): Constraint[] {
  for (const [i, constraint] of constraints.entries()) {
    const other = constraints.slice(0, i).find((earlier) => sameSide(earlier, constraint));
    if (other === undefined) continue;
    const both = `"${constraintText(other)}" and "${constraintText(constraint)}"`;
    throw new InputError(`${both} limit the same thing twice; keep one`, where);
  }
  return constraints;
}

function sameSide(a: Constraint, b: Constraint): boolean {
  return a.metric === b.metric && a.relation === b.relation;
}

/** A constraint as a person would write it; with another value, if one is given. */
export function constraintText(constraint: Constraint, value = constraint.value): string {
  return `${constraint.metric} ${limitText(constraint, value)}`;
}

/** What stands beside the metric in a spec: `>= 2.17x`; with another value, if one is given. */
export function limitText(constraint: Constraint, value = constraint.value): string {
  return `${constraint.relation} ${amountText(constraint, value)}`;
}

/** A value in the unit of a constraint: `60%`, `2.17x`, `3M`, `1.5 s`. */
export function amountText({ metric, unit }: Constraint, value: number): string {
  return `${value}${unit.relative || metric === 'parameters' ? '' : ' '}${unit.text}`;
}

function ofEach(value: (metric: Metric, rule: MetricRule) => number): Metrics {
  return Object.fromEntries(METRICS.map((metric) => [metric, value(metric, RULES[metric])])) as Metrics;
}

/** The metrics of a model by its costs. */
export function metricsOf(costs: PartCosts, workload: Workload): Metrics {
  return ofEach((metric) => metricAtCost(metric, costs[RULES[metric].cost], workload));
}

/** The predicted metrics of the parent: the first variant of every half. */
export function parentMetrics({ nonBlock, layers, workload }: LibraryCosts): Metrics {
  const own = layers.flatMap(({ attention, ffn }) => [...attention.slice(0, 1), ...ffn.slice(0, 1)]);
  return metricsOf(sumPartCosts([nonBlock, ...own]), workload);
}

/** A metric by the additive cost behind it, and the other way round. */
export function metricAtCost(metric: Metric, cost: number, workload: Workload): number {
  const tokens = RULES[metric].tokens?.(workload);
  // Nothing counted is nothing per second, and takes no second.
  return tokens === undefined ? cost : tokens === 0 ? 0 : tokens / cost;
}

/**
 * The cost behind each metric, which adds up over the layers as the metric itself may not: for throughput, the seconds of
 * the workload. The solver knows them by the metrics' names.
 */
export function additiveCosts(costs: PartCosts): Metrics {
  return ofEach((_, { cost }) => costs[cost]);
}

/** What `additiveCosts` is of. */
export function costOf(metric: Metric): keyof PartCosts {
  return RULES[metric].cost;
}

/** Whether a metric counts tokens per second, so that its cost falls as it rises. */
export function isRate(metric: Metric): boolean {
  return RULES[metric].tokens !== undefined;
}

/** Whether a metric is only known where runtimes are. */
export function isTimed(metric: Metric): boolean {
  return RULES[metric].timed;
}

/** Which side of the additive cost a constraint bounds: runtime from above where throughput is bounded from below. */
export function boundOf({ metric, relation }: Constraint): 'max' | 'min' {
  return (relation === '<=') === isRate(metric) ? 'min' : 'max';
}

/** The additive cost at which a constraint is just met. Throws InputError for a rate of tokens that are not there. */
export function costLimit(constraint: Constraint, basis: LimitBasis): number {
  if (RULES[constraint.metric].tokens?.(basis.workload) === 0) {
    throw new InputError('nothing is generated by the workload of the target', `limits.${constraint.metric}`);
  }
  const target = constraint.value * unitScale(constraint, basis);
  return (
    metricAtCost(constraint.metric, target, basis.workload) * tightening(constraint.metric, boundOf(constraint), basis)
  );
}

/** The value, in its own unit, with which a constraint is just met at this additive cost: `costLimit` backwards. */
export function valueAtCost(constraint: Constraint, cost: number, basis: LimitBasis): number {
  return metricAtLimit(constraint.metric, boundOf(constraint), cost, basis) / unitScale(constraint, basis);
}

/** The metric, in base units, with which a limit on one side of its additive cost is just met at `cost`, margin included. */
export function metricAtLimit(
  metric: Metric,
  bound: 'max' | 'min',
  cost: number,
  basis: Pick<LimitBasis, 'workload' | 'margin'>,
): number {
  return metricAtCost(metric, cost / tightening(metric, bound, basis), basis.workload);
}

/** `value` with few digits, away from the allowed side, so that what just meets it still does. */
export function roundedOutward({ relation }: Constraint, value: number, digits = 4): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) + 1 - digits);
  const steps = relation === '<=' ? Math.ceil(value / step) : Math.floor(value / step);
  return Number((steps * step).toPrecision(digits + 1));
}

/** Base units of the metric in one of the constraint's. */
function unitScale({ metric, unit }: Constraint, { parent }: LimitBasis): number {
  return unit.relative ? unit.scale * parent[metric] : unit.scale;
}

/** Predictions of runtime err, those of the others do not. */
function tightening(metric: Metric, bound: 'max' | 'min', { margin }: Pick<LimitBasis, 'margin'>): number {
  if (!isTimed(metric)) return 1;
  return bound === 'max' ? 1 - margin : 1 + margin;
}
