import type { HalfMap, LayerMap } from '../../src/protocol/architecture.js';
import type { LayerRule } from '../../src/protocol/solution.js';
import { orNone } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { Bar } from './bar.js';
import { layerLabel } from './facts.js';
import { GridRow } from './grid-row.js';
import type { Measure } from './measure.js';
import { HALVES, type Row } from './rows.js';
import { ruleOf } from './rules.js';
import type { RowPlace } from './drawn-rows.js';

interface LayerRowProps {
  row: Row & { kind: 'layer' };
  place: RowPlace;
  view: LayerMap;
  parent: LayerMap | undefined;
  rules: readonly LayerRule[];
  measure: Measure;
  /** Of the layers' measures: the full length of their bars. */
  largest: number;
  /** Whether there are variants to show. */
  openable: boolean;
  selected: boolean;
  describedBy: string;
  onSelect: () => void;
  onToggle: () => void;
}

/** One layer: index, what is kept of its halves, and what that costs in quality. */
export function LayerRow(props: LayerRowProps) {
  const { row, place, view, parent, rules, measure, largest, openable, selected, describedBy, onSelect, onToggle } =
    props;
  const { layer, open } = row;
  const value = measure.of(view);
  return (
    <GridRow
      {...{ row, place, describedBy, selected }}
      class={selected ? 'map-layer selected' : 'map-layer'}
      label={layerLabel(layer, view)}
      {...(openable && { expanded: open, onDblClick: onToggle })}
      onClick={onSelect}
    >
      <span role="rowheader" class="map-index">
        {openable && (
          <span class="map-twisty" onClick={onToggle}>
            <Icon name={open ? 'chevron-down' : 'chevron-right'} />
          </span>
        )}
        <span class="map-number">{layer}</span>
      </span>
      {HALVES.map((half) => (
        <HalfCell key={half} half={view[half]} outline={parent?.[half].kept ?? 1} rule={ruleOf(rules, layer, half)} />
      ))}
      <span role="gridcell" class="map-measure" style={{ '--share': String(largest > 0 ? (value ?? 0) / largest : 0) }}>
        {orNone(value, measure.text)}
      </span>
    </GridRow>
  );
}

function HalfCell({ half, outline, rule }: { half: HalfMap; outline: number; rule: LayerRule }) {
  return (
    <span role="gridcell" class="map-half">
      <Bar half={half} outline={outline} />
      <span class={half.kind === 'full' ? 'map-name muted' : 'map-name'}>{half.name}</span>
      {rule.pin !== undefined && <Icon name="pinned" class="map-mark" />}
      {rule.ban !== undefined && <Icon name="circle-slash" class="map-mark" />}
    </span>
  );
}
