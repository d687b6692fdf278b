import type { LayerDetail, VariantView } from '../../src/protocol/solution.js';

export const HALVES = ['attention', 'ffn'] as const;
export type Half = (typeof HALVES)[number];

/** One line of the map, as the tree shows it from top to bottom. `key` is the same as long as the line means the same. */
export type Row =
  | { kind: 'layer'; key: string; layer: number; open: boolean }
  | { kind: 'heading'; key: string; layer: number; half: Half }
  | { kind: 'variant'; key: string; layer: number; half: Half; variant: VariantView }
  | { kind: 'message'; key: string; layer: number; text: string };

/** What an open layer shows: its variants, or why they are not there. */
export type OpenLayer = LayerDetail | string;

export function layerKey(layer: number): string {
  return String(layer);
}

/** The layer that a row of this key belongs to. */
export function layerOf(key: string): number {
  return Number(key.split('/')[0]);
}

function variantKey(layer: number, half: Half, name: string): string {
  return `${layer}/${half}/${name}`;
}

/** The lines of a model of `layers` layers, of which those in `open` show what `detailOf` knows of them. */
export function flattenRows(
  layers: number,
  open: ReadonlySet<number>,
  detailOf: (layer: number) => OpenLayer,
): readonly Row[] {
  const rows: Row[] = [];
  for (let layer = 0; layer < layers; layer++) {
    rows.push({ kind: 'layer', key: layerKey(layer), layer, open: open.has(layer) });
    if (open.has(layer)) rows.push(...openRows(layer, detailOf(layer)));
  }
  return rows;
}

function openRows(layer: number, detail: OpenLayer): Row[] {
  if (typeof detail === 'string') return [{ kind: 'message', key: `${layer}/message`, layer, text: detail }];
  return HALVES.flatMap((half): Row[] => [
    { kind: 'heading', key: `${layer}/${half}`, layer, half },
    ...detail[half].map((variant): Row => ({
      kind: 'variant',
      key: variantKey(layer, half, variant.name),
      ...{ layer, half, variant },
    })),
  ]);
}

/** Place of every row by its key. */
export function rowIndices(rows: readonly Row[]): ReadonlyMap<string, number> {
  return new Map(rows.map(({ key }, index) => [key, index]));
}
