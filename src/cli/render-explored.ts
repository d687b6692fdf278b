import { bytes, count, duration, significant } from '../common/units.js';
import type { Metric } from '../search/constraints.js';
import type { Alternative, LayerWhy, LimitReason, MetricPoint } from '../search/explore.js';
import { renderTable } from './render-table.js';

const METRIC_TEXTS: Record<Metric, (value: number) => string> = {
  throughput: (value) => `${count(value)} tokens/s`,
  memory: bytes,
  generatedThroughput: (value) => `${count(value)} generated tokens/s`,
  timeToFirstToken: duration,
  timePerOutputToken: duration,
  latency: duration,
  parameters: count,
  kvCache: bytes,
};

/** A line per point of a front. */
export function renderFront(metrics: readonly Metric[], points: readonly MetricPoint[]): string {
  const rows = points.map(({ limits, objective, status }) => [
    ...metrics.map((metric) => METRIC_TEXTS[metric](limits[metric] ?? 0)),
    significant(objective),
    status,
  ]);
  return renderTable([...metrics, 'nats/token', 'proof'], rows);
}

/** A line per architecture. */
export function renderDiverse(solutions: readonly Alternative[]): string {
  const first = solutions[0]?.architecture ?? [];
  const rows = solutions.map(({ objective, gap, architecture }, i) => [
    String(i + 1),
    significant(objective),
    significant(gap),
    String(
      architecture.filter(({ attention, ffn }, l) => attention !== first[l]?.attention || ffn !== first[l].ffn).length,
    ),
  ]);
  return renderTable(['solution', 'nats/token', 'gap', 'layers unlike the first'], rows);
}

/** What limits are worth, and what else the layers could have. */
export function renderExplanation({ limits, layers }: { limits: LimitReason[]; layers: LayerWhy[] }): string {
  const end = (value: number | null) => (value === null ? 'any' : significant(value));
  const limitRows = limits.map(({ text, price, from, to, more }) => [
    text,
    price === 0 ? 'nothing' : significant(price),
    `${end(from)} to ${end(to)}`,
    more === null ? 'no better' : `${significant(more.objective)} at ${significant(more.value)}`,
  ]);
  const layerRows = layers.map(({ layer, choice, second, otherwise, exact }) => [
    String(layer),
    choice,
    second ?? '',
    otherwise === null ? 'not possible' : `${exact ? '' : 'at least '}${significant(otherwise)}`,
  ]);
  return [
    '',
    renderTable(['limit', 'a unit is worth', 'while between', 'nats/token for a little more'], limitRows),
    '',
    renderTable(['layer', 'has', 'second best', 'would cost'], layerRows, { textColumns: 3 }),
    '',
  ].join('\n');
}
