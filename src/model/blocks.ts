import type { AttentionShape, FfnShape, LayerShape, ModelConfig } from '../formats/hf-config.js';
import {
  add,
  concat,
  constant,
  gather,
  matmul,
  mul,
  reshape,
  rmsNorm,
  rotary,
  sigmoid,
  slice,
  softmax,
  transpose,
} from '../graph/primitives.js';
import type { Value } from '../graph/value.js';
import { EMBEDDING, FINAL_NORM, type Half, LINEAR, LM_HEAD, NORM } from './names.js';
import { ropeTables } from './rope.js';

/** Finds a weight by its name within the layer (`self_attn.q_proj.weight`) or the model (`model.norm.weight`). */
export type Weights = (name: string) => Value;

/** What a whole batch shares: sequences of one length, starting at position 0. */
export interface Batch {
  config: ModelConfig;
  /** Sequences, B. */
  batch: number;
  /** Tokens in each, S. */
  sequence: number;
}

/** Attention itself, between the projections: q [B*S, heads*headDim], k and v [B*S, kvHeads*headDim] to [B*S, heads*headDim]. */
export type AttentionCore = (q: Value, k: Value, v: Value, kvHeads: number) => Value;

/** Large enough that the softmax of a masked score is exactly 0 in float32. */
export const MASKED = -1e9;

/** Queries are taken in at most so many blocks, of at least so many rows: finer ones save little and cost calls. */
const MAX_QUERY_BLOCKS = 8;
const MIN_QUERY_BLOCK = 64;

/** [end - start, end]: what rows start..end-1 may not see of the columns before `end`. */
function causalMask(start: number, end: number): Value {
  const mask = Float32Array.from({ length: (end - start) * end }, (_, i) =>
    i % end > start + Math.floor(i / end) ? MASKED : 0,
  );
  return constant(mask, [end - start, end]);
}

/** Where each block of queries starts and ends. */
function queryBlocks(sequence: number): { start: number; end: number }[] {
  const rows = Math.max(MIN_QUERY_BLOCK, Math.ceil(sequence / MAX_QUERY_BLOCKS));
  return Array.from({ length: Math.ceil(sequence / rows) }, (_, i) => ({
    start: i * rows,
    end: Math.min(sequence, (i + 1) * rows),
  }));
}

/**
 * Causal attention over whole sequences; `produced` receives all keys and values, for a cache. The queries are taken
 * block by block, so that the scores of a block with keys that come after all of it are never computed.
 */
export function causalAttention(
  { config, batch, sequence }: Batch,
  produced: (tokens: KeysValues) => void = () => undefined,
): AttentionCore {
  const { heads, headDim } = config;
  const { cos, sin } = ropeTables(config, sequence);
  const half = [sequence, headDim / 2];
  const [cosTable, sinTable] = [constant(cos, half), constant(sin, half)];
  const positions = constant(
    BigInt64Array.from({ length: batch * sequence }, (_, i) => BigInt(i % sequence)),
    [batch, sequence],
  );
  const rotate = (x: Value, width: number) =>
    rotary(reshape(x, [batch, sequence, width]), positions, cosTable, sinTable);
  const blocks = queryBlocks(sequence).map(({ start, end }) => ({ start, end, mask: causalMask(start, end) }));
  return (q, k, v, kvHeads) => {
    const group = heads / kvHeads;
    const byHead = (x: Value) => transpose(reshape(x, [batch, sequence, kvHeads, headDim]), [0, 2, 1, 3]);
    const grouped = transpose(
      reshape(rotate(q, heads * headDim), [batch, sequence, kvHeads, group, headDim]),
      [0, 2, 3, 1, 4],
    );
    const queries = mul(grouped, headDim ** -0.5);
    const tokens = { keys: byHead(rotate(k, kvHeads * headDim)), values: byHead(v) };
    produced(tokens);
    const mixed = blocks.map(({ start, end, mask }) => {
      const rows = end - start;
      // The queries that share a KV head are stacked along the sequence, so keys and values are never repeated.
      const stacked = reshape(slice(queries, 3, start, end), [batch, kvHeads, group * rows, headDim]);
      const scores = matmul(stacked, slice(tokens.keys, 2, 0, end), false, true);
      const masked = add(reshape(scores, [batch, kvHeads, group, rows, end]), mask);
      const weights = reshape(softmax(masked), [batch, kvHeads, group * rows, end]);
      return reshape(matmul(weights, slice(tokens.values, 2, 0, end)), [batch, kvHeads, group, rows, headDim]);
    });
    return reshape(transpose(concat(mixed, 3), [0, 3, 1, 2, 4]), [batch * sequence, heads * headDim]);
  };
}

/** Keys and values of one attention, [B, kvHeads, tokens, headDim], keys rotated. */
export interface KeysValues {
  keys: Value;
  values: Value;
}

/** Where one decode step stands. */
export interface DecodePosition {
  /** int64 [B,1]: the position of the new token. */
  positions: Value;
  /** [C]: 0 where the cache holds a token, very negative where it is empty. */
  mask: Value;
  /** [C, headDim/2] each. */
  cos: Value;
  sin: Value;
}

/**
 * Attention of one new token a sequence against a cache of capacity C plus itself. `produced` receives the new token's
 * keys and values, which the caller appends to the cache after the step.
 */
