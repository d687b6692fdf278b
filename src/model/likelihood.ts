import { InputError } from '../common/errors.js';
import { HeadRows, type RowProgram } from './head-rows.js';
import { HiddenStates, type ModelFiles } from './hidden-states.js';

export interface DocumentLikelihood {
  /** Tokens of the document, the first of which (BOS) is given, not predicted. */
  tokens: number;
  /** Negative log-likelihood of all others, nats. */
  nllSum: number;
  /** exp(nllSum / (tokens - 1)). */
  perplexity: number;
}

/** Attention over a window needs memory that grows with its square, so a long context is not used in full. */
export const MAX_WINDOW_TOKENS = 1024;

/** The log-probability of each row's target. */
export const targetLogProb: RowProgram = ([logProbs], ofTarget) =>
  logProbs === undefined ? {} : { logProb: ofTarget(logProbs) };

/**
 * The likelihood of a document given as token ids, BOS first. What fits in a window (the model's positions, at most
 * MAX_WINDOW_TOKENS) is read at once. A longer document is read in windows of that size that overlap by half (the last
 * one ends where the document ends): each token is predicted once, from at least half a window of what is before it.
 */
export async function documentNll(
  model: ModelFiles,
  ids: readonly number[],
  { threads }: { threads: number },
): Promise<DocumentLikelihood> {
  const inputs = ids.length - 1;
  if (inputs < 1) {
    throw new InputError(`a text of ${ids.length} tokens leaves nothing to predict; give a longer one`);
  }
  const window = Math.min(model.config.maxPositionEmbeddings, MAX_WINDOW_TOKENS, inputs);
  const overlap = Math.floor(window / 2);
  const states = new HiddenStates(model, threads);
  const head = await HeadRows.create([model], targetLogProb, threads);
  let nllSum = 0;
  try {
    for (let done = 0; done < inputs;) {
      const start = done === 0 ? 0 : Math.min(done - overlap, inputs - window);
      const hidden = await states.run(ids.slice(start, start + window), window);
      const fresh = hidden.subarray((done - start) * model.config.hiddenSize);
      const { logProb = [] } = await head.run([fresh], ids.slice(done + 1, start + window + 1));
      for (const value of logProb) nllSum -= value;
      done = start + window;
    }
  } finally {
    await states.release();
    await head.release();
  }
  requireFinite(nllSum, model);
  return { tokens: ids.length, nllSum, perplexity: Math.exp(nllSum / inputs) };
}

/** Weights that are damaged, or too large for float32, make every probability NaN. */
export function requireFinite(logProb: number, { checkpoint }: ModelFiles): void {
  if (Number.isFinite(logProb)) return;
  throw new InputError(
    'the model gives no probabilities, only NaN or infinity; its weights are damaged',
    checkpoint.dir,
  );
}
