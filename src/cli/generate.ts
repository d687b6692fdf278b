import { availableParallelism } from 'node:os';
import { InputError } from '../common/errors.js';
import { loadTokenizer } from '../formats/tokenizer.js';
import { generate as continueText } from '../model/generate.js';
import { checkTensors, openModel } from '../search/context.js';
import type { Answer } from './command.js';

export interface GenerateOptions {
  prompt: string;
  /** As on the command line. */
  tokens: string;
}

/** `puzzle generate MODEL_DIR --prompt S --tokens N`: greedy, with a KV cache. */
export async function generate(dir: string, { prompt, tokens }: GenerateOptions): Promise<Answer> {
  const wanted = Number(tokens);
  if (!Number.isSafeInteger(wanted) || wanted < 0) {
    throw new InputError(`"${tokens}" is not a number of tokens; give a whole number`, '--tokens');
  }
  const model = await openModel(dir);
  checkTensors(model);
  const tokenizer = await loadTokenizer(dir);
  const { text, ids, stopped } = await continueText(model, tokenizer, prompt, wanted, {
    threads: availableParallelism(),
  });
  return { json: { prompt, text, ids, tokens: ids.length, stopped }, text };
}
