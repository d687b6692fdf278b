import path from 'node:path';
import { l10n, type Uri } from 'vscode';
import { columnOf, type PanelMaker, showPanel } from '../panel/panels.js';
import type { Services } from '../services.js';
import { ConfigPanel } from './config-panel.js';

/** Opens the map of a model's `config.json` beside it, or shows the one that is open. */
export async function openConfigMap(services: Services, configUri: Uri): Promise<void> {
  showPanel(services, configMapOf(configUri), await columnOf(configUri));
}

export function configMapOf(configUri: Uri): PanelMaker {
  return {
    source: { kind: 'config', uris: [configUri.toString()] },
    title: l10n.t('Map: {0}', path.basename(path.dirname(configUri.fsPath))),
    make: (changed) => new ConfigPanel(configUri, changed),
  };
}
