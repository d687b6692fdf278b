import { layerKey, layerOf, type Row } from './rows.js';

/** What can be done with a variant, in the order of its buttons. */
export const VARIANT_ACTIONS = ['pin', 'ban'] as const;
export type VariantAction = (typeof VARIANT_ACTIONS)[number];

/** The one place of the tree that Tab reaches: a row, or a button of it. */
export interface Focus {
  key: string;
  action: VariantAction | null;
}

/** What a key asks for beside moving. */
export type Command =
  { kind: 'toggle'; layer: number } | { kind: 'open-all' } | { kind: VariantAction; row: Row & { kind: 'variant' } };

export interface Step {
  focus: Focus;
  command: Command | null;
}

interface Place {
  rows: readonly Row[];
  index: number;
  row: Row;
  action: VariantAction | null;
  /** Rows that PageUp and PageDown pass over. */
  page: number;
}

/**
 * Where a key leads from `focus`: as in a tree, right opens a layer or enters it, left leaves it or closes it; in a
 * variant, right goes on to its buttons. Null for keys that mean nothing here.
 */
export function navigate(rows: readonly Row[], focus: Focus, key: string, page: number): Step | null {
  const { key: rowKey, action } = resolveFocus(rows, focus);
  const index = rows.findIndex((row) => row.key === rowKey);
  const row = rows[index];
  return row === undefined ? null : (KEYS[key]?.({ rows, index, row, action, page }) ?? null);
}

/** `focus` where it still exists; else the row that its row was in; else the first one. */
export function resolveFocus(rows: readonly Row[], focus: Focus): Focus {
  const has = (key: string) => rows.some((row) => row.key === key);
  if (has(focus.key)) return focus;
  const layer = layerKey(layerOf(focus.key));
  return { key: has(layer) ? layer : layerKey(0), action: null };
}

const KEYS: Readonly<Partial<Record<string, (place: Place) => Step>>> = {
  ArrowDown: (place) => moved(place, place.index + 1, 1),
  ArrowUp: (place) => moved(place, place.index - 1, -1),
  PageDown: (place) => moved(place, place.index + place.page, 1),
  PageUp: (place) => moved(place, place.index - place.page, -1),
  Home: (place) => moved(place, 0, 1),
  End: (place) => moved(place, place.rows.length - 1, -1),
  ArrowRight: entered,
  ArrowLeft: left,
  Enter: activated,
  ' ': activated,
  '*': (place) => stay(place, { kind: 'open-all' }),
};

function stay({ row, action }: Place, command: Command | null = null): Step {
  return { focus: { key: row.key, action }, command };
}

/** To the row at `wanted`, or the next in `direction` that can be focused; headings cannot. */
function moved(place: Place, wanted: number, direction: 1 | -1): Step {
  const { rows, action } = place;
  const clamped = Math.max(0, Math.min(rows.length - 1, wanted));
  for (let index = clamped; index >= 0 && index < rows.length; index += direction) {
    const row = rows[index];
    if (row === undefined || row.kind === 'heading') continue;
    return { focus: { key: row.key, action: row.kind === 'variant' ? action : null }, command: null };
  }
  return stay(place);
}

function entered(place: Place): Step {
  const { row, action, index } = place;
  if (row.kind === 'layer') {
    return row.open ? moved(place, index + 1, 1) : stay(place, { kind: 'toggle', layer: row.layer });
  }
  if (row.kind !== 'variant') return stay(place);
  const next = VARIANT_ACTIONS[action === null ? 0 : VARIANT_ACTIONS.indexOf(action) + 1];
  return { focus: { key: row.key, action: next ?? action }, command: null };
}

function left(place: Place): Step {
  const { row, action } = place;
  if (row.kind === 'layer') return stay(place, row.open ? { kind: 'toggle', layer: row.layer } : null);
  if (action === null) return { focus: { key: layerKey(row.layer), action: null }, command: null };
  const previous = VARIANT_ACTIONS[VARIANT_ACTIONS.indexOf(action) - 1];
  return { focus: { key: row.key, action: previous ?? null }, command: null };
}

function activated(place: Place): Step {
  const { row, action } = place;
  if (row.kind === 'layer') return stay(place, { kind: 'toggle', layer: row.layer });
  return stay(place, row.kind === 'variant' ? { kind: action ?? 'pin', row } : null);
}
