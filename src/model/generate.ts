import { InputError } from '../common/errors.js';
import type { Tokenizer } from '../formats/tokenizer.js';
import { Decoder } from './decoder.js';
import type { ModelFiles } from './hidden-states.js';
import { TextPieces } from './text-pieces.js';
import { checkpointWeights } from './weights.js';

export interface Generation {
  /** Prompt and continuation. */
  text: string;
  /** The continuation alone, as token ids, without the one that ended it. */
  ids: number[];
  stopped: 'end-of-text' | 'length';
}

export interface GenerateOptions {
  threads?: number;
  /** Looked at before each token. */
  signal?: AbortSignal;
  /** Told each piece of the continuation's text. */
  onText?: (text: string) => void;
}

/**
 * Continues a prompt (BOS first) by up to `tokens` of the likeliest tokens, one at a time with a KV cache, until one of
 * the tokenizer's end tokens. Throws InputError when prompt and continuation exceed the model's positions.
 */
export async function generate(
  model: ModelFiles,
  tokenizer: Tokenizer,
  prompt: string,
  tokens: number,
  { threads = 1, signal, onText }: GenerateOptions = {},
): Promise<Generation> {
  const promptIds = tokenizer.encode(prompt, { bos: true });
  const capacity = promptIds.length + tokens;
  const { maxPositionEmbeddings } = model.config;
  if (promptIds.length === 0) throw new InputError('the prompt is empty; give at least one word');
  if (capacity > maxPositionEmbeddings) {
    const asked = `a prompt of ${promptIds.length} tokens and ${tokens} more`;
    throw new InputError(`${asked} exceed the model's ${maxPositionEmbeddings} positions; ask for fewer tokens`);
  }
  const weights = checkpointWeights(model.checkpoint);
  const decoder = new Decoder(model.config, weights, { batch: 1, capacity, threads });
  const pieces = onText === undefined ? undefined : new TextPieces(tokenizer, promptIds);
  const tell = (text = '') => {
    if (text !== '') onText?.(text);
  };
  const ids: number[] = [];
  let stopped: Generation['stopped'] = 'length';
  try {
    let next = tokens > 0 ? await decoder.prefill(promptIds) : [];
    for (let id = next[0]; id !== undefined; id = next[0]) {
      if (tokenizer.eosIds.includes(id)) {
        stopped = 'end-of-text';
        break;
      }
      ids.push(id);
      tell(pieces?.add(id));
      signal?.throwIfAborted();
      // The last token is not read: nothing is asked of what follows it.
      next = ids.length < tokens ? await decoder.step([id]) : [];
    }
  } finally {
    await decoder.release();
  }
  tell(pieces?.rest());
  return { text: tokenizer.decode([...promptIds, ...ids]), ids, stopped };
}
