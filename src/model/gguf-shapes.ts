import type { AttentionShape, FfnShape, LayerShape, ModelConfig } from '../formats/hf-config.js';

// What llama.cpp's architectures `llama` and `deci` can compute of the layers there are.

/** Why no GGUF can hold a variant, or undefined where one can. */
export function ggufVariantProblem(half: 'attention' | 'ffn', shape: AttentionShape | FfnShape): string | undefined {
  return half === 'ffn' && shape.kind === 'linear' ? 'llama.cpp has no linear FFN' : undefined;
}

/**
 * Why no GGUF can hold a layer whose halves it could hold alone. llama.cpp leaves a layer whose FFN has no channels
 * before it has added what the attention gave.
 */
export function ggufPairProblem({ attention, ffn }: LayerShape): string | undefined {
  return ffn.kind === 'no-op' && attention.kind !== 'no-op'
    ? 'llama.cpp loses the attention of a layer that has no FFN'
    : undefined;
}

/** Of a whole model: without keys and values anywhere llama.cpp makes no context, for its KV cache would be of no size. */
export const NEEDS_KV_CACHE = 'no layer has attention with keys and values; llama.cpp needs one';

/** Everything that keeps a model from becoming a GGUF, each with its layer. */
export function ggufProblems({ layers, attentionBias, mlpBias }: ModelConfig): string[] {
  const biases = [...(attentionBias ? ['attention_bias'] : []), ...(mlpBias ? ['mlp_bias'] : [])];
  return [
    ...biases.map((field) => `${field} is true; biases are not written`),
    ...layers.flatMap((layer, index) => {
      const problem = ggufVariantProblem('ffn', layer.ffn) ?? ggufPairProblem(layer);
      return problem === undefined ? [] : [`layer ${index}: ${problem}`];
    }),
    ...(layers.some(({ attention }) => attention.kind === 'gqa') ? [] : [NEEDS_KV_CACHE]),
  ];
}

/** A layer that gives what it is given. It need not be written, and llama.cpp would stumble over it as the last one. */
export function isEmpty({ attention, ffn }: LayerShape): boolean {
  return attention.kind === 'no-op' && ffn.kind === 'no-op';
}
