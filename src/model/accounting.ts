import type { AttentionShape, FfnShape, LayerShape, ModelConfig } from '../formats/hf-config.js';
import type { Dtype } from '../formats/safetensors.js';
import { modelTensors, subblockTensors, type TensorShape } from './tensors.js';

/** What a target may keep values as: what a checkpoint can be stored as, 8-bit floating point, and llama.cpp's blocks of 8-bit numbers. */
export type Precision = Dtype | 'F8' | 'Q8_0';
export const PRECISIONS = ['F32', 'F16', 'BF16', 'F8', 'Q8_0'] as const satisfies readonly Precision[];

/** What a part of a model takes, exactly; parts add up. */
export interface Costs {
  parameters: number;
  /** Of the forward pass, per token: two per multiply-add of a matrix product. Norms, biases and softmax not counted. */
  flopsPerToken: number;
  weightBytes: number;
  kvBytesPerToken: number;
}

export interface CostOptions {
  /** What weights are stored as. */
  weights: Precision;
  /** What the KV cache is stored as; as the weights by default. */
  kvCache?: Precision;
  /** Tokens that one token attends to, itself included. */
  context: number;
}

/** Sequences served together, and the tokens of each. */
export interface Workload {
  batch: number;
  prefill: number;
  generated: number;
}

/** A Q8_0 block of 32 values has a scale of two bytes. */
export const BYTES_PER_VALUE: Record<Precision, number> = { F32: 4, F16: 2, BF16: 2, F8: 1, Q8_0: 34 / 32 };

/** Parameters of any tensors. */
export function parameterCount(tensors: readonly TensorShape[]): number {
  return tensors.reduce((total, { shape }) => total + product(shape), 0);
}

/** Costs of the attention half of a layer, its norm included. */
export function attentionCosts(config: ModelConfig, shape: AttentionShape, options: CostOptions): Costs {
  const costs = tensorCosts(subblockTensors(config, 'attention', shape), options);
  if (shape.kind !== 'gqa') return costs;
  const { heads, headDim } = config;
  // Scores and weighted values: each a multiply-add per query head, dimension and position.
  const attended = 4 * heads * headDim * options.context;
  const kvBytesPerToken = 2 * shape.kvHeads * headDim * BYTES_PER_VALUE[options.kvCache ?? options.weights];
  return { ...costs, flopsPerToken: costs.flopsPerToken + attended, kvBytesPerToken };
}

/** Costs of the FFN half of a layer, its norm included. */
export function ffnCosts(config: ModelConfig, shape: FfnShape, options: CostOptions): Costs {
  return tensorCosts(subblockTensors(config, 'ffn', shape), options);
}

/** Costs of one layer. */
export function layerCosts(config: ModelConfig, { attention, ffn }: LayerShape, options: CostOptions): Costs {
  return sumCosts([attentionCosts(config, attention, options), ffnCosts(config, ffn, options)]);
}

/** Costs of what no choice changes: embedding, final norm, head. A tied matrix is stored once. */
export function nonBlockCosts(config: ModelConfig, options: CostOptions): Costs {
  const costs = tensorCosts(modelTensors({ ...config, layers: [] }), options);
  // Looking a row up is no product; the head is one, whether or not its matrix is the embedding's.
  return { ...costs, flopsPerToken: 2 * config.vocabSize * config.hiddenSize };
}

/** Costs of a whole model. */
export function modelCosts(config: ModelConfig, options: CostOptions): Costs {
  const layers = config.layers.map((layer) => layerCosts(config, layer, options));
  return sumCosts([nonBlockCosts(config, options), ...layers]);
}

/** Bytes that parts of a model take at a workload: weights, and the KV cache of every token. */
export function memoryBytes({ weightBytes, kvBytesPerToken }: Costs, { batch, prefill, generated }: Workload): number {
  return weightBytes + batch * (prefill + generated) * kvBytesPerToken;
}

export function sumCosts(parts: readonly Costs[]): Costs {
  const total: Costs = { parameters: 0, flopsPerToken: 0, weightBytes: 0, kvBytesPerToken: 0 };
  for (const part of parts) {
    total.parameters += part.parameters;
    total.flopsPerToken += part.flopsPerToken;
    total.weightBytes += part.weightBytes;
    total.kvBytesPerToken += part.kvBytesPerToken;
  }
  return total;
}

/** Costs of weights through which every token goes once: the matrices are products, the vectors norms and biases. */
function tensorCosts(tensors: readonly TensorShape[], { weights }: CostOptions): Costs {
  const parameters = parameterCount(tensors);
  const flopsPerToken = 2 * parameterCount(tensors.filter(({ shape }) => shape.length === 2));
  return { parameters, flopsPerToken, weightBytes: parameters * BYTES_PER_VALUE[weights], kvBytesPerToken: 0 };
}

function product(shape: readonly number[]): number {
  return shape.reduce((total, size) => total * size, 1);
}

/** What the runtime computes with on a CPU, and so keeps weights and KV cache as when it serves a model. */
export const SERVED_DTYPE: Dtype = 'F32';
