import type { Fields } from '../../formats/fields.js';
import { type ConfigContext, requireLength } from './context.js';
import type { LayerParts, Mixer } from './parts.js';

const NO_OP = { kind: 'no-op' } as const;
export const MAMBA: Mixer = { kind: 'mamba', name: 'mamba' };

/** The letter of a layer with experts. */
export const EXPERTS_LETTER = 'E';

/** What one letter stands for: layers of such models have one half each. */
const LETTERS: Readonly<Record<string, (layer: LayerParts) => LayerParts>> = {
  M: () => ({ attention: MAMBA, ffn: NO_OP }),
  '*': ({ attention }) => ({ attention, ffn: NO_OP }),
  '-': ({ ffn }) => ({ attention: NO_OP, ffn }),
  [EXPERTS_LETTER]: ({ ffn }) => ({ attention: NO_OP, ffn }),
};

const PATTERN = 'hybrid_override_pattern';
/** The same as a list of names. Only where it names FFNs as layers of their own are the others one half as well. */
const NAMES = 'layers_block_type';
const LETTER_OF_NAME = new Map<unknown, string>([
  ['mamba', 'M'],
  ['attention', '*'],
  ['mlp', '-'],
  ['moe', EXPERTS_LETTER],
]);

/** One letter per layer, where the layers of the model have one half each. */
export function patternOf(fields: Fields): string | undefined {
  const pattern = fields.get(PATTERN);
  if (typeof pattern === 'string') return pattern;
  const names = fields.get(NAMES);
  if (!Array.isArray(names) || !(names.includes('mlp') || names.includes('moe'))) return undefined;
  return names.map((name) => LETTER_OF_NAME.get(name) ?? '?').join('');
}

/** Layers of one half each. */
export function applyPattern(layers: readonly LayerParts[], { fields, where }: ConfigContext): LayerParts[] {
  const pattern = patternOf(fields);
  if (pattern === undefined) return [...layers];
  const name = fields.has(PATTERN) ? PATTERN : NAMES;
  requireLength(name, pattern.length, layers.length, where);
  return layers.map((layer, index) => {
    const letter = pattern[index] ?? '';
    const change = Object.hasOwn(LETTERS, letter) ? LETTERS[letter] : undefined;
    if (change === undefined) {
      throw fields.error(name, `supported: ${[...LETTER_OF_NAME].map((pair) => pair.join(' or ')).join(', ')}`);
    }
    return change(layer);
  });
}
