import * as l10n from '@vscode/l10n';
import type { MetricName, MetricRange } from '../../src/protocol/solution.js';

export type Relation = '<=' | '>=';

/** A limit as the spec writes it, taken apart: `<= 60%` is `<=`, 60 and `%`. */
export interface Limit {
  relation: Relation;
  /** In `unit`. */
  value: number;
  unit: string;
}

const RATE = { 'tokens/s': 1 };
const SECONDS = { s: 1, ms: 1e-3 };
const BYTES = { B: 1, KiB: 2 ** 10, MiB: 2 ** 20, GiB: 2 ** 30, TiB: 2 ** 40, KB: 1e3, MB: 1e6, GB: 1e9, TB: 1e12 };
/** Base units of the metric in each absolute unit that a spec may use. */
const ABSOLUTE: Readonly<Record<MetricName, Readonly<Record<string, number>>>> = {
  throughput: RATE,
  generatedThroughput: RATE,
  memory: BYTES,
  latency: SECONDS,
  timeToFirstToken: SECONDS,
  timePerOutputToken: SECONDS,
  parameters: { '': 1, K: 1e3, M: 1e6, B: 1e9 },
  kvCache: BYTES,
};
/** Shares of the parent's own value. */
const RELATIVE: Readonly<Record<string, number>> = { '%': 0.01, x: 1 };

/** The side on which a limit of each metric is of use, and the unit it is usually given in. */
const USUAL: Readonly<Record<MetricName, Omit<Limit, 'value'>>> = {
  throughput: { relation: '>=', unit: 'x' },
  generatedThroughput: { relation: '>=', unit: 'x' },
  memory: { relation: '<=', unit: '%' },
  latency: { relation: '<=', unit: '%' },
  timeToFirstToken: { relation: '<=', unit: '%' },
  timePerOutputToken: { relation: '<=', unit: '%' },
  parameters: { relation: '<=', unit: '%' },
  kvCache: { relation: '<=', unit: '%' },
};

const SIGNS: Readonly<Record<string, Relation>> = { '<=': '<=', '≤': '<=', '>=': '>=', '≥': '>=' };
const LIMIT = /^\s*(<=|>=|≤|≥)?\s*(\d+(?:\.\d+)?(?:e[+-]?\d+)?)\s*(\S*)\s*$/i;
/** Digits that a slider or a conversion leaves. */
const DIGITS = 3;

/** Of a library made elsewhere: its own unit, which has no name. */
const OWN_UNIT: Readonly<Record<string, number>> = { '': 1 };

function absoluteUnits(metric: string): Readonly<Record<string, number>> {
  return isMetric(metric) ? ABSOLUTE[metric] : OWN_UNIT;
}

function isMetric(metric: string): metric is MetricName {
  return Object.hasOwn(ABSOLUTE, metric);
}

export function isRelative(unit: string): boolean {
  return Object.hasOwn(RELATIVE, unit);
}

/** Units that a limit of this metric may have: relative ones first. */
export function unitsOf(metric: string): readonly string[] {
  // How many times the parent's is the metrics' own way to say it.
  const relative = Object.keys(RELATIVE).filter((unit) => unit === '%' || isMetric(metric));
  return [...relative, ...Object.keys(absoluteUnits(metric))];
}

/** A limit's text taken apart; what it leaves out is as in `given`. Null where it is not understood. */
export function parseLimit(metric: string, text: string, given: Omit<Limit, 'value'>): Limit | null {
  const [, sign, digits = '', unitText = ''] = LIMIT.exec(text) ?? [];
  const value = Number(digits);
  if (!(value > 0 && Number.isFinite(value))) return null;
  const unit = unitsOf(metric).find((known) => sameUnit(known, unitText === '' ? given.unit : unitText));
  return unit === undefined ? null : { relation: SIGNS[sign ?? ''] ?? given.relation, value, unit };
}

function sameUnit(known: string, text: string): boolean {
  return known.toLowerCase() === text.toLowerCase().replace('×', 'x');
}

/** A limit of the spec as it stands in the file; null where it is not understood. There, no unit is a unit too. */
export function readLimit(metric: string, text: string): Limit | null {
  return parseLimit(metric, text, { relation: usualLimit(metric).relation, unit: '' });
}

/** What a limit of this metric usually is, where nothing says otherwise. */
export function usualLimit(metric: string): Omit<Limit, 'value'> {
  return isMetric(metric) ? USUAL[metric] : { relation: '<=', unit: '%' };
}

/** As the spec writes it: `<= 60%`, `>= 2.17x`, `<= 20 MiB`. */
export function limitText(metric: string, limit: Limit): string {
  return `${limit.relation} ${amountText(metric, limit)}`;
}

/** Value and unit: `60%`, `2.17x`, `20 MiB`, `3M`. */
function amountText(metric: string, { value, unit }: Omit<Limit, 'relation'>): string {
  return `${value}${isRelative(unit) || unit === '' || metric === 'parameters' ? '' : ' '}${unit}`;
}

/** Value and unit as people read them: `2.17×`. */
export function shownAmount(metric: string, amount: Omit<Limit, 'relation'>): string {
  return amountText(metric, amount).replace(/x$/, '×');
}

/** Base units of the metric (tokens/s, bytes, seconds, parameters) in one `unit`. */
function unitScale(metric: string, unit: string, { parent }: Pick<MetricRange, 'parent'>): number {
  return (isRelative(unit) ? (RELATIVE[unit] ?? 1) * parent : absoluteUnits(metric)[unit]) ?? 1;
}

/** What a limit allows, in base units of its metric. */
export function toBase(metric: string, { value, unit }: Omit<Limit, 'relation'>, range: MetricRange): number {
  return value * unitScale(metric, unit, range);
}

/** The limit that allows `base`, in few digits, rounded so that `base` itself is still allowed. */
export function fromBase(metric: string, given: Omit<Limit, 'value'>, base: number, range: MetricRange): Limit {
  const value = base / unitScale(metric, given.unit, range);
  return { ...given, value: roundedOutward(given.relation, value) };
}

function roundedOutward(relation: Relation, value: number): number {
  if (!(value > 0)) return value;
  const step = 10 ** (Math.floor(Math.log10(value)) + 1 - DIGITS);
  const steps = value / step;
  // A value that has few digits already may miss its own step by a rounding error.
  const near = Math.round(steps);
  const whole = Math.abs(steps - near) < 1e-9 * steps ? near : relation === '<=' ? Math.ceil(steps) : Math.floor(steps);
  return Number((whole * step).toPrecision(DIGITS + 1));
}

/** What the metric can be at all, in the unit of a limit: `19.2% to 100%`. */
export function rangeText(metric: string, unit: string, range: MetricRange): string {
  const end = (base: number, relation: Relation): string =>
    shownAmount(metric, base > 0 ? fromBase(metric, { relation, unit }, base, range) : { value: 0, unit });
  // Both ends are ends that can be reached.
  return l10n.t('{0} to {1}', end(range.min, '<='), end(range.max, '>='));
}
