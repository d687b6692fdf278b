import * as l10n from '@vscode/l10n';
import type { VNode } from 'preact';
import { useCallback, useMemo } from 'preact/hooks';
import type { PanelState } from '../../src/protocol/panel.js';
import { openLayers, selectedLayer } from '../state/ui-state.js';
import type { DrawRow } from './drawn-rows.js';
import { detailsVersion, layerDetail } from './layer-details.js';
import { Legend } from './legend.js';
import { useMapData, useMapModel } from './map-model.js';
import { MapRow } from './map-row.js';
import { pointedRow, treeFocus } from './map-state.js';
import { Overview } from './overview.js';
import { PointedDetails } from './pointed-details.js';
import { flattenRows, layerKey, layerOf } from './rows.js';
import type { ShownMap } from './shown-map.js';
import { HALF_NAMES, longestName, mapSummary } from './summary.js';
import { Totals } from './totals.js';
import { TreeGrid } from './tree-grid.js';

const DETAILS = 'map-details';
/** A model with more layers than this is shown at a glance too. */
const OVERVIEW_FROM = 24;
const NONE_OPEN: readonly number[] = [];

/** The layers of a model, one a row, with all that is around them. */
export function MapView({ state, shown }: { state: PanelState; shown: ShownMap }) {
  const { map, parent, solution } = shown;
  const model = useMapModel(state, shown);
  const open = model.openable ? openLayers.value : NONE_OPEN;
  const known = open.map(layerDetail);
  // The details that are known are read anew, and the rows made anew, when one of them is another.
  const rows = useMemo(
    () => flattenRows(map.layers.length, new Set(open), layerDetail),
    [map.layers.length, open, ...known],
  );
  const selected = selectedLayer.value;
  const focus = treeFocus.value ?? { key: layerKey(0), action: null };
  useMapData(state);
  const drawRow = useCallback<DrawRow<VNode>>(
    (row, place) => <MapRow key={place.slot} {...{ row, place, model, describedBy: DETAILS }} />,
    [model],
  );
  const overview = useMemo(
    () => map.layers.length > OVERVIEW_FROM && <Overview {...{ map, parent }} onSelect={model.select} />,
    [map, parent, model],
  );
  const summary = mapSummary(map, parent);
  const columns = [l10n.t('layer'), HALF_NAMES.attention, HALF_NAMES.ffn, model.measure.name];

  return (
    <div class="map" style={{ '--longest-name': String(longestName(map)) }}>
      <Legend map={map} withParent={parent !== null} measure={model.measure} />
      {overview}
      <TreeGrid
        label={summary}
        columns={columns.length}
        {...{ rows, focus, drawRow }}
        follow={selected === null ? null : layerKey(selected)}
        head={
          <div role="row" class="map-row map-head map-layer" aria-rowindex={1}>
            {columns.map((column) => (
              <span key={column} role="columnheader">
                {column}
              </span>
            ))}
          </div>
        }
        onFocus={(place) => {
          treeFocus.value = place;
        }}
        onStep={(step) => {
          treeFocus.value = step.focus;
          model.select(layerOf(step.focus.key));
          if (step.command !== null) model.obey(step.command);
        }}
        onPoint={(key) => {
          pointedRow.value = key;
        }}
      />
      <PointedDetails
        id={DETAILS}
        {...{ rows, shown }}
        isConfig={state.kind === 'config'}
        version={detailsVersion(state)}
      />
      <Totals {...{ map, parent, solution }} />
    </div>
  );
}
