import { type Checkpoint, tensorEntry, type TensorEntry } from '../formats/safetensors.js';
import { external } from '../graph/primitives.js';
import type { Value } from '../graph/value.js';
import type { Weights } from './blocks.js';
import { layerTensor } from './names.js';

const GRAPH_DTYPE = { F32: 'float32', F16: 'float16', BF16: 'bfloat16' } as const;

/** A tensor of a checkpoint as a constant that the runtime reads straight from the file. */
export function externalTensor(entry: TensorEntry): Value {
  return external(entry, entry.shape, GRAPH_DTYPE[entry.dtype]);
}

/** All weights of a checkpoint by full name. One value per tensor: a tied embedding is read once. */
export function checkpointWeights(checkpoint: Checkpoint): Weights {
  const values = new Map<string, Value>();
  return (name) => {
    const value = values.get(name) ?? externalTensor(tensorEntry(checkpoint, name));
    values.set(name, value);
    return value;
  };
}

/** The weights of one layer by their names within it. */
export function layerWeights(weights: Weights, layer: number): Weights {
  return (name) => weights(layerTensor(layer, name));
}
