import { add, div, input, min, mul, reshape, sqrt, sub, sum } from './primitives.js';
import type { Value } from './value.js';

export interface AdamWOptions {
  beta1: number;
  beta2: number;
  epsilon: number;
  /** Decoupled weight decay, applied to matrices only: norm scales and biases are not decayed. */
  weightDecay: number;
  /** Gradients are scaled down so that their global L2 norm is at most this. */
  clipNorm: number;
}

export const ADAMW: AdamWOptions = { beta1: 0.9, beta2: 0.95, epsilon: 1e-8, weightDecay: 0, clipNorm: 1 };

/** One parameter and its first and second moment, all of one shape. */
export interface Slot {
  parameter: Value;
  first: Value;
  second: Value;
}

/** Names of the numbers that change from step to step. */
export type StepScalar = 'rate' | 'epsilon' | 'decay';

/** The scalar inputs of an update graph, each of shape []. */
export function stepInputs(): Record<StepScalar, Value> {
  return { rate: input('step.rate', []), epsilon: input('step.epsilon', []), decay: input('step.decay', []) };
}

/** Their values at step t = 1, 2, …: the bias corrections of Adam folded into the rate and epsilon. */
export function stepScalars(t: number, learningRate: number, options: AdamWOptions): Record<StepScalar, number> {
  const correction = Math.sqrt(1 - options.beta2 ** t);
  return {
    rate: (learningRate * correction) / (1 - options.beta1 ** t),
    epsilon: options.epsilon * correction,
    decay: 1 - learningRate * options.weightDecay,
  };
}

/** The L2 norm over all gradients, shape []. */
export function globalNorm(gradients: readonly Value[]): Value {
  return sqrt(gradients.map((gradient) => reshape(sum(mul(gradient, gradient)), [])).reduce(add));
}

/**
 * One AdamW update (Loshchilov and Hutter, "Decoupled weight decay regularization", algorithm 2) with global-norm
 * clipping. Returns the new state of each slot, in order, and the gradient norm before clipping.
 */
export function adamw(
  slots: readonly Slot[],
  gradients: readonly Value[],
  step: Record<StepScalar, Value>,
  options: AdamWOptions,
): { slots: Slot[]; norm: Value } {
  const norm = globalNorm(gradients);
  const clip = min(1, div(options.clipNorm, add(norm, 1e-6)));
  // The clip factor is folded into the moments' coefficients: one pass over the gradient fewer.
  const firstScale = mul(clip, 1 - options.beta1);
  const secondScale = mul(mul(clip, clip), 1 - options.beta2);
  const updated = slots.map((slot, i): Slot => {
    const gradient = gradients[i];
    if (gradient === undefined) throw new Error(`${slots.length} slots but ${gradients.length} gradients`);
    const first = add(mul(slot.first, options.beta1), mul(gradient, firstScale));
    const second = add(mul(slot.second, options.beta2), mul(mul(gradient, gradient), secondScale));
    const change = mul(div(first, add(sqrt(second), step.epsilon)), step.rate);
    const decays = options.weightDecay > 0 && slot.parameter.shape.length > 1;
    return { parameter: sub(decays ? mul(slot.parameter, step.decay) : slot.parameter, change), first, second };
  });
  return { slots: updated, norm };
}
