import type { LayerShape } from '../formats/hf-config.js';
import type { Half } from '../model/names.js';
import type { LayerVariants } from '../model/variants.js';
import type { ChosenLayer } from './assemble.js';
import { type TrainedBlocks, trainedHalf } from './coupled.js';
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
  trained: TrainedBlocks,
  architecture: readonly Pick<LayerChoice, 'attention' | 'ffn'>[],
): ChosenLayer[] {
  return chosenShapes(variants, architecture).map((shape, layer) => {
    const { attention = '', ffn = '' } = architecture[layer] ?? {};
    const fileOf = (half: Half) => trainedHalf(trained, { layer, attention, ffn }, half)?.file;
    return { shape, files: { attention: fileOf('attention'), ffn: fileOf('ffn') } };
  });
}
