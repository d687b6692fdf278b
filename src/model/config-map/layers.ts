import { applyBlockConfigs } from './blocks.js';
import type { ConfigContext } from './context.js';
import { applyKvHeadsList } from './kv-heads-list.js';
import { applyLayerTypes } from './layer-types.js';
import type { LayerParts } from './parts.js';
import { applyPattern } from './pattern.js';
import { applyPerLayerConfig } from './per-layer.js';
import { readDense, readExperts, readHeads } from './sizes.js';
import { sparseLayers } from './sparsity.js';
import { windowOf } from './window.js';

/**
 * What stands in every layer: first all layers as the model's own fields say, then as the lists say in which layers differ,
 * the later ones on top of the earlier.
 */
export function readLayers(context: ConfigContext): LayerParts[] {
  const [heads, dense, experts] = [readHeads(context), readDense(context), readExperts(context)];
  const isSparse = sparseLayers(context);
  const uniform = Array.from({ length: context.layerCount }, (_, layer): LayerParts => {
    const attention = { ...heads, window: windowOf(context, layer) };
    return { attention, ffn: experts !== undefined && isSparse(layer) ? experts : dense };
  });
  const changes = [applyPattern, applyLayerTypes, applyKvHeadsList, applyBlockConfigs, applyPerLayerConfig];
  return changes.reduce<LayerParts[]>((layers, change) => change(layers, context), uniform);
}