export function decodeAttention(
  { config, batch }: Pick<Batch, 'config' | 'batch'>,
  { positions, mask, cos, sin }: DecodePosition,
  cache: KeysValues,
  produced: (token: KeysValues) => void,
): AttentionCore {
  const { heads, headDim } = config;
  const capacity = cache.keys.shape[2] ?? 0;
  const rotate = (x: Value, width: number) => rotary(reshape(x, [batch, 1, width]), positions, cos, sin);
  return (q, k, v, kvHeads) => {
    const perHead = [batch, kvHeads, 1, headDim];
    const queries = mul(
      reshape(rotate(q, heads * headDim), [batch, kvHeads, heads / kvHeads, headDim]),
      headDim ** -0.5,
    );
    const token = { keys: reshape(rotate(k, kvHeads * headDim), perHead), values: reshape(v, perHead) };
    produced(token);
    const past = add(matmul(queries, cache.keys, false, true), mask);
    const weights = softmax(concat([past, matmul(queries, token.keys, false, true)], 3));
    const fromPast = matmul(slice(weights, 3, 0, capacity), cache.values);
    const fromSelf = mul(slice(weights, 3, capacity, capacity + 1), token.values);
    return reshape(add(fromPast, fromSelf), [batch, heads * headDim]);
  };
}

/** x [N, in] times a weight [out, in], plus a bias [out] where the model has one. */
function linear(x: Value, weights: Weights, name: string, bias: boolean): Value {
  const product = matmul(x, weights(`${name}.weight`), false, true);
  return bias ? add(product, weights(`${name}.bias`)) : product;
}

/** What the projections of a half see of the stream. */
export function normedInput(config: ModelConfig, half: Half, weights: Weights, x: Value): Value {
  return rmsNorm(x, weights(NORM[half]), config.rmsNormEps);
}

/** What attention makes of the stream before its output projection reads it: [N, H] to [N, heads * headDim]. */
export function attentionMixed(
  config: ModelConfig,
  kvHeads: number,
  weights: Weights,
  core: AttentionCore,
  x: Value,
): Value {
  const normed = normedInput(config, 'attention', weights, x);
  const project = (name: string) => linear(normed, weights, `self_attn.${name}`, config.attentionBias);
  return core(project('q_proj'), project('k_proj'), project('v_proj'), kvHeads);
}

/** What the attention half of a layer adds to the stream: [N, H] to [N, H]; undefined for a no-op. */
export function attentionUpdate(
  config: ModelConfig,
  shape: AttentionShape,
  weights: Weights,
  core: AttentionCore,
  x: Value,
): Value | undefined {
  switch (shape.kind) {
    case 'no-op':
      return undefined;
    case 'linear':
      return matmul(normedInput(config, 'attention', weights, x), weights(LINEAR.attention), false, true);
    case 'gqa': {
      const mixed = attentionMixed(config, shape.kvHeads, weights, core, x);
      return linear(mixed, weights, 'self_attn.o_proj', config.attentionBias);
    }
  }
}

/** The attention half of a layer with its residual: [N, H] to [N, H]. */
export function attentionHalf(
  config: ModelConfig,
  shape: AttentionShape,
  weights: Weights,
  core: AttentionCore,
  x: Value,
): Value {
  const update = attentionUpdate(config, shape, weights, core, x);
  return update === undefined ? x : add(x, update);
}

/** silu(gate) * up: the input of the down projection, [N, width]. */
export function ffnActivation(config: ModelConfig, weights: Weights, x: Value): Value {
  const normed = normedInput(config, 'ffn', weights, x);
  const gate = linear(normed, weights, 'mlp.gate_proj', config.mlpBias);
  return mul(mul(gate, sigmoid(gate)), linear(normed, weights, 'mlp.up_proj', config.mlpBias));
}

/** What the FFN half of a layer adds to the stream: [N, H] to [N, H]; undefined for a no-op. */
export function ffnUpdate(config: ModelConfig, shape: FfnShape, weights: Weights, x: Value): Value | undefined {
  switch (shape.kind) {
    case 'no-op':
      return undefined;
    case 'linear':
      return matmul(normedInput(config, 'ffn', weights, x), weights(LINEAR.ffn), false, true);
    case 'gated':
      return linear(ffnActivation(config, weights, x), weights, 'mlp.down_proj', config.mlpBias);
  }
}

/** The FFN half of a layer with its residual: [N, H] to [N, H]. */
export function ffnHalf(config: ModelConfig, shape: FfnShape, weights: Weights, x: Value): Value {
  const update = ffnUpdate(config, shape, weights, x);
  return update === undefined ? x : add(x, update);
}

/** One layer: [N, H] to [N, H]. */
export function layerBlock(
  config: ModelConfig,
  shape: LayerShape,
  weights: Weights,
  core: AttentionCore,
  x: Value,
): Value {
  return ffnHalf(config, shape.ffn, weights, attentionHalf(config, shape.attention, weights, core, x));
}

/** int64 ids [N] to hidden states [N, H]. */
export function embed(weights: Weights, ids: Value): Value {
  return gather(weights(EMBEDDING), ids);
}

/** Hidden states [N, H] to logits [N, V]. */
export function head(config: ModelConfig, weights: Weights, x: Value): Value {
  const normed = rmsNorm(x, weights(FINAL_NORM), config.rmsNormEps);
  return matmul(normed, weights(config.tieWordEmbeddings ? EMBEDDING : LM_HEAD), false, true);
}
