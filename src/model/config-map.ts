import type { LayerShape, ModelConfig } from '../formats/hf-config.js';
import { type ConfigContext, readContext } from './config-map/context.js';
import { mapLayers } from './config-map/halves.js';
import { readLayers } from './config-map/layers.js';
import { type ConfigMap, mapTotals } from './config-map/map.js';
import { notesOf } from './config-map/notes.js';
import { nonBlockParameters } from './config-map/parameters.js';
import type { Heads, LayerParts } from './config-map/parts.js';
import { readHeads } from './config-map/sizes.js';
import { solutionLayers, solutionNonBlock } from './config-map/solution.js';

/** A config as it was read: its map, and what stands behind it. */
export interface DescribedConfig {
  context: ConfigContext;
  /** Of every attention that does not say otherwise. */
  heads: Heads;
  parts: LayerParts[];
  map: ConfigMap;
}

/**
 * The architecture map of any Hugging Face `config.json`, without its weights. Layers are relative to the largest of the
 * model. What the config leaves open is null in the map and said in its notes. Throws InputError, with the field, where
 * the number of layers is absent, a number is out of bounds, or two fields contradict each other.
 */
export function describeConfig(json: unknown, where: string): ConfigMap {
  return readConfigMap(json, where).map;
}

/** As {@link describeConfig}, with what the map was made of. */
export function readConfigMap(json: unknown, where: string): DescribedConfig {
  const context = readContext(json, where);
  const [heads, parts] = [readHeads(context), readLayers(context)];
  const layers = mapLayers(parts, context);
  const { modelType: family, hiddenSize } = context;
  const nonBlock = nonBlockParameters(context, context.vocabSize);
  const map: ConfigMap = {
    family,
    layers,
    hiddenSize,
    heads: heads.heads,
    totals: mapTotals(layers, nonBlock, !context.isNested),
    notes: notesOf({ context, parts, layers }),
  };
  return { context, heads, parts, map };
}

/**
 * The architecture map of a solution, layer by layer relative to its parent.
 *
 * @param layers as many as the parent has
 * @param scores per layer the sum of its halves' scores, nats/token; null where there is none
 */
export function describeModel(
  parent: ModelConfig,
  layers: readonly LayerShape[],
  scores: readonly (number | null)[] = [],
): ConfigMap {
  const maps = solutionLayers(parent, layers, scores);
  const { family, hiddenSize, heads } = parent;
  return { family, hiddenSize, heads, layers: maps, totals: mapTotals(maps, solutionNonBlock(parent)), notes: [] };
}
