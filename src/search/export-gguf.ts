import { mkdir, stat } from 'node:fs/promises';
import { basename, dirname, join, resolve } from 'node:path';
import { InputError } from '../common/errors.js';
import { ggufTokenizer } from '../formats/gguf-tokenizer.js';
import type { GgufPrecision } from '../formats/gguf-tensor.js';
import { writeGguf } from '../formats/gguf-write.js';
import { isFile } from '../formats/json-file.js';
import { readTensor, tensorEntry } from '../formats/safetensors.js';
import { ggufModel } from '../model/gguf.js';
import { checkTensors, type Model, openModel } from './context.js';
import { reportedChild } from './report.js';

/**
 * Writes the child of a finished run, or the model in a folder, as a GGUF file.
 *
 * @param source a run directory, or a folder with a config.json
 * @param out the file, if it is called `*.gguf`, or the folder for `NAME-PRECISION.gguf`
 * @returns the absolute path of the file and its bytes
 */
export async function exportGguf(
  source: string,
  out: string,
  precision: GgufPrecision,
): Promise<{ file: string; bytes: number }> {
  const isModel = await isFile(join(source, 'config.json'));
  const model = await openModel(isModel ? resolve(source) : await reportedChild(source));
  const name = basename(resolve(source));
  const file = resolve(out.endsWith('.gguf') ? out : join(out, `${name}-${precision}.gguf`));
  if ((await stat(file).catch(() => undefined)) !== undefined) {
    throw new InputError('is there already; give a name that is not', file);
  }
  await mkdir(dirname(file), { recursive: true });
  await writeModelGguf(model, file, { name, precision });
  return { file, bytes: (await stat(file)).size };
}

/**
 * Writes a model as a GGUF file, which llama.cpp runs: whole or not at all.
 *
 * @param name what the file calls the model
 * @throws InputError for what a GGUF cannot hold: layers, each with the reason, or the tokenizer
 */
export async function writeModelGguf(
  model: Model,
  file: string,
  { name, precision }: { name: string; precision: GgufPrecision },
): Promise<void> {
  checkTensors(model);
  const read = (tensor: string) => readTensor(tensorEntry(model.checkpoint, tensor));
  const { entries, tensors } = ggufModel(model.config, read, { name, precision, where: model.dir });
  const tokenizer = await ggufTokenizer(model.dir, model.config.vocabSize);
  await writeGguf(file, [...entries, ...tokenizer], tensors);
}
