import * as l10n from '@vscode/l10n';
import type { Series } from '../../src/protocol/run.js';
import { HALVES, type Half } from '../map/rows.js';
import { HALF_NAMES } from '../map/summary.js';
import type { ChartOptions } from '../state/ui-state.js';
import { curveStyle, depthStyle, type CurveStyle } from './styles.js';

export type CurveView = Exclude<ChartOptions['view'], 'auto'>;

/** One line of the chart and of its legend. */
export interface Curve {
  /** Stays the same from layer to layer, so that a variant switched off stays off. */
  key: string;
  name: string;
  style: CurveStyle;
  series: Series;
}

/** Curves under one heading of the legend. */
export interface CurveGroup {
  title: string | null;
  curves: Curve[];
}

export interface CurveChoice {
  view: CurveView;
  layer: number;
  /** `ffn/ffn-50%`. */
  variant: string | null;
  half: ChartOptions['half'];
}

/** What `auto` stands for: the whole model as soon as it is trained, till then the layers. */
export function resolveView(view: ChartOptions['view'], all: readonly Series[]): CurveView {
  if (view !== 'auto') return view;
  return all.some(({ layer }) => layer === null) ? 'model' : 'layer';
}

/** The layers that have curves, first to last. */
export function layersOf(all: readonly Series[]): number[] {
  const layers = new Set(all.flatMap(({ layer }) => (layer === null ? [] : [layer])));
  return [...layers].sort((one, other) => one - other);
}

/** `attention/kv3`, …: every variant that has curves, in the order of the legend. */
export function variantsOf(all: readonly Series[]): string[] {
  return HALVES.flatMap((half) => namesOf(all, half).map((name) => `${half}/${name}`));
}

/** The curves that are chosen, in the groups and the order of the legend. Empty groups are left out. */
export function curveGroups(all: readonly Series[], choice: CurveChoice): CurveGroup[] {
  return GROUPERS[choice.view](all, choice).filter(({ curves }) => curves.length > 0);
}

const GROUPERS: Readonly<Record<CurveView, (all: readonly Series[], choice: CurveChoice) => CurveGroup[]>> = {
  model: (all) => {
    const curves = all.filter(({ layer }) => layer === null);
    return [
      {
        title: null,
        curves: curves.map((series, index) => ({
          ...{ key: series.id, name: series.name, series },
          style: curveStyle(index, 'model'),
        })),
      },
    ];
  },
  layer: (all, { layer, half: wanted }) =>
    HALVES.filter((half) => wanted === 'both' || wanted === half).map((half) => {
      // The place among all variants of the half, so that a variant looks the same in every layer.
      const names = namesOf(all, half);
      const own = all.filter((series) => series.layer === layer && series.half === half);
      const curves = own.map((series) => ({
        ...{ key: `${half}/${series.name}`, name: series.name, series },
        style: curveStyle(names.indexOf(series.name), half),
      }));
      const place = ({ name }: Curve): number => names.indexOf(name);
      return { title: HALF_NAMES[half], curves: curves.sort((one, other) => place(one) - place(other)) };
    }),
  variant: (all, { variant }) => {
    const chosen = variant ?? variantsOf(all)[0];
    const own = all.filter(({ half, name }) => half !== null && `${half}/${name}` === chosen);
    const deepest = Math.max(0, ...layersOf(all));
    const curves = own.map((series) => {
      const layer = series.layer ?? 0;
      return { key: `layer/${layer}`, name: l10n.t('layer {0}', layer), style: depthStyle(layer, deepest), series };
    });
    const depth = ({ series }: Curve): number => series.layer ?? 0;
    return [{ title: null, curves: curves.sort((one, other) => depth(one) - depth(other)) }];
  },
};

function namesOf(all: readonly Series[], half: Half): string[] {
  const names = new Set(all.flatMap((series) => (series.half === half ? [series.name] : [])));
  return [...names].sort(compareVariants);
}

/** By kind, and within a kind the larger first: `kv3`, `kv2`, `kv1`, `linear`. */
function compareVariants(one: string, other: string): number {
  const [kind, size] = kindAndSize(one);
  const [otherKind, otherSize] = kindAndSize(other);
  return kind === otherKind ? otherSize - size : kind < otherKind ? -1 : 1;
}

function kindAndSize(name: string): [kind: string, size: number] {
  const [, kind = name, size = '0'] = /^(\D*)(\d+(?:\.\d+)?)/.exec(name) ?? [];
  return [kind, Number(size)];
}
