import { readFile } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { InputError } from '../common/errors.js';
import { statFile } from '../formats/json-file.js';
import { readTask } from '../formats/tasks.js';
import { loadTokenizer } from '../formats/tokenizer.js';
import { documentNll } from '../model/likelihood.js';
import { scoreTasks } from '../model/score-choices.js';
import { checkTensors, openModel } from '../search/context.js';
import { taskFiles } from '../search/evaluate/scores.js';
import type { Answer } from './command.js';
import { renderTable } from './render-table.js';
import { count, percent } from '../common/units.js';

/** Longer texts are data sets, of which a search evaluates a sample. */
const MAX_TEXT_BYTES = 64 * 1024 * 1024;

export interface EvalOptions {
  text?: string;
  /** JSONL files, or folders of them. */
  tasks?: string[];
}

export interface Evaluation {
  /** Tokens of the text, BOS included; 0 without a text. */
  tokens: number;
  /** Negative log-likelihood of all tokens but the first, nats; null without a text, as the perplexity. */
  nllSum: number | null;
  perplexity: number | null;
  tasks: {
    name: string;
    items: number;
    /** Expected accuracy of guessing. */
    chance: number;
    /** By the sum of the choice's log-probabilities, and by the same per byte. */
    accuracy: number;
    accuracyNormalised: number;
  }[];
}

/** `puzzle eval MODEL_DIR [--text FILE] [--tasks FILE…]`. */
export async function evaluate(dir: string, { text, tasks = [] }: EvalOptions): Promise<Answer> {
  if (text === undefined && tasks.length === 0) {
    throw new InputError('there is nothing to evaluate on; give --text FILE, --tasks FILE…, or both');
  }
  const model = await openModel(dir);
  checkTensors(model);
  const tokenizer = await loadTokenizer(dir);
  const threads = availableParallelism();
  const read = await Promise.all((await taskFiles(tasks)).map(({ file }) => readTask(file)));
  const likelihood =
    text === undefined
      ? { tokens: 0, nllSum: null, perplexity: null }
      : await documentNll(model, tokenizer.encode(await readDocument(text), { bos: true }), { threads });
  const scores = await scoreTasks(model, tokenizer, read, { threads });
  const evaluation: Evaluation = {
    ...likelihood,
    tasks: scores.map(({ name, items, chance, accuracy }) => ({
      ...{ name, items, chance },
      accuracy: accuracy.sum,
      accuracyNormalised: accuracy.normalised,
    })),
  };
  return { json: evaluation, text: renderEvaluation(evaluation) };
}

/** A file as one document: the line break at its very end belongs to the file. */
async function readDocument(file: string): Promise<string> {
  const { size } = await statFile(file);
  if (size > MAX_TEXT_BYTES) throw new InputError(`is ${size} bytes; at most ${MAX_TEXT_BYTES} are accepted`, file);
  return (await readFile(file, 'utf8')).replace(/\r?\n$/, '');
}

function renderEvaluation({ tokens, nllSum, perplexity, tasks }: Evaluation): string {
  const parts: string[] = [];
  if (nllSum !== null && perplexity !== null) {
    const sum = `negative log-likelihood ${nllSum.toFixed(4)} nats`;
    parts.push(`${count(tokens)} tokens (the first is given), ${sum}, perplexity ${perplexity.toFixed(4)}`);
  }
  if (tasks.length > 0) {
    const rows = tasks.map(({ name, items, chance, accuracy, accuracyNormalised }) => [
      name,
      ...[count(items), percent(chance), percent(accuracy), percent(accuracyNormalised)],
    ]);
    const mean = (of: (task: Evaluation['tasks'][number]) => number) =>
      percent(tasks.reduce((sum, task) => sum + of(task), 0) / tasks.length);
    const means = [mean((t) => t.chance), mean((t) => t.accuracy), mean((t) => t.accuracyNormalised)];
    const head = ['task', 'items', 'chance', 'accuracy', 'per byte'];
    parts.push(renderTable(head, [...rows, ['mean', '', ...means]]));
  }
  return `${parts.join('\n\n')}\n`;
}
