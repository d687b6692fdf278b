import {
  env,
  l10n,
  type TextDocumentShowOptions,
  type TextEditor,
  Uri,
  ViewColumn,
  type WebviewPanel,
  window,
} from 'vscode';
import type { PanelSource } from '../../protocol/panel.js';
import type { Services } from '../services.js';
import { panelPage } from './document.js';
import { type MakeSubject, PanelSession } from './session.js';
import { VIEW_TYPES } from './view-types.js';

/** What a panel is made from. */
export interface PanelMaker {
  source: PanelSource;
  title: string;
  make: MakeSubject;
}

/** The panels that are open, by what they are about. */
const panels = new Map<string, WebviewPanel>();

/** Shows a panel: the one that there is about the same, or a new one in the given column. */
export function showPanel(services: Services, maker: PanelMaker, viewColumn: ViewColumn): void {
  const known = panels.get(keyOf(maker.source));
  if (known !== undefined) {
    known.reveal();
    return;
  }
  const { source, title } = maker;
  adoptPanel(services, maker, window.createWebviewPanel(VIEW_TYPES[source.kind], title, { viewColumn }));
}

/** Makes a panel of a webview that is empty: a new one, or one that the editor restores. */
export function adoptPanel(services: Services, { source, title, make }: PanelMaker, panel: WebviewPanel): void {
  const { extensionUri, log } = services;
  const { webview } = panel;
  const file = (...names: string[]) => Uri.joinPath(extensionUri, ...names);
  const loadable = (...names: string[]) => webview.asWebviewUri(file(...names)).toString();
  panel.title = title;
  panel.iconPath = file('media', 'panel.svg');
  webview.options = { enableScripts: true, localResourceRoots: [file('dist')] };
  const logger = {
    error: (message: string) => {
      log.error(`${title}: ${message}`);
    },
    warn: (message: string) => {
      log.warn(`${title}: ${message}`);
    },
    info: (message: string) => {
      log.info(`${title}: ${message}`);
    },
    log: (message: string) => {
      log.debug(`${title}: ${message}`);
    },
  };
  const session = new PanelSession(webview, make, () => panel.visible, logger);
  const key = keyOf(source);
  panels.set(key, panel);
  panel.onDidDispose(() => {
    if (panels.get(key) === panel) panels.delete(key);
    session.dispose();
  });
  webview.html = panelPage({
    script: loadable('dist', 'webview.js'),
    style: loadable('dist', 'webview.css'),
    source: webview.cspSource,
    language: env.language,
    title,
    texts: l10n.bundle ?? {},
  });
}

/** The column beside a file, which is shown for that. */
export async function columnOf(uri: Uri): Promise<ViewColumn> {
  try {
    await showFile(uri);
    return ViewColumn.Beside;
  } catch {
    // The panel says what is wrong with the file.
    return ViewColumn.Active;
  }
}

/** Shows a file where it is shown already, or else in the first column: panels stand in others, and stay to be seen. */
export function showFile(uri: Uri, options: TextDocumentShowOptions = {}): PromiseLike<TextEditor> {
  const shown = window.visibleTextEditors.find(({ document }) => document.uri.toString() === uri.toString());
  return window.showTextDocument(uri, { viewColumn: shown?.viewColumn ?? ViewColumn.One, preview: false, ...options });
}

function keyOf({ kind, uris }: PanelSource): string {
  return JSON.stringify([kind, ...uris]);
}
