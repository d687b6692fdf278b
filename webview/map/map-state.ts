import { signal } from '@preact/signals';
import { openLayers } from '../state/ui-state.js';
import type { Focus } from './navigate.js';

// Where the user is in the map. The open layers are in ui-state.ts, with what outlives the page.

/** The place that Tab reaches; null until the user has been in the map. */
export const treeFocus = signal<Focus | null>(null);
/** The row under the pointer. */
export const pointedRow = signal<string | null>(null);

/** Whether the keyboard is in the tree; in a page that has lost the focus it is not, whatever had it last. */
export function isInTree(): boolean {
  return document.hasFocus() && (document.activeElement?.closest('[role="treegrid"]') ?? null) !== null;
}

export function toggleLayer(layer: number): void {
  const open = openLayers.peek();
  openLayers.value = open.includes(layer) ? open.filter((other) => other !== layer) : [...open, layer];
}

/** Opens every layer of the map, or closes all. */
export function openAllLayers(layers: number, open: boolean): void {
  openLayers.value = open ? Array.from({ length: layers }, (_, layer) => layer) : [];
}
