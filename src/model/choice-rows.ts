import { InputError } from '../common/errors.js';
import type { TaskItem } from '../formats/tasks.js';
import type { Tokenizer } from '../formats/tokenizer.js';
import type { ModelFiles } from './hidden-states.js';

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
      : 'is at most one token and nothing comes before it';
  return new InputError(`the choice ${start} cannot be scored: it ${reason}`, checkpoint.dir);
}

const MAX_BATCH_ROWS = 32;
const MAX_BATCH_TOKENS = 4096;
/** Rows are padded to a multiple of this: fewer graphs to compile against fewer wasted tokens. */
const LENGTH_STEP = 8;

/**
 * Rows of similar length together, padded on the right, where a causal model does not look. All batches of one length
 * have the same number of rows (`rows`, the last perhaps with empty ones), so that each length is compiled once.
 */
export function* batches(rows: readonly Row[]): Generator<{ batch: Row[]; length: number; rows: number }> {
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
