import { InputError } from '../common/errors.js';
import type { Workload } from '../model/accounting.js';
import type { PartCosts } from '../target/costs.js';
import { throughput, workloadTokens } from '../target/workload.js';

/** What can be limited. */
export const METRICS = ['throughput', 'memory', 'latency', 'parameters', 'kvCache'] as const;
export type Metric = (typeof METRICS)[number];

/** A whole model's metrics: tokens per second, bytes, seconds, parameters, bytes. */
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
  /** The parent's predicted costs. */
  parent: PartCosts;
  workload: Workload;
  /** Share by which limits on runtime are tightened. */
  margin: number;
}

const BYTES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
const UNITS: Record<Metric, Record<string, number>> = {
  throughput: { 'tokens/s': 1 },
  memory: BYTES,
  latency: { s: 1, ms: 1e-3 },
  parameters: { '': 1, K: 1e3, M: 1e6, B: 1e9 },
  kvCache: BYTES,
};
const RELATIVE_UNITS: Record<string, number> = { '%': 0.01, x: 1 };

const EXAMPLES: Record<Metric, string> = {
  throughput: '>= 2.17x',
  memory: '<= 60%',
  latency: '<= 1.5 s',
  parameters: '<= 3M',
  kvCache: '<= 50%',
};

/** Names by which a metric may be called, in lower case. */
const NAMES = new Map<string, Metric>([
  ...METRICS.map((metric) => [metric.toLowerCase(), metric] as const),
  ['kv', 'kvCache'],
]);

const RELATIONS: Record<string, Relation> = { '<=': '<=', '≤': '<=', '>=': '>=', '≥': '>=' };
const CONSTRAINT = /^\s*(<=|>=|≤|≥)\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(\S*)\s*$/i;
const FLAG = /^\s*([a-z]+)\s*([^a-z\s].*)$/i;
const MAX_TEXT = 80;

/** How a limit on a metric is written. */
export function limitHelp(metric: Metric): string {
  const units = Object.keys({ ...UNITS[metric], ...RELATIVE_UNITS }).map((unit) => unit || 'no unit');
  return `write <= or >=, a number above 0, and a unit (${units.join(', ')}; % and x are relative to the parent), for example "${EXAMPLES[metric]}"`;
}

/** A regular expression, without flags, for the texts that `parseConstraint` understands of a metric. */
export function limitPattern(metric: Metric): string {
  const units = Object.keys({ ...UNITS[metric], ...RELATIVE_UNITS });
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
  const units = { ...UNITS[metric], ...RELATIVE_UNITS };
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

/** The metrics of a model by its costs. */
export function metricsOf({ seconds, memory, parameters, kvCache }: PartCosts, workload: Workload): Metrics {
  return { throughput: throughput(workload, seconds), memory, latency: seconds, parameters, kvCache };
}

/**
 * The cost behind each metric, which adds up over the layers as the metric itself may not: for throughput, the seconds of
 * the workload. The solver knows them by the metrics' names.
 */
export function additiveCosts({ seconds, memory, parameters, kvCache }: PartCosts): Metrics {
  return { throughput: seconds, memory, latency: seconds, parameters, kvCache };
}

/** Which side of the additive cost a constraint bounds: runtime from above where throughput is bounded from below. */
export function boundOf({ metric, relation }: Constraint): 'max' | 'min' {
  return (relation === '<=') === (metric === 'throughput') ? 'min' : 'max';
}

/** The additive cost at which a constraint is just met. */
export function costLimit(constraint: Constraint, basis: LimitBasis): number {
  const target = constraint.value * unitScale(constraint, basis);
  return inverted(constraint, target, basis) * tightening(constraint, basis);
}

/** The value, in its own unit, with which a constraint is just met at this additive cost: `costLimit` backwards. */
export function valueAtCost(constraint: Constraint, cost: number, basis: LimitBasis): number {
  return inverted(constraint, cost / tightening(constraint, basis), basis) / unitScale(constraint, basis);
}

/** `value` with few digits, away from the allowed side, so that what just meets it still does. */
export function roundedOutward({ relation }: Constraint, value: number, digits = 4): number {
  if (value === 0 || !Number.isFinite(value)) return value;
  const step = 10 ** (Math.floor(Math.log10(Math.abs(value))) + 1 - digits);
  const steps = relation === '<=' ? Math.ceil(value / step) : Math.floor(value / step);
  return Number((steps * step).toPrecision(digits + 1));
}

/** Base units of the metric in one of the constraint's. */
function unitScale({ metric, unit }: Constraint, { parent, workload }: LimitBasis): number {
  return unit.relative ? unit.scale * metricsOf(parent, workload)[metric] : unit.scale;
}

/** From throughput to seconds, and from seconds to throughput. */
function inverted({ metric }: Constraint, value: number, { workload }: LimitBasis): number {
  return metric === 'throughput' ? workloadTokens(workload) / value : value;
}

/** Predictions of runtime err, those of the others do not. */
function tightening(constraint: Constraint, { margin }: LimitBasis): number {
  if (constraint.metric !== 'throughput' && constraint.metric !== 'latency') return 1;
  return boundOf(constraint) === 'max' ? 1 - margin : 1 + margin;
}
