import * as l10n from '@vscode/l10n';
import type { LimitView, MetricName } from '../../src/protocol/solution.js';
import type { Relation } from '../constraints/limit-text.js';
import { count, significant } from '../ui/format.js';

/** The step that is priced is at most this share of what the limit allows. */
const SHARE = 0.05;

const BYTE_UNITS = ['B', 'KiB', 'MiB', 'GiB', 'TiB'] as const;

interface Step {
  /** In base units of the metric. */
  size: number;
  text: string;
}

/**
 * What a limit costs, in words: `1 MiB more is worth 0.0004 nats/token`. Null where giving way is worth nothing.
 * @param relation which side the limit bounds
 * @param scoreUnit what objectives are in
 */
export function priceText(
  { metric, allowed, shadowPrice }: LimitView,
  relation: Relation,
  scoreUnit: string,
): string | null {
  if (!(shadowPrice > 0 && allowed > 0)) return null;
  const { [metric]: step = ownStep } = STEPS as Readonly<Record<string, (most: number) => Step>>;
  const { size, text } = step(allowed * SHARE);
  const worth = significant(shadowPrice * size);
  return relation === '<='
    ? l10n.t('{0} more is worth {1} {2}', text, worth, scoreUnit)
    : l10n.t('{0} less is worth {1} {2}', text, worth, scoreUnit);
}

/** The round amount of each metric that is at most so much. */
const STEPS: Readonly<Record<MetricName, (most: number) => Step>> = {
  throughput: rateStep,
  generatedThroughput: rateStep,
  memory: byteStep,
  kvCache: byteStep,
  latency: timeStep,
  timeToFirstToken: timeStep,
  timePerOutputToken: timeStep,
  parameters: (most) => named(Math.max(1, powerOfTen(most)), (size) => l10n.t('{0} parameters', plain(size))),
};

function named(size: number, text: (size: number) => string): Step {
  return { size, text: text(size) };
}

/** Of a cost in a unit of its own. */
function ownStep(most: number): Step {
  return named(powerOfTen(most), plain);
}

function rateStep(most: number): Step {
  return named(powerOfTen(most), (size) => `${plain(size)} tokens/s`);
}

function timeStep(most: number): Step {
  return named(powerOfTen(most), (size) => (size < 1 ? `${plain(size * 1000)} ms` : `${plain(size)} s`));
}

function byteStep(most: number): Step {
  const power = Math.max(0, Math.min(BYTE_UNITS.length - 1, Math.floor(Math.log2(most) / 10)));
  const inUnit = Math.max(1, powerOfTen(most / 1024 ** power));
  return { size: inUnit * 1024 ** power, text: `${plain(inUnit)} ${BYTE_UNITS[power] ?? ''}` };
}

function powerOfTen(most: number): number {
  return 10 ** Math.floor(Math.log10(most));
}

function plain(value: number): string {
  return value >= 1 ? count(value) : significant(value);
}
