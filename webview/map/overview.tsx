import * as l10n from '@vscode/l10n';
import { useComputed } from '@preact/signals';
import type { ArchitectureMap, HalfMap, LayerMap } from '../../src/protocol/architecture.js';
import { selectedLayer } from '../state/ui-state.js';
import { HALF_NAMES } from './summary.js';

interface OverviewProps {
  map: ArchitectureMap;
  parent: ArchitectureMap | null;
  onSelect: (layer: number) => void;
}

/**
 * All layers side by side, attention above the line and FFN below it: deep models at a glance. A second way for the
 * pointer only: the rows tell the same to everybody.
 */
export function Overview({ map: { layers }, parent, onSelect }: OverviewProps) {
  return (
    <div class="map-overview" aria-hidden="true">
      <span class="map-overview-side">{HALF_NAMES.attention}</span>
      <div class="map-overview-layers" style={{ '--layers': String(layers.length) }}>
        {layers.map((view, layer) => (
          <OverviewLayer key={layer} {...{ layer, view, onSelect }} parent={parent?.layers[layer]} />
        ))}
      </div>
      <span class="map-overview-side">{HALF_NAMES.ffn}</span>
    </div>
  );
}

interface OverviewLayerProps {
  layer: number;
  view: LayerMap;
  parent: LayerMap | undefined;
  onSelect: (layer: number) => void;
}

function OverviewLayer({ layer, view: { attention, ffn }, parent, onSelect }: OverviewLayerProps) {
  const selected = useComputed(() => selectedLayer.value === layer).value;
  return (
    <div
      class={selected ? 'map-overview-layer selected' : 'map-overview-layer'}
      title={l10n.t('layer {0}: {1}, {2}', layer, attention.name, ffn.name)}
      onClick={() => {
        onSelect(layer);
      }}
    >
      <Column half={attention} outline={parent?.attention.kept ?? 1} side="upright" />
      <Column half={ffn} outline={parent?.ffn.kept ?? 1} side="hanging" />
    </div>
  );
}

function Column({ half: { kind, kept }, outline, side }: { half: HalfMap; outline: number; side: string }) {
  return (
    <span
      class={`map-bar ${side} kind-${kind}`}
      style={{ '--outline': String(outline), '--kept': String(kept * outline) }}
    />
  );
}
