import { Random } from '../common/random.js';
import type { ModelConfig } from '../formats/hf-config.js';
import { constant } from '../graph/primitives.js';
import type { Value } from '../graph/value.js';
import type { Weights } from '../model/blocks.js';
import { modelTensors } from '../model/tensors.js';

/** Weights of any model, for timing: how long it takes does not depend on what it says. Seeded, made when asked for. */
export function randomWeights(config: ModelConfig, seed: number): Weights {
  const shapes = new Map(modelTensors(config).map(({ name, shape }) => [name, shape]));
  const values = new Map<string, Value>();
  return (name) => {
    const known = values.get(name);
    if (known !== undefined) return known;
    const shape = shapes.get(name);
    if (shape === undefined) throw new Error(`the model has no tensor ${name}`);
    const value = constant(randomTensor(seed, name, shape), shape);
    values.set(name, value);
    return value;
  };
}

/** The values of one tensor. */
export function randomTensor(seed: number, name: string, shape: readonly number[]): Float32Array {
  const random = Random.of(seed, name);
  const size = shape.reduce((product, dimension) => product * dimension, 1);
  // Matrices keep the size of what goes through them, so that no sum overflows and none fades to subnormal numbers,
  // which are slow; vectors are norms, near one.
  const [, inputs] = shape;
  const spread = inputs === undefined ? 0.1 : Math.sqrt(3 / inputs);
  const centre = inputs === undefined ? 1 : 0;
  return Float32Array.from({ length: size }, () => centre + spread * (2 * random.next() - 1));
}
