import { InputError } from '../common/errors.js';
import type { Task, TaskItem } from '../formats/tasks.js';
import type { Tokenizer } from '../formats/tokenizer.js';
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

/** The log-probability of one token of a choice: that of `target` after `position` of the row. */
export interface Query {
  position: number;
  target: number;
  /** Index over the choices of all items. */
  choice: number;
}

/** A token sequence to run, and what is asked of it. */
export interface Row {
  ids: number[];
  queries: Query[];
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

/**
 * A choice as tokens, of which those from `first` on are its own. Context and choice are encoded together, because a
 * tokenizer may treat their joint differently from each alone; the choice's tokens are those behind the longest common
 * prefix with the encoded context. At least its last token is scored, and never the first of the sequence, which
 * nothing precedes.
 */
function encodeChoice(tokenizer: Tokenizer, contextIds: readonly number[], { context }: TaskItem, choice: string) {
  const ids = tokenizer.encode(context + choice, { bos: true });
  let shared = 0;
  while (shared < contextIds.length && ids[shared] === contextIds[shared]) shared++;
  return { ids, first: Math.max(1, Math.min(shared, ids.length - 1)) };
}

/**
 * The rows of one item, whose choices are numbered from `firstChoice`. A row that is the beginning of another is not
 * run: causal attention makes them agree. Throws InputError for a choice that the model cannot score.
 */
export function planRows(tokenizer: Tokenizer, item: TaskItem, firstChoice: number, model: ModelFiles): Row[] {
  const contextIds = tokenizer.encode(item.context, { bos: true });
  const encoded = item.choices.map((text, index) => {
    const { ids, first } = encodeChoice(tokenizer, contextIds, item, text);
    // The last token is predicted, but not read. A longer row loses its beginning, as nothing else of it can be spared.
    const skipped = Math.max(0, ids.length - 1 - model.config.maxPositionEmbeddings);
    if (ids.length < 2 || skipped >= first) throw unscorable(text, ids.length - first, model);
    return { ids: ids.slice(skipped), first: first - skipped, choice: firstChoice + index };
  });
  const rows: Row[] = [];
  for (const { ids, first, choice } of encoded.sort((a, b) => b.ids.length - a.ids.length)) {
    const read = ids.slice(0, -1);
    let row = rows.find((other) => read.every((id, i) => id === other.ids[i]));
    if (row === undefined) rows.push((row = { ids: read, queries: [] }));
    for (const [i, target] of ids.entries()) {
      if (i >= first) row.queries.push({ position: i - 1, target, choice });
    }
  }
  return rows;
}

function unscorable(text: string, tokens: number, { config, checkpoint }: ModelFiles): InputError {
  const start = JSON.stringify(text.slice(0, 60));
  const reason =
    tokens > config.maxPositionEmbeddings
      ? `has ${tokens} tokens, the model reads ${config.maxPositionEmbeddings}`
      : 'is a single token with nothing before it, to a tokenizer without a beginning-of-sequence token';
  return new InputError(`the choice ${start} cannot be scored: it ${reason}; shorten or lengthen it`, checkpoint.dir);
}

const MAX_BATCH_ROWS = 32;
const MAX_BATCH_TOKENS = 4096;
/** Rows are padded to a multiple of this: fewer graphs to compile against fewer wasted tokens. */
const LENGTH_STEP = 8;

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

/**
 * Rows of similar length together, padded on the right, where a causal model does not look. All batches of one length
 * have the same number of rows (`rows`, the last perhaps with empty ones), so that each length is compiled once.
 */
function* batches(rows: readonly Row[]): Generator<{ batch: Row[]; length: number; rows: number }> {
  const byLength = new Map<number, Row[]>();
  for (const row of rows) {
    const length = Math.ceil(row.ids.length / LENGTH_STEP) * LENGTH_STEP;
    const group = byLength.get(length) ?? [];
    group.push(row);
    byLength.set(length, group);
  }
  for (const [length, group] of [...byLength].sort(([a], [b]) => a - b)) {
    const most = Math.max(1, Math.min(MAX_BATCH_ROWS, Math.floor(MAX_BATCH_TOKENS / length)));
    const size = Math.ceil(group.length / Math.ceil(group.length / most));
    for (let i = 0; i < group.length; i += size) yield { batch: group.slice(i, i + size), length, rows: size };
  }
}
