import type { Checkpoint } from '../formats/safetensors.js';
import { readHeader } from '../formats/safetensors-header.js';
import type { Weights } from '../model/blocks.js';
import { checkpointWeights } from '../model/weights.js';

/** One trained variant of the block library: a safetensors file with the tensors' names within the layer. */
export async function openVariant(file: string): Promise<Checkpoint> {
  return { dir: file, entries: new Map((await readHeader(file)).map((entry) => [entry.name, entry])) };
}

/** The weights of a trained variant, read straight from its file; none for a no-op, which asks for none. */
export async function variantWeights(file: string | undefined): Promise<Weights> {
  if (file !== undefined) return checkpointWeights(await openVariant(file));
  return (name) => {
    throw new Error(`a variant without tensors was asked for ${name}`);
  };
}
