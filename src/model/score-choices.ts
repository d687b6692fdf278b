import type { Task, TaskItem } from '../formats/tasks.js';
import type { Tokenizer } from '../formats/tokenizer.js';
import { batches, planRows, type Row } from './choice-rows.js';
import { HeadRows } from './head-rows.js';
import { HiddenStates, type ModelFiles } from './hidden-states.js';
import { requireFinite, targetLogProb } from './likelihood.js';

/** The two usual ways to pick a choice: the likeliest, and the likeliest per byte of its text. */
export const METRICS = ['sum', 'normalised'] as const;
export type Metric = (typeof METRICS)[number];

export interface TaskScores {
  name: string;
  items: number;
  /** Expected accuracy of guessing: the mean of 1 / choices. */
  chance: number;
  accuracy: Record<Metric, number>;
  /** Per item, 1 where the right choice was picked. */
  correct: Record<Metric, number[]>;
}

export interface ScoreOptions {
  threads: number;
  /** Called before every batch with the share of the work that is done; may wait, or throw to stop. */
  beforeBatch?: (done: number) => void | Promise<void>;
}

/**
 * Answers the questions of all tasks: log p(choice | context), summed over the choice's tokens, and the same divided by
 * the bytes of the choice's text in UTF-8. Of equal scores the first choice counts as picked.
 */
export async function scoreTasks(
  model: ModelFiles,
  tokenizer: Tokenizer,
  tasks: readonly Task[],
  options: ScoreOptions,
): Promise<TaskScores[]> {
  const items = tasks.flatMap((task) => task.items);
  const logProbs = await choiceLogProbs(model, tokenizer, items, options);
  let next = 0;
  return tasks.map((task) => judge(task, logProbs.slice(next, (next += task.items.length))));
}

/** {@link scoreTasks} of one task. */
export async function scoreTask(
  model: ModelFiles,
  tokenizer: Tokenizer,
  task: Task,
  options: ScoreOptions,
): Promise<TaskScores> {
  return judge(task, await choiceLogProbs(model, tokenizer, task.items, options));
}

function judge({ name, items }: Task, logProbs: readonly number[][]): TaskScores {
  const right = (item: TaskItem, scores: readonly number[]) =>
    Number(scores.indexOf(Math.max(...scores)) === item.answer);
  const correct: Record<Metric, number[]> = { sum: [], normalised: [] };
  items.forEach((item, i) => {
    const sums = logProbs[i] ?? [];
    const perByte = sums.map((sum, choice) => sum / Buffer.byteLength(item.choices[choice] ?? ''));
    correct.sum.push(right(item, sums));
    correct.normalised.push(right(item, perByte));
  });
  const mean = (numbers: readonly number[]) => numbers.reduce((a, b) => a + b, 0) / numbers.length;
  return {
    name,
    items: items.length,
    chance: mean(items.map(({ choices }) => 1 / choices.length)),
    accuracy: { sum: mean(correct.sum), normalised: mean(correct.normalised) },
    correct,
  };
}

/** Per item, the summed log-probability of each choice. */
export async function choiceLogProbs(
  model: ModelFiles,
  tokenizer: Tokenizer,
  items: readonly TaskItem[],
  options: ScoreOptions,
): Promise<number[][]> {
  const rows: Row[] = [];
  let choices = 0;
  for (const item of items) {
    rows.push(...planRows(tokenizer, item, choices, model));
    choices += item.choices.length;
  }
  const sums = await runRows(model, rows, choices, options);
  for (const sum of sums) requireFinite(sum, model);
  let next = 0;
  return items.map((item) => Array.from(sums.subarray(next, (next += item.choices.length))));
}

/** Runs all rows and adds up each choice's log-probabilities. */
async function runRows(
  model: ModelFiles,
  rows: readonly Row[],
  choices: number,
  { threads, beforeBatch }: ScoreOptions,
): Promise<Float64Array> {
  const { hiddenSize } = model.config;
  const sums = new Float64Array(choices);
  const states = new HiddenStates(model, threads);
  const head = await HeadRows.create([model], targetLogProb, threads);
  const total = rows.reduce((tokens, { ids }) => tokens + ids.length, 0);
  let done = 0;
  try {
    for (const { batch, length, rows: padded } of batches(rows)) {
      await beforeBatch?.(done / total);
      const ids = new Int32Array(padded * length);
      batch.forEach((row, r) => {
        ids.set(row.ids, r * length);
        done += row.ids.length;
      });
      const hidden = await states.run(ids, length);
      const queries = batch.flatMap((row, r) =>
        row.queries.map((query) => ({ ...query, at: r * length + query.position })),
      );
      const picked = new Float32Array(queries.length * hiddenSize);
      queries.forEach(({ at }, i) => {
        picked.set(hidden.subarray(at * hiddenSize, (at + 1) * hiddenSize), i * hiddenSize);
      });
      const targets = queries.map(({ target }) => target);
      const { logProb = [] } = await head.run([picked], targets);
      queries.forEach(({ choice }, i) => (sums[choice] = (sums[choice] ?? 0) + (logProb[i] ?? NaN)));
    }
  } finally {
    await states.release();
    await head.release();
  }
  return sums;
}
