import type { Value } from '../graph/value.js';
import { type Batch, causalAttention, embed, head, layerBlock, type Weights } from './blocks.js';
import { layerWeights } from './weights.js';

/** Every activation of a whole model that a loss may want. */
export interface Forward {
  /** The stream after the embedding and after each layer: layers + 1 values of [B*S, H]. */
  hidden: Value[];
  /** [B*S, V] */
  logits: Value;
}

/** The whole model over whole sequences: int64 ids [B*S] to logits, differentiable. */
export function forward(batch: Batch, weights: Weights, ids: Value): Forward {
  const core = causalAttention(batch);
  let x = embed(weights, ids);
  const hidden = [x];
  batch.config.layers.forEach((shape, layer) => {
    x = layerBlock(batch.config, shape, layerWeights(weights, layer), core, x);
    hidden.push(x);
  });
  return { hidden, logits: head(batch.config, weights, x) };
}
