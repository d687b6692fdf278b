import path from 'node:path';
import { l10n, type Uri, ViewColumn } from 'vscode';
import { type PanelMaker, showPanel } from '../panel/panels.js';
import type { Services } from '../services.js';
import { ImportedPanel } from './imported-panel.js';

/** Opens the panel of a Puzzletron working directory, or shows the one that is open. */
export function openImported(services: Services, dir: Uri): void {
  showPanel(services, importedPanelOf(services, dir), ViewColumn.Active);
}

export function importedPanelOf(services: Services, dir: Uri): PanelMaker {
  return {
    source: { kind: 'imported', uris: [dir.toString()] },
    title: l10n.t('Puzzle: {0}', path.basename(dir.fsPath)),
    make: (changed) => new ImportedPanel(services, dir, changed),
  };
}
