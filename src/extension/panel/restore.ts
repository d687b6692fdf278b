import { Uri, type WebviewPanel } from 'vscode';
import { configMapOf } from '../config-map/open.js';
import { importedPanelOf } from '../imported/open.js';
import { type PanelSource, panelSourceSchema } from '../../protocol/panel.js';
import type { Services } from '../services.js';
import { comparisonOf } from './compare.js';
import { searchPanelOf } from './open.js';
import { adoptPanel, type PanelMaker } from './panels.js';

const MAKERS: Readonly<Record<PanelSource['kind'], (services: Services, uris: Uri[]) => PanelMaker | undefined>> = {
  search: (services, [spec]) => spec && searchPanelOf(services, spec),
  config: (_, [config]) => config && configMapOf(config),
  comparison: (services, runs) =>
    comparisonOf(
      services,
      runs.map(({ fsPath }) => fsPath),
    ),
  imported: (services, [dir]) => dir && importedPanelOf(services, dir),
};

/** Takes up a panel that the editor restores. `kept` is what its webview last handed to `setState`. */
export function restorePanel(services: Services, panel: WebviewPanel, kept: unknown): void {
  const source = panelSourceSchema.safeParse(kept);
  const { kind, uris } = source.success ? source.data : { kind: 'search' as const, uris: [] };
  const maker = MAKERS[kind](
    services,
    uris.map((uri) => Uri.parse(uri)),
  );
  if (maker !== undefined) {
    adoptPanel(services, maker, panel);
    return;
  }
  services.log.warn(`"${panel.title}" could not be restored: it does not say what it was about`);
  panel.dispose();
}
