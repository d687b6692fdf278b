import { MAX_LAYERS } from '../../formats/hf-config.js';
import { type ConfigContext, wholeNumber } from './context.js';
import { EXPERTS_LETTER, patternOf } from './pattern.js';

/** Which layers of a model with experts have them; the others have one FFN. */
export function sparseLayers(context: ConfigContext): (layer: number) => boolean {
  const { fields } = context;
  const pattern = patternOf(fields);
  if (pattern !== undefined) return (layer) => pattern[layer] === EXPERTS_LETTER;
  const number = (name: string, min: number) => wholeNumber(context, fields, [name], { min, max: MAX_LAYERS });
  const listed: unknown = fields.get('mlp_only_layers');
  const dense = new Set<unknown>(Array.isArray(listed) ? listed : []);
  const firstSparse = number('first_k_dense_replace', 0) ?? 0;
  const step = number('decoder_sparse_step', 1) ?? 1;
  const period = number('expert_layer_period', 1) ?? 1;
  const offset = number('expert_layer_offset', 0) ?? 0;
  return (layer) =>
    !dense.has(layer) && layer >= firstSparse && (layer + 1) % step === 0 && layer % period === offset % period;
}
