import type { SubblockTensors } from './initialise.js';
import { fit, type SplitMoments } from './least-squares.js';

/** A projection, and its squared error on held-out rows. */
export interface Refit {
  tensors: SubblockTensors;
  error: number;
}

/** A projection of a variant, fitted anew from what it is; its bias, where it has one, weighs the last input. */
export function refit({ training, heldOut }: SplitMoments, tensors: SubblockTensors, name: string): Refit {
  const { inputs, outputs } = training;
  const weight = tensors[`${name}.weight`] ?? new Float32Array();
  const bias = tensors[`${name}.bias`];
  const columns = weight.length / outputs;
  const prior = new Float64Array(inputs * outputs);
  weight.forEach((value, i) => (prior[(i % columns) * outputs + Math.floor(i / columns)] = value));
  if (bias !== undefined) prior.set(bias, columns * outputs);
  const { weights, error } = fit(training, heldOut, prior);
  const fitted = {
    [`${name}.weight`]: projectionOf(weights, columns, outputs),
    ...(bias === undefined ? {} : { [`${name}.bias`]: Float32Array.from(weights.subarray(columns * outputs)) }),
  };
  return { tensors: fitted, error };
}

/** Weights [inputs, outputs] as a projection [outputs, columns] of the first `columns` inputs. */
export function projectionOf(weights: Float64Array, columns: number, outputs: number): Float32Array {
  return Float32Array.from(
    { length: outputs * columns },
    (_, i) => weights[(i % columns) * outputs + Math.floor(i / columns)] ?? 0,
  );
}
