import type { Workload } from '../model/accounting.js';
import type { Kept, ModelReport, Report } from '../search/report.js';
import { renderTable } from './render-table.js';
import { bytes, count, percent, significant } from './units.js';

/** One line of the table: a value of every model, and what a model other than the parent keeps of it. */
interface Line {
  title: string;
  value: (model: ModelReport) => string;
  kept?: (model: ModelReport, kept: Kept) => string;
}

/** A factor: `2.19x`. */
export function times(factor: number): string {
  return `${factor.toFixed(2)}x`;
}

/** `batch 32, 128 + 128 tokens`. */
export function workloadText({ batch, prefill, generated }: Workload): string {
  return `batch ${batch}, ${prefill} + ${generated} tokens`;
}

/** The table parent | child | kept, with two more columns for each baseline. */
export function renderComparison(report: Report): string {
  const { parent, child, kept, baselines } = report;
  const others = [{ model: child, kept }, ...baselines];
  const head = ['', 'parent', ...others.flatMap(({ model }) => [model.name, 'kept'])];
  const rows = lines(report).map((line) => [
    line.title,
    line.value(parent),
    ...others.flatMap((other) => [line.value(other.model), line.kept?.(other.model, other.kept) ?? '']),
  ]);
  return renderTable(head, rows);
}

/** What the titles of the table mean. */
export function comparisonNotes({ evaluation, parent, kept }: Report): string[] {
  const { workload, speedups, precision } = evaluation;
  const [own] = speedups;
  const threads = own === undefined ? '' : `, ${own.threads} threads`;
  const pairs = own === undefined ? '' : `median of ${own.n} alternating pairs, quartiles in brackets`;
  return [
    `Workload: ${workloadText(workload)} (prompt + generated, each sequence)${threads}. Memory: weights in ` +
      `${precision.weights}, KV cache in ${precision.kvCache}, every token of the workload cached.`,
    'Throughput: all tokens of the workload, prompt and generated, per second. Predicted: from the parts’ costs in the ' +
      `cost table. Measured: whole models through the same decode loop; ${pairs}.`,
    `Perplexity, KL and agreement: ${count(parent.tokens)} predicted tokens of the test text.`,
    ...(kept.accuracy === null
      ? []
      : [
          'Accuracy: the choice with the largest sum of log-probabilities wins' +
            (kept.accuracyStandardError === null ? '.' : '; ± one standard error, paired over the questions.'),
        ]),
  ];
}

function lines({ parent, baselines }: Report): Line[] {
  const { throughput } = parent;
  return [
    { title: 'parameters', value: (model) => count(model.parameters), kept: (_, kept) => percent(kept.parameters) },
    memoryLine('weights', parent, ({ memory }) => memory.weightBytes),
    memoryLine('KV cache', parent, ({ memory }) => memory.kvBytes),
    memoryLine('memory', parent, ({ memory }) => memory.bytes),
    {
      title: 'throughput, predicted (tokens/s)',
      value: (model) => orNothing(model.throughput.predicted, count),
      kept: (model) => ratio(model.throughput.predicted, throughput.predicted, times),
    },
    {
      title: 'throughput, measured (tokens/s)',
      value: (model) => orNothing(model.throughput.measured, count),
      kept: (_, kept) => `${times(kept.speedup)} [${kept.speedupLow.toFixed(2)}, ${kept.speedupHigh.toFixed(2)}]`,
    },
    {
      title: 'perplexity',
      value: (model) => model.perplexity.toFixed(3),
      kept: (model) => ratio(model.perplexity, parent.perplexity, times),
    },
    { title: 'KL to the parent (nats/token)', value: (model) => (model.kl === 0 ? '0' : significant(model.kl)) },
    { title: 'top-1 agreement with the parent', value: (model) => percent(model.topOneAgreement) },
    ...taskLines(parent),
    ...(baselines.length === 0 ? [] : []),
  ];
}
