import * as l10n from '@vscode/l10n';
import type { ComparedModel } from '../../src/protocol/panel.js';
import { bytes, count, NONE, orNone, percent, significant, times } from '../ui/format.js';

/** One line of the comparison: a value of every model, and what a model other than the parent keeps of the parent's. */
export interface Line {
  key: string;
  title: string;
  /** Unit, or what the value is taken over: shown muted. */
  unit: string | null;
  value: (model: ComparedModel) => string;
  kept: (model: ComparedModel) => string;
  /** Begins a group of lines. */
  heading?: boolean;
}

type Amount = (model: ComparedModel) => number | null;

/** The lines of a comparison with this parent; tasks are those that the parent was asked. */
export function comparisonLines(parent: ComparedModel): Line[] {
  const line = (key: string, title: string, unit: string | null, of: Amount, text: (value: number) => string) => ({
    ...{ key, title, unit },
    value: (model: ComparedModel) => orNone(of(model), text),
  });
  const share = (of: Amount, text: (value: number) => string) => (model: ComparedModel) =>
    orNone(ratio(of(model), of(parent)), text);
  const parameters: Amount = (model) => model.parameters;
  const memory: Amount = ({ memoryBytes }) => memoryBytes;
  const predicted: Amount = ({ predictedThroughput }) => predictedThroughput;
  const measured: Amount = ({ measuredThroughput }) => measuredThroughput;
  return [
    { ...line('parameters', l10n.t('Parameters'), null, parameters, count), kept: share(parameters, percent) },
    {
      ...line('memory', l10n.t('Memory'), l10n.t('weights and KV cache'), memory, bytes),
      kept: share(memory, percent),
    },
    {
      ...line('predicted', l10n.t('Throughput, predicted'), 'tokens/s', predicted, count),
      kept: share(predicted, times),
    },
    { ...line('measured', l10n.t('Throughput, measured'), 'tokens/s', measured, count), kept: speedupText },
    {
      ...line('perplexity', l10n.t('Perplexity'), null, ({ perplexity }) => perplexity, significant4),
      kept: ({ perplexity }) => orNone(ratio(perplexity, parent.perplexity), changeText),
    },
    {
      ...line('kl', l10n.t('KL to the parent'), 'nats/token', ({ kl }) => kl, klText),
      kept: () => '',
    },
    ...(parent.accuracy === null ? [] : accuracyLines(parent)),
  ];
}

/** The comparison for a spreadsheet: a line for each measure, two columns for each model but the parent. */
export function comparisonTsv(models: readonly ComparedModel[]): string {
  const [parent, ...others] = models;
  if (parent === undefined) return '';
  const head = [l10n.t('measure'), parent.name, ...others.flatMap(({ name }) => [name, l10n.t('kept by {0}', name)])];
  const rows = comparisonLines(parent).map(({ title, unit, value, kept }) => [
    unit === null ? title : `${title}, ${unit}`,
    value(parent),
    ...others.flatMap((model) => [value(model), kept(model)]),
  ]);
  return `${[head, ...rows].map((cells) => cells.join('\t')).join('\n')}\n`;
}

function accuracyLines(parent: ComparedModel): Line[] {
  const uniform = uniformQuestions(parent) !== null;
  const accuracyOf =
    (name: string): Amount =>
    ({ tasks }) =>
      tasks.find((task) => task.name === name)?.accuracy ?? null;
  const tasks = parent.tasks.map(({ name, items, chance }): Line => {
    const of = accuracyOf(name);
    return {
      ...{ key: `task/${name}`, title: name, unit: uniform ? null : questionsText(items, chance) },
      value: (model) => orNone(of(model), percent),
      kept: (model) => orNone(ratio(of(model), of(parent)), percent),
    };
  });
  const title =
    parent.tasks.length > 1 ? l10n.t('Accuracy, mean of {0} tasks', parent.tasks.length) : l10n.t('Accuracy');
  return [
    {
      ...{ key: 'accuracy', title, unit: null, heading: true },
      value: ({ accuracy }) => orNone(accuracy, percent),
      kept: (model) => {
        const kept = ratio(model.accuracy, parent.accuracy);
        const error = model.accuracyStandardError;
        return orNone(kept, percent) + (kept === null || error === null ? '' : ` ± ${(100 * error).toFixed(1)}`);
      },
    },
    ...tasks,
  ];
}

/** `500 questions, chance 25.0%`, where that is so for every task; else null: then it stands beside each. */
export function uniformQuestions({ tasks }: ComparedModel): string | null {
  const texts = new Set(tasks.map(({ items, chance }) => questionsText(items, chance)));
  const [text] = texts;
  return texts.size === 1 && text !== undefined ? text : null;
}

function questionsText(items: number, chance: number): string {
  return l10n.t('{0} questions, chance {1}', count(items), percent(chance));
}

/** Median of the pairs with its quartiles. */
function speedupText({ speedup }: ComparedModel): string {
  if (speedup === null) return NONE;
  return `${times(speedup.median)} [${speedup.low.toFixed(2)}, ${speedup.high.toFixed(2)}]`;
}

function changeText(factor: number): string {
  return `${factor < 1 ? '' : '+'}${percent(factor - 1)}`;
}

function significant4(value: number): string {
  return value >= 1000 ? count(value) : value.toPrecision(4);
}

function klText(value: number): string {
  return value === 0 ? '0' : significant(value);
}

function ratio(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole === 0 ? null : part / whole;
}
