import type { AttentionShape, FfnShape, ModelConfig } from '../formats/hf-config.js';
import { EMBEDDING, FINAL_NORM, HALVES, LINEAR, LM_HEAD, layerTensor, NORM } from './names.js';

export interface TensorShape {
  name: string;
  shape: number[];
}

/** A projection's weight [out, in] and, where the model has one, its bias [out]. */
function projection(name: string, out: number, inputs: number, bias: boolean): TensorShape[] {
  const weight = { name: `${name}.weight`, shape: [out, inputs] };
  return bias ? [weight, { name: `${name}.bias`, shape: [out] }] : [weight];
}

function attentionTensors(config: ModelConfig, shape: AttentionShape): TensorShape[] {
  const { hiddenSize, heads, headDim, attentionBias } = config;
  switch (shape.kind) {
    case 'no-op':
      return [];
    case 'linear':
      return [{ name: LINEAR.attention, shape: [hiddenSize, hiddenSize] }];
    case 'gqa':
      return [
        ...projection('self_attn.q_proj', heads * headDim, hiddenSize, attentionBias),
        ...projection('self_attn.k_proj', shape.kvHeads * headDim, hiddenSize, attentionBias),
        ...projection('self_attn.v_proj', shape.kvHeads * headDim, hiddenSize, attentionBias),
        ...projection('self_attn.o_proj', hiddenSize, heads * headDim, attentionBias),
      ];
  }
}

function ffnTensors(config: ModelConfig, shape: FfnShape): TensorShape[] {
  const { hiddenSize, mlpBias } = config;
  switch (shape.kind) {
    case 'no-op':
      return [];
    case 'linear':
      return [{ name: LINEAR.ffn, shape: [hiddenSize, hiddenSize] }];
    case 'gated':
      return [
        ...projection('mlp.gate_proj', shape.width, hiddenSize, mlpBias),
        ...projection('mlp.up_proj', shape.width, hiddenSize, mlpBias),
        ...projection('mlp.down_proj', hiddenSize, shape.width, mlpBias),
      ];
  }
}

/** The tensors of one subblock, by their names within the layer: its norm first; none at all for a no-op. */
export function subblockTensors(config: ModelConfig, half: 'attention', shape: AttentionShape): TensorShape[];
export function subblockTensors(config: ModelConfig, half: 'ffn', shape: FfnShape): TensorShape[];
export function subblockTensors(
  config: ModelConfig,
  half: 'attention' | 'ffn',
  shape: AttentionShape | FfnShape,
): TensorShape[] {
  const own =
    half === 'attention' ? attentionTensors(config, shape as AttentionShape) : ffnTensors(config, shape as FfnShape);
  return own.length === 0 ? [] : [{ name: NORM[half], shape: [config.hiddenSize] }, ...own];
}

/** Every tensor of a model, by its full name. */
export function modelTensors(config: ModelConfig): TensorShape[] {
  const { hiddenSize, vocabSize } = config;
  const layers = config.layers.flatMap((layer, index) => {
    const tensors = {
      attention: subblockTensors(config, 'attention', layer.attention),
      ffn: subblockTensors(config, 'ffn', layer.ffn),
    };
    return HALVES.flatMap((half) =>
      tensors[half].map(({ name, shape }) => ({ name: layerTensor(index, name), shape })),
    );
  });
  return [
    { name: EMBEDDING, shape: [vocabSize, hiddenSize] },
    ...layers,
    { name: FINAL_NORM, shape: [hiddenSize] },
    ...(config.tieWordEmbeddings ? [] : [{ name: LM_HEAD, shape: [vocabSize, hiddenSize] }]),
  ];
}
