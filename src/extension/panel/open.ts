import path from 'node:path';
import { l10n, type Uri } from 'vscode';
import type { Services } from '../services.js';
import { columnOf, type PanelMaker, showPanel } from './panels.js';
import { SearchPanel } from './search-panel.js';

/** Opens the panel of a spec beside it, or shows the one that is open. */
export async function openSearchPanel(services: Services, specUri: Uri): Promise<void> {
  showPanel(services, searchPanelOf(services, specUri), await columnOf(specUri));
}

export function searchPanelOf(services: Services, specUri: Uri): PanelMaker {
  const name = path.basename(specUri.fsPath).replace(/(\.puzzle)?\.jsonc?$/, '');
  return {
    source: { kind: 'search', uris: [specUri.toString()] },
    title: l10n.t('Puzzle: {0}', name),
    make: (changed) => new SearchPanel(services, specUri, changed),
  };
}
