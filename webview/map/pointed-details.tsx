import * as l10n from '@vscode/l10n';
import { useEffect } from 'preact/hooks';
import { DetailsLine, type DetailsPart } from './details-line.js';
import { cacheFact, halfFacts } from './facts.js';
import { layerDetail, needLayer } from './layer-details.js';
import { pointedRow, treeFocus } from './map-state.js';
import { HALVES, type Row } from './rows.js';
import type { ShownMap } from './shown-map.js';
import { HALF_NAMES } from './summary.js';

/** The pointer must rest on a layer for so long before its variants are asked for (milliseconds). */
const POINTER_RESTS = 80;
const HINT = l10n.t('Point at a layer, or use the arrow keys: here is what is known of it.');
const CONFIG_HINT = `${HINT} ${l10n.t('Selecting it selects its lines in the config.')}`;
const RUN_HINT = `${HINT} ${l10n.t('Enter opens its variants.')}`;

interface PointedDetailsProps {
  id: string;
  rows: readonly Row[];
  shown: ShownMap;
  /** The map is of a config alone. */
  isConfig: boolean;
  /** As of when the variants are wanted; null where there is no run that has any. */
  version: string | null;
}

/** Everything known about the row that is pointed at, or else has the focus: of a layer, both its halves. */
export function PointedDetails({ id, rows, shown, isConfig, version }: PointedDetailsProps) {
  const key = pointedRow.value ?? treeFocus.value?.key;
  const row = rows.find((candidate) => candidate.key === key) ?? null;
  const layer = row?.layer ?? null;
  useEffect(() => {
    if (version === null || layer === null) return;
    const timer = setTimeout(() => {
      needLayer(layer, version);
    }, POINTER_RESTS);
    return () => {
      clearTimeout(timer);
    };
  }, [version, layer]);
  return (
    <DetailsLine
      id={id}
      title={layer === null ? '' : l10n.t('layer {0}', layer)}
      parts={row === null ? [] : partsOf(row, shown)}
      measured={shown.solution !== null}
      hint={isConfig ? CONFIG_HINT : version === null ? HINT : RUN_HINT}
    />
  );
}

function partsOf(row: Row, { map, parent }: ShownMap): DetailsPart[] {
  if (row.kind === 'variant') {
    const { half, variant } = row;
    return [{ name: `${HALF_NAMES[half]} ${variant.name}`, facts: halfFacts(variant, { variant, ofParent: true }) }];
  }
  const layer = map.layers[row.layer];
  if (layer === undefined) return [];
  const detail = layerDetail(row.layer);
  return HALVES.map((half) => {
    const { [half]: view } = layer;
    const variants = typeof detail === 'string' ? [] : detail[half];
    const variant = variants.find(({ name }) => name === view.name) ?? null;
    const facts = halfFacts(view, { variant, ofParent: parent !== null });
    const cache = half === 'attention' && variant === null ? cacheFact(layer) : [];
    return { name: `${HALF_NAMES[half]} ${view.name}`, facts: [...facts, ...cache] };
  });
}
