import { basename } from 'node:path';
import { ggufTokenizer } from '../formats/gguf-tokenizer.js';
import type { Precision } from '../formats/gguf-tensor.js';
import { writeGguf } from '../formats/gguf-write.js';
import { readTensor, tensorEntry } from '../formats/safetensors.js';
import { ggufModel } from '../model/gguf.js';
import { checkTensors, type Model } from './context.js';

/**
 * Writes a model as a GGUF file, which llama.cpp runs: whole or not at all.
 *
 * @param name what the file calls the model
 * @throws InputError for what a GGUF cannot hold: layers, each with the reason, or the tokenizer
 */
export async function writeModelGguf(
  model: Model,
  file: string,
  { name = basename(model.dir), precision }: { name?: string; precision: Precision },
): Promise<void> {
  checkTensors(model);
  const read = (tensor: string) => readTensor(tensorEntry(model.checkpoint, tensor));
  const { entries, tensors } = ggufModel(model.config, read, { name, precision, where: model.dir });
  const tokenizer = await ggufTokenizer(model.dir, model.config.vocabSize);
  await writeGguf(file, [...entries, ...tokenizer], tensors);
}
