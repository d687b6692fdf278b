import type { PanelSource } from '../../protocol/panel.js';

/** Ids by which the editor restores each kind of panel after a reload; the manifest's activation events name them. */
export const VIEW_TYPES: Readonly<Record<PanelSource['kind'], string>> = {
  search: 'puzzle.search',
  config: 'puzzle.configMap',
  comparison: 'puzzle.comparison',
  imported: 'puzzle.imported',
};
