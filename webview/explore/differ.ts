import type { ArchitectureMap } from '../../src/protocol/architecture.js';

/** In how many layers two architectures have not the same attention and FFN. */
export function layersThatDiffer(one: ArchitectureMap, other: ArchitectureMap): number {
  return one.layers.filter(({ attention, ffn }, layer) => {
    const { [layer]: beside } = other.layers;
    return attention.name !== beside?.attention.name || ffn.name !== beside.ffn.name;
  }).length;
}
