import { computed } from '@preact/signals';
import { useMemo } from 'preact/hooks';
import { selectedLayer } from '../state/ui-state.js';
import { GridRow } from './grid-row.js';
import { LayerRow } from './layer-row.js';
import type { MapModel } from './map-model.js';
import type { Row } from './rows.js';
import { ruleOf } from './rules.js';
import type { RowPlace } from './drawn-rows.js';
import { VariantHeading, VariantRow } from './variant-row.js';

interface MapRowProps<Kind extends Row['kind']> {
  row: Row & { kind: Kind };
  place: RowPlace;
  model: MapModel;
  /** Id of what tells more about the row that has the focus. */
  describedBy: string;
}

/** Any row of the map. */
export function MapRow(props: MapRowProps<Row['kind']>) {
  const { row, place } = props;
  switch (row.kind) {
    case 'layer':
      return <MapLayer {...props} row={row} />;
    case 'heading':
      return <VariantHeading row={row} place={place} />;
    case 'variant':
      return <MapVariant {...props} row={row} />;
    case 'message':
      return (
        <GridRow row={row} place={place} class="map-message">
          <span role="gridcell" class="muted">
            {row.text}
          </span>
        </GridRow>
      );
  }
}

function MapLayer({ row, place, model, describedBy }: MapRowProps<'layer'>) {
  const { shown, rules, measure, largest, openable, select, obey } = model;
  const { layer } = row;
  // Drawn again only when this layer's answer changes; the same component comes to show other layers.
  const selected = useMemo(() => computed(() => selectedLayer.value === layer), [layer]).value;
  const view = shown.map.layers[layer];
  if (view === undefined) return null;
  return (
    <LayerRow
      {...{ row, place, view, rules, measure, largest, openable, describedBy }}
      parent={shown.parent?.layers[layer]}
      selected={selected}
      onSelect={() => {
        select(layer);
      }}
      onToggle={() => {
        obey({ kind: 'toggle', layer });
      }}
    />
  );
}

function MapVariant({ row, place, model, describedBy }: MapRowProps<'variant'>) {
  const { shown, rules, editable, obey } = model;
  const { layer, half, variant } = row;
  const { pin, ban } = ruleOf(rules, layer, half);
  return (
    <VariantRow
      {...{ row, place, describedBy }}
      marks={{
        chosen: shown.solution !== null && shown.map.layers[layer]?.[half].name === variant.name,
        pinned: pin === variant.name,
        banned: ban?.includes(variant.name) ?? false,
      }}
      outline={shown.parent?.layers[layer]?.[half].kept ?? 1}
      onAction={
        editable
          ? (kind) => {
              obey({ kind, row });
            }
          : null
      }
    />
  );
}
