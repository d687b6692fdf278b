import type { Fields } from '../../formats/fields.js';
import { MAX_LAYERS } from '../../formats/hf-config.js';
import { type ConfigContext, wholeNumber } from './context.js';

const WINDOW = ['sliding_window', 'window_length'];
const MAX_WINDOW = 2 ** 31;

/** The window that these fields give; null where they give none. */
export function windowIn(fields: Fields, context: ConfigContext): number | null {
  return wholeNumber(context, fields, WINDOW, { max: MAX_WINDOW });
}

/** Tokens that one token of a layer attends to at most; null for all before it. */
export function windowOf(context: ConfigContext, layer: number): number | null {
  const { fields, family } = context;
  const window = windowIn(fields, context);
  if (window === null || fields.get('use_sliding_window') === false) return null;
  const types = fields.get('layer_types');
  if (Array.isArray(types)) return types[layer] === 'sliding_attention' ? window : null;
  const firstWithWindow = wholeNumber(context, fields, ['max_window_layers'], { min: 0, max: MAX_LAYERS }) ?? 0;
  const fullEvery =
    wholeNumber(context, fields, ['sliding_window_pattern'], { max: MAX_LAYERS }) ?? family?.absent.fullEvery ?? null;
  const isFull = layer < firstWithWindow || (fullEvery !== null && (layer + 1) % fullEvery === 0);
  return isFull ? null : window;
}
