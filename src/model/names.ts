/** Tensor names of the Hugging Face Llama layout, and of the linear replacements in nemotron-nas children. */
export const EMBEDDING = 'model.embed_tokens.weight';
export const FINAL_NORM = 'model.norm.weight';
export const LM_HEAD = 'lm_head.weight';

export type Half = 'attention' | 'ffn';
export const HALVES: readonly Half[] = ['attention', 'ffn'];

/** Where each half's tensors live inside a layer. */
export const NORM: Record<Half, string> = {
  attention: 'input_layernorm.weight',
  ffn: 'post_attention_layernorm.weight',
};
export const LINEAR: Record<Half, string> = { attention: 'self_attn.linear_attn.weight', ffn: 'mlp.linear_mlp.weight' };

export function layerTensor(layer: number, name: string): string {
  return `model.layers.${layer}.${name}`;
}
