import { useEffect, useMemo } from 'preact/hooks';
import { revealLayer, setRule, type PanelState } from '../../src/protocol/panel.js';
import type { LayerRule } from '../../src/protocol/solution.js';
import { perform } from '../state/store.js';
import { openLayers, selectedLayer } from '../state/ui-state.js';
import { detailsVersion, needLayer } from './layer-details.js';
import { isInTree, openAllLayers, toggleLayer } from './map-state.js';
import { largestOf, measureOf, type Measure } from './measure.js';
import type { Command } from './navigate.js';
import { banToggled, pinToggled, ruleOf } from './rules.js';
import type { ShownMap } from './shown-map.js';

/** What the rows of the map draw from. The same object as long as all of it is the same. */
export interface MapModel {
  shown: ShownMap;
  rules: readonly LayerRule[];
  measure: Measure;
  /** Of the layers' measures: the full length of their bars. */
  largest: number;
  /** There is a run, or a library made elsewhere, so there are variants to show. */
  openable: boolean;
  /** There is a spec that a pin or a ban can be written into. */
  editable: boolean;
  select: (layer: number) => void;
  obey: (command: Command) => void;
}

const TOGGLED = { pin: pinToggled, ban: banToggled } as const;
const NO_RULES: readonly LayerRule[] = [];

export function useMapModel({ kind, run, imported, spec }: PanelState, shown: ShownMap): MapModel {
  const rules = spec?.rules ?? NO_RULES;
  const openable = run !== null || imported !== null;
  const editable = spec !== null;
  return useMemo(() => {
    const measure = measureOf(shown.map, shown.solution?.scoreUnit);
    return {
      ...{ shown, rules, openable, editable, measure },
      largest: largestOf(shown.map, measure),
      select: (layer) => {
        const changed = selectedLayer.peek() !== layer;
        selectedLayer.value = layer;
        if (changed && kind === 'config') perform(revealLayer, { layer });
      },
      obey: (command) => {
        switch (command.kind) {
          case 'toggle':
            if (openable) toggleLayer(command.layer);
            return;
          case 'open-all':
            if (openable) openAllLayers(shown.map.layers.length, true);
            return;
          case 'pin':
          case 'ban': {
            const { layer, half, variant } = command.row;
            if (editable) perform(setRule, TOGGLED[command.kind](ruleOf(rules, layer, half), variant.name));
          }
        }
      },
    };
  }, [kind, rules, openable, editable, shown]);
}

/** Has the variants of the open layers read, and takes up the layer that the cursor is in. */
export function useMapData(state: PanelState): void {
  const version = detailsVersion(state);
  const open = openLayers.value;
  useEffect(() => {
    if (version !== null) for (const layer of open) needLayer(layer, version);
  }, [version, open]);
  useEffect(() => {
    // Who moves in the tree moves the cursor too: its layer comes back here, and may be behind.
    if (state.cursorLayer !== null && !isInTree()) selectedLayer.value = state.cursorLayer;
  }, [state.cursorLayer]);
}
