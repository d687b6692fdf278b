import type { LayerShape } from '../formats/hf-config.js';
import type { LayerVariants } from '../model/variants.js';
import type { ChosenLayer } from './assemble.js';
import type { LibraryEntry } from './block-library.js';
import type { LayerChoice } from './solve.js';

/** The shapes of an architecture, whose variants are named: a layer each. */
export function chosenShapes(
  variants: readonly LayerVariants[],
  architecture: readonly Pick<LayerChoice, 'attention' | 'ffn'>[],
): LayerShape[] {
  return architecture.map((choice, layer) => {
    const attention = variants[layer]?.attention.find(({ name }) => name === choice.attention);
    const ffn = variants[layer]?.ffn.find(({ name }) => name === choice.ffn);
    if (attention === undefined || ffn === undefined) {
      throw new Error(`layer ${layer} has no ${choice.attention} with ${choice.ffn}`);
    }
    return { attention: attention.shape, ffn: ffn.shape };
  });
}

/** Shapes and files of the chosen variants. */
export function chosenLayers(
  variants: readonly LayerVariants[],
  library: readonly LibraryEntry[],
  architecture: readonly Pick<LayerChoice, 'attention' | 'ffn'>[],
): ChosenLayer[] {
  const fileOf = (layer: number, half: 'attention' | 'ffn', name: string) =>
    library.find((entry) => entry.layer === layer && entry.half === half && entry.variant.name === name)?.file;
  return chosenShapes(variants, architecture).map((shape, layer) => {
    const { attention = '', ffn = '' } = architecture[layer] ?? {};
    return { shape, files: { attention: fileOf(layer, 'attention', attention), ffn: fileOf(layer, 'ffn', ffn) } };
  });
}
