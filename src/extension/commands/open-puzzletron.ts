import { basename, dirname } from 'node:path';
import { l10n, Uri, window } from 'vscode';
import { openImported } from '../imported/open.js';
import type { Handler } from './handler.js';
import { findPuzzletronFolders, placeOf, PUZZLETRON_LIBRARY } from './targets.js';

/** The panel of a Puzzletron working directory: the one given, itself or by its library, or one that is picked. */
export const openPuzzletron: Handler = async (services, argument) => {
  const uri = argument instanceof Uri ? argument : await pickDirectory();
  if (uri === undefined) return;
  const isLibrary = basename(uri.fsPath) === PUZZLETRON_LIBRARY;
  openImported(services, isLibrary ? Uri.file(dirname(uri.fsPath)) : uri);
};

async function pickDirectory(): Promise<Uri | undefined> {
  const found = (await findPuzzletronFolders()).map((dir) => ({
    label: `$(library) ${basename(dir)}`,
    description: placeOf(dir),
    uri: Uri.file(dir),
  }));
  if (found.length > 0) {
    const browse = { label: `$(folder) ${l10n.t('Another directory…')}`, uri: undefined };
    const title = l10n.t('Open which Puzzletron directory?');
    const picked = await window.showQuickPick([...found, browse], { title });
    if (picked === undefined || picked.uri !== undefined) return picked?.uri;
  }
  const [folder] =
    (await window.showOpenDialog({
      ...{ canSelectFiles: false, canSelectFolders: true },
      title: l10n.t('A Puzzletron working directory, with its {0}', PUZZLETRON_LIBRARY),
      openLabel: l10n.t('Open'),
    })) ?? [];
  return folder;
}
