import { InputError } from '../../common/errors.js';
import { MAX_HEADS } from '../../formats/hf-config.js';
import { quoteValue } from '../../formats/quote.js';
import { type ConfigContext, requireLength } from './context.js';
import type { LayerParts } from './parts.js';

const FIELD = 'num_key_value_heads_per_layer';

/** The oldest way to give every layer its own number of key-value heads: a list beside the other sizes. */
export function applyKvHeadsList(layers: readonly LayerParts[], { fields, where }: ConfigContext): LayerParts[] {
  if (!fields.has(FIELD)) return [...layers];
  const list = fields.list(FIELD);
  requireLength(FIELD, list.length, layers.length, where);
  return layers.map((layer, index) => {
    if (layer.attention.kind !== 'heads') return layer;
    const kvHeads = list[index];
    const { heads } = layer.attention;
    const isCount = typeof kvHeads === 'number' && Number.isInteger(kvHeads) && kvHeads >= 1 && kvHeads <= MAX_HEADS;
    if (!isCount || (heads !== null && heads % kvHeads !== 0)) {
      const divisor = heads === null ? `from 1 to ${MAX_HEADS}` : `that divides num_attention_heads, ${heads},`;
      const advice = `a whole number ${divisor} is expected`;
      throw new InputError(`${FIELD}[${index}] is ${quoteValue(kvHeads)}; ${advice}`, where);
    }
    return { ...layer, attention: { ...layer.attention, kvHeads } };
  });
}
