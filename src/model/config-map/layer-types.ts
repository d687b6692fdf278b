import { type ConfigContext, requireLength, shownName, wholeNumber } from './context.js';
import { MAX_LAYERS } from '../../formats/hf-config.js';
import type { AttentionPart, LayerParts } from './parts.js';
import { MAMBA, patternOf } from './pattern.js';

/** Lists with a name for the attention half of every layer. */
const TYPE_LISTS = ['layer_types', 'layers_block_type'];
const ATTENTION_TYPES = new Set<unknown>([
  ...['attention', 'full_attention', 'sliding_attention', 'chunked_attention', 'global_attention', 'local_attention'],
]);
const MAMBA_TYPES = new Set<unknown>(['mamba', 'mamba2']);

/** Layers of hybrid models, which hold something else than attention in some layers. */
export function applyLayerTypes(layers: readonly LayerParts[], context: ConfigContext): LayerParts[] {
  const { fields, where } = context;
  const name = patternOf(fields) === undefined ? TYPE_LISTS.find((list) => fields.has(list)) : undefined;
  if (name === undefined) return applyPeriod(layers, context);
  const types = fields.list(name);
  requireLength(name, types.length, layers.length, where);
  return layers.map((layer, index) => ({ ...layer, attention: attentionOfType(types[index], layer.attention) }));
}

function attentionOfType(type: unknown, attention: AttentionPart): AttentionPart {
  if (ATTENTION_TYPES.has(type)) return attention;
  return MAMBA_TYPES.has(type) ? MAMBA : { kind: 'other', name: shownName(type) };
}

/** Attention in every so manyth layer, Mamba in the others. */
function applyPeriod(layers: readonly LayerParts[], context: ConfigContext): LayerParts[] {
  const { fields } = context;
  const period = wholeNumber(context, fields, ['attn_layer_period'], { max: MAX_LAYERS });
  if (period === null) return [...layers];
  const offset = wholeNumber(context, fields, ['attn_layer_offset'], { min: 0, max: MAX_LAYERS }) ?? 0;
  return layers.map((layer, index) => (index % period === offset % period ? layer : { ...layer, attention: MAMBA }));
}
