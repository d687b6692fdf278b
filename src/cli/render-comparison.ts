import type { Workload } from '../model/accounting.js';
import { DEVICE_FACTS } from '../target/devices.js';
import type { Kept, ModelReport, Report } from '../search/report.js';
import { renderTable } from './render-table.js';
import { bytes, count, percent, plural, significant, times } from '../common/units.js';

/** One line of the table: a value of every model, and what a model other than the parent keeps of it. */
interface Line {
  title: string;
  value: (model: ModelReport) => string;
  kept?: (model: ModelReport, kept: Kept) => string;
}

/** `batch 32, 128 + 128 tokens`: of each sequence, prompt + generated. */
export function workloadText({ batch, prefill, generated }: Workload): string {
  return `batch ${batch}, ${prefill} + ${generated} tokens`;
}

/** The table parent | child | kept, with two more columns for each baseline. */
export function renderComparison({ parent, child, kept, baselines, solution }: Report): string {
  const others = [{ model: child, kept }, ...baselines];
  const head = ['', 'parent', ...others.flatMap(({ model }) => [model.name, 'kept'])];
  const rows = lines(parent, solution.estimated !== undefined).map((line) => [
    line.title,
    line.value(parent),
    ...others.flatMap((other) => [line.value(other.model), line.kept?.(other.model, other.kept) ?? '']),
  ]);
  return renderTable(head, rows);
}

function lines(parent: ModelReport, isEstimated: boolean): Line[] {
  const predicted = ({ throughput }: ModelReport) => throughput.predicted;
  return [
    { title: 'parameters', value: (model) => count(model.parameters), kept: (_, kept) => percent(kept.parameters) },
    memoryLine('weights', parent, ({ weightBytes }) => weightBytes),
    memoryLine('KV cache', parent, ({ kvBytes }) => kvBytes),
    memoryLine('weights and KV cache', parent, (memory) => memory.bytes),
    {
      title: `${isEstimated ? 'estimated' : 'predicted'} throughput, tokens/s`,
      value: (model) => orDash(predicted(model), count),
      kept: (model) => orDash(ratio(predicted(model), predicted(parent)), times),
    },
    {
      title: 'measured throughput, tokens/s',
      value: ({ throughput }) => count(throughput.measured),
      kept: (_, kept) => `${times(kept.speedup)} [${kept.speedupLow.toFixed(2)}, ${kept.speedupHigh.toFixed(2)}]`,
    },
    {
      title: 'perplexity',
      value: ({ perplexity }) => perplexity.toFixed(3),
      kept: ({ perplexity }) =>
        `${perplexity < parent.perplexity ? '' : '+'}${percent(perplexity / parent.perplexity - 1)}`,
    },
    { title: 'KL to the parent, nats/token', value: ({ kl }) => (kl === 0 ? '0' : significant(kl)) },
    { title: 'top-1 agreement with the parent', value: ({ topOneAgreement }) => percent(topOneAgreement) },
    ...(parent.accuracy === null ? [] : accuracyLines(parent)),
  ];
}

function memoryLine(title: string, parent: ModelReport, of: (memory: ModelReport['memory']) => number): Line {
  return {
    title,
    value: ({ memory }) => bytes(of(memory)),
    kept: ({ memory }) => orDash(ratio(of(memory), of(parent.memory)), percent),
  };
}

function accuracyLines(parent: ModelReport): Line[] {
  const families = parent.tasks.map(({ name }): Line => {
    const accuracy = ({ tasks }: ModelReport) => tasks.find((task) => task.name === name)?.accuracy ?? null;
    return {
      title: `  ${name}`,
      value: (model) => orDash(accuracy(model), percent),
      kept: (model) => orDash(ratio(accuracy(model), accuracy(parent)), percent),
    };
  });
  return [
    {
      title: 'accuracy, mean of the tasks',
      value: ({ accuracy }) => orDash(accuracy, percent),
      kept: (_, kept) => {
        const error = kept.accuracyStandardError;
        return orDash(kept.accuracy, percent) + (error === null ? '' : ` ± ${(100 * error).toFixed(1)}`);
      },
    },
    {
      title: 'accuracy above chance, mean',
      value: ({ accuracyAboveChance }) => orDash(accuracyAboveChance, percent),
      kept: (_, kept) => orDash(kept.accuracyAboveChance, percent),
    },
    ...families,
  ];
}

function orDash(value: number | null, text: (value: number) => string): string {
  return value === null ? '–' : text(value);
}

function ratio(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}

/** What the words of the table mean, as exactly as a reader needs who compares them with others. */
export function comparisonNotes({ evaluation, parent, solution }: Report): string[] {
  const { text, speedup } = evaluation;
  const items = parent.tasks.reduce((sum, task) => sum + task.items, 0);
  return [
    `Workload: ${workloadText(speedup.workload)} (prompt + generated, of each sequence). Memory: weights and KV cache at ` +
      'the precision of the runtime (F32), all tokens of the workload cached; computed, not measured.',
    'Throughput: all tokens of the workload, prompt and generated, per second. ' +
      (solution.estimated === undefined
        ? 'Predicted: by the costs of the parts. '
        : `Estimated: not for this machine, and not measured, but ${solution.estimated}. `) +
      `Measured: whole models in the same decode loop on ${timedOn(speedup)}; kept is the median over ` +
      `n = ${speedup.n} alternating pairs, with its quartiles in brackets.`,
    `Perplexity, KL(parent || child) and top-1 agreement: on ${count(text.tokens)} predicted tokens of test text.`,
    ...(items === 0 ? [] : [`Accuracy: on ${count(items)} questions; ${ACCURACY_NOTE}`]),
  ];
}

function timedOn({ threads, device }: Report['evaluation']['speedup']): string {
  return device === undefined || device === 'cpu' ? plural(threads, 'thread') : DEVICE_FACTS[device].name;
}

const ACCURACY_NOTE =
  'the choice with the largest sum of log-probabilities counts as the answer. ±: one standard error in percentage ' +
  'points, paired over the questions.';
