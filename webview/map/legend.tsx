import * as l10n from '@vscode/l10n';
import type { ArchitectureMap } from '../../src/protocol/architecture.js';
import type { Measure } from './measure.js';
import { KIND_NAMES, kindsIn } from './kinds.js';

interface LegendProps {
  map: ArchitectureMap;
  withParent: boolean;
  measure: Measure;
}

/** What colours and patterns of this map mean. Readers hear the kinds by their names. */
export function Legend({ map, withParent, measure }: LegendProps) {
  return (
    <ul class="map-legend" aria-hidden="true">
      {kindsIn(map).map((kind) => (
        <li key={kind}>
          <span class={`map-swatch kind-${kind}`} />
          {KIND_NAMES[kind]}
        </li>
      ))}
      {withParent && (
        <li>
          <span class="map-swatch map-swatch-parent" />
          {l10n.t('parent')}
        </li>
      )}
      <li class="map-legend-unit">
        {measure.name}: {measure.unit}
      </li>
    </ul>
  );
}
