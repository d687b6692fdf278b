import { argMax, equal, exp, mul, sub, sum } from '../../graph/primitives.js';
import { HeadRows, type RowProgram } from '../../model/head-rows.js';
import { HiddenStates, type ModelFiles } from '../../model/hidden-states.js';
import { requireFinite } from '../../model/likelihood.js';
import { readTokens, type TokenFile } from '../data.js';

export interface TextComparison {
  /** Predicted tokens: all but the first of every sequence. */
  tokens: number;
  parentPerplexity: number;
  childPerplexity: number;
  /** Mean KL(parent || child) per predicted token, nats. */
  kl: number;
  /** Share of positions where both think the same token the likeliest. */
  topOneAgreement: number;
}

export interface TextOptions {
  threads: number;
  /** Called before every window with the share of the work that is done; may wait, or throw to stop. */
  beforeWindow?: (done: number) => void | Promise<void>;
}

/** Tokens run together: bounds the memory, whatever the length of the text. */
const WINDOW_TOKENS = 2048;

const COMPARISON: RowProgram = ([parent, child], ofTarget) => {
  if (parent === undefined || child === undefined) throw new Error('a comparison takes two models');
  return {
    parent: ofTarget(parent),
    child: ofTarget(child),
    kl: sum(mul(exp(parent), sub(parent, child)), [-1]),
    agreement: equal(argMax(parent), argMax(child)),
  };
};

/**
 * Parent and child side by side on packed sequences, the first ones of the file that make up `tokens`. Memory is that
 * of one window of hidden states and a few rows of log-probabilities.
 */
export async function compareOnText(
  parent: ModelFiles,
  child: ModelFiles,
  file: TokenFile,
  tokens: number,
  { threads, beforeWindow }: TextOptions,
): Promise<TextComparison> {
  const { sequenceLength } = file;
  const sequences = Math.min(file.sequences, Math.ceil(tokens / sequenceLength));
  const predicted = sequences * (sequenceLength - 1);
  if (predicted < 1) {
    throw new Error(`${file.file}: ${sequences} sequences of ${sequenceLength} tokens predict nothing`);
  }
  const ids = await readTokens(file);
  const totals: Record<string, number> = {};
  const models = [parent, child];
  const states = models.map((model) => new HiddenStates(model, threads));
  const head = await HeadRows.create(models, COMPARISON, threads);
  const perWindow = Math.max(1, Math.floor(WINDOW_TOKENS / sequenceLength));
  try {
    for (let first = 0; first < sequences; first += perWindow) {
      await beforeWindow?.(first / sequences);
      const last = Math.min(first + perWindow, sequences);
      const window = ids.subarray(first * sequenceLength, last * sequenceLength);
      const hidden: Float32Array[] = [];
      for (const model of states) hidden.push(await model.run(window, sequenceLength));
      for (let start = 0; start < window.length; start += sequenceLength) {
        const rows = hidden.map((states) => sequence(states, start, window.length, sequenceLength));
        const results = await head.run(rows, window.subarray(start + 1, start + sequenceLength));
        for (const [name, values] of Object.entries(results)) {
          for (const value of values) totals[name] = (totals[name] ?? 0) + value;
        }
      }
    }
  } finally {
    for (const each of [...states, head]) await each.release();
  }
  const mean = (name: string) => (totals[name] ?? NaN) / predicted;
  requireFinite(mean('parent'), parent);
  requireFinite(mean('child') + mean('kl'), child);
  return {
    tokens: predicted,
    parentPerplexity: Math.exp(-mean('parent')),
    childPerplexity: Math.exp(-mean('child')),
    kl: mean('kl'),
    topOneAgreement: mean('agreement'),
  };
}

/** The rows of the sequence that starts at token `start` of a window of `tokens`. */
function sequence(states: Float32Array, start: number, tokens: number, length: number): Float32Array {
  const width = states.length / tokens;
  return states.subarray(start * width, (start + length) * width);
}
