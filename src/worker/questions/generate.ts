import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { join, resolve } from 'node:path';
import { loadTokenizer, type Tokenizer } from '../../formats/tokenizer.js';
import { generate } from '../../model/generate.js';
import { checkTensors, type Model, openModel } from '../../search/context.js';
import { Kept } from './kept.js';
import { stampOf } from './stamp.js';

/** A parent and its child, side by side. */
const MAX_MODELS = 2;

interface OpenModel {
  model: Model;
  tokenizer: Tokenizer;
}

const models = new Kept<OpenModel>(MAX_MODELS);

interface GenerateParams {
  /** Folder of the model. */
  model: string;
  prompt: string;
  tokens: number;
}

/** The greedy continuation of a prompt, without the prompt; `onText` is told the pieces of it. */
export async function answerGenerate(
  { model: dir, prompt, tokens }: GenerateParams,
  { signal, onText }: { signal: AbortSignal; onText: (text: string) => void },
): Promise<{ text: string; tokens: number; seconds: number }> {
  const { model, tokenizer } = await openedModel(dir);
  const start = performance.now();
  let text = '';
  const { ids } = await generate(model, tokenizer, prompt, tokens, {
    threads: availableParallelism(),
    signal,
    onText: (piece) => {
      text += piece;
      onText(piece);
    },
  });
  return { text, tokens: ids.length, seconds: (performance.now() - start) / 1000 };
}

async function openedModel(folder: string): Promise<OpenModel> {
  const dir = resolve(folder);
  const names = await readdir(dir).catch(() => []);
  const stamp = await stampOf(names.sort().map((name) => join(dir, name)));
  return models.get(dir, stamp, async () => {
    const model = await openModel(dir);
    checkTensors(model);
    return { model, tokenizer: await loadTokenizer(dir) };
  });
}
