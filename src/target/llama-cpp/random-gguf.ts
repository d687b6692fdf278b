import { text, uint32 } from '../../formats/gguf-entry.js';
import type { GgufPrecision } from '../../formats/gguf-tensor.js';
import { writeGguf } from '../../formats/gguf-write.js';
import type { ModelConfig } from '../../formats/hf-config.js';
import { ggufModel } from '../../model/gguf.js';
import { modelTensors } from '../../model/tensors.js';
import { randomTensor } from '../random-weights.js';

const SEED = 1;

/** Writes a model of random weights and no tokenizer, for timing. Throws InputError for what llama.cpp cannot compute. */
export async function writeRandomGguf(config: ModelConfig, file: string, precision: GgufPrecision): Promise<void> {
  const shapes = new Map(modelTensors(config).map(({ name, shape }) => [name, shape]));
  const read = (name: string) => randomTensor(SEED, name, shapes.get(name) ?? []);
  const { entries, tensors } = ggufModel(config, read, { name: 'random', precision, where: 'target' });
  const tokenizer = [text('tokenizer.ggml.model', 'no_vocab'), uint32('tokenizer.ggml.vocab_size', config.vocabSize)];
  await writeGguf(file, [...entries, ...tokenizer], tensors);
}
