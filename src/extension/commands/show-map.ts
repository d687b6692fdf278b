import { stat } from 'node:fs/promises';
import { join } from 'node:path';
import { l10n, Uri, window } from 'vscode';
import { openConfigMap } from '../config-map/open.js';
import type { Handler } from './handler.js';
import { activeUri, CONFIG_NAME, findModelFolders, folderItem, isConfig } from './targets.js';

/** The map of a config, or of the model in a folder: the one given, the one in the editor, or one that is picked. */
export const showMap: Handler = async (services, argument) => {
  const uri = (argument instanceof Uri ? argument : undefined) ?? activeUri(isConfig) ?? (await pickConfig());
  if (uri === undefined) return;
  const isFolder = (await stat(uri.fsPath).catch(() => undefined))?.isDirectory() ?? false;
  await openConfigMap(services, isFolder ? Uri.file(join(uri.fsPath, CONFIG_NAME)) : uri);
};

async function pickConfig(): Promise<Uri | undefined> {
  const found = (await findModelFolders()).map(folderItem);
  const browse = { label: `$(folder) ${l10n.t('Another config…')}`, uri: undefined };
  if (found.length > 0) {
    const title = l10n.t('Show the map of which model?');
    const picked = await window.showQuickPick([...found, browse], { title });
    if (picked === undefined || picked.uri !== undefined) return picked?.uri;
  }
  const [file] =
    (await window.showOpenDialog({
      title: l10n.t('The config.json of a model'),
      openLabel: l10n.t('Show Map'),
      filters: { [l10n.t('Model config')]: ['json'] },
    })) ?? [];
  return file;
}
