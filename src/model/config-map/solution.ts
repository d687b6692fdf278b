import type { AttentionShape, FfnShape, LayerShape, ModelConfig } from '../../formats/hf-config.js';
import { attentionCosts, type CostOptions, ffnCosts, nonBlockCosts } from '../accounting.js';
import { attentionName, ffnName } from '../variants.js';
import type { BlockKind, HalfMap, LayerMap } from './map.js';
import type { AttentionPart, FfnPart } from './parts.js';
import { attentionWords, ffnWords } from './words.js';

/** The KV cache of a map is always told in 16 bits. */
const COUNTED: CostOptions = { weights: 'BF16', context: 1 };

/** The layers of a solution as a map shows them, each half relative to its parent's in the same layer. */
export function solutionLayers(
  parent: ModelConfig,
  layers: readonly LayerShape[],
  scores: readonly (number | null)[],
): LayerMap[] {
  return layers.map(({ attention, ffn }, index) => {
    const own = parent.layers[index];
    if (own === undefined) throw new Error(`the parent has no layer ${index}`);
    return {
      attention: attentionHalf(parent, attention, own.attention),
      ffn: ffnHalf(parent, ffn, own.ffn),
      kvBytesPerToken: attentionCosts(parent, attention, COUNTED).kvBytesPerToken,
      score: scores[index] ?? null,
    };
  });
}

/** Parameters of what no layer holds. */
export function solutionNonBlock(parent: ModelConfig): number {
  return nonBlockCosts(parent, COUNTED).parameters;
}

/** A variant of the attention of one layer beside `own`, the parent's in that layer. */
export function attentionHalf(parent: ModelConfig, shape: AttentionShape, own: AttentionShape): HalfMap {
  const parameters = (of: AttentionShape) => attentionCosts(parent, of, COUNTED).parameters;
  return {
    name: attentionName(shape),
    kind: attentionKind(shape, own),
    kept: keptShare(parameters(shape), parameters(own)),
    parameters: parameters(shape),
    detail: attentionWords(attentionPart(shape, parent), parent.hiddenSize).detail,
  };
}

/** A variant of the FFN of one layer beside `own`, the parent's in that layer. */
export function ffnHalf(parent: ModelConfig, shape: FfnShape, own: FfnShape): HalfMap {
  const parameters = (of: FfnShape) => ffnCosts(parent, of, COUNTED).parameters;
  return {
    name: ffnName(shape, own),
    kind: ffnKind(shape, own),
    kept: keptShare(parameters(shape), parameters(own)),
    parameters: parameters(shape),
    detail: ffnWords(ffnPart(shape), widthOf(own), parent.hiddenSize).detail,
  };
}

/** A linear half may be larger than the half that it replaces; more than all of it cannot be kept. */
function keptShare(part: number, whole: number): number {
  return whole === 0 ? 0 : Math.min(1, part / whole);
}

function attentionKind(shape: AttentionShape, own: AttentionShape): BlockKind {
  if (shape.kind !== 'gqa') return shape.kind;
  return own.kind === 'gqa' && shape.kvHeads < own.kvHeads ? 'reduced' : 'full';
}

function ffnKind(shape: FfnShape, own: FfnShape): BlockKind {
  if (shape.kind !== 'gated') return shape.kind;
  return own.kind === 'gated' && shape.width < own.width ? 'reduced' : 'full';
}

function attentionPart(shape: AttentionShape, { heads, headDim }: ModelConfig): AttentionPart {
  return shape.kind === 'gqa' ? { kind: 'heads', kvHeads: shape.kvHeads, heads, headDim, window: null } : shape;
}

function ffnPart(shape: FfnShape): FfnPart {
  return shape.kind === 'gated' ? { kind: 'dense', width: shape.width } : shape;
}

function widthOf(shape: FfnShape): number {
  return shape.kind === 'gated' ? shape.width : 1;
}
