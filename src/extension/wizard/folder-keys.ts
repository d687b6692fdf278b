import { commands, Disposable, workspace } from 'vscode';
import { CONFIG_NAME, findModelFolders, findPuzzletronFolders, PUZZLETRON_LIBRARY } from '../commands/targets.js';
import { CONTEXT_KEYS } from '../manifest/context-keys.js';

/** Many files may appear at once. */
const SETTLE_MS = 1000;

/** Keeps the context keys true by which the menus of folders know models and Puzzletron working directories. */
export function keepFolderKeys(): Disposable[] {
  return [
    keepFolders(CONTEXT_KEYS.modelFolders, CONFIG_NAME, findModelFolders),
    keepFolders(CONTEXT_KEYS.puzzletronFolders, PUZZLETRON_LIBRARY, findPuzzletronFolders),
  ];
}

/** @param file folders are looked for again when one of this name comes or goes */
function keepFolders(key: string, file: string, find: () => Promise<string[]>): Disposable {
  const tell = async () => {
    await commands.executeCommand('setContext', key, await find());
  };
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void tell(), SETTLE_MS);
  };
  const watcher = workspace.createFileSystemWatcher(`**/${file}`, false, true, false);
  watcher.onDidCreate(soon);
  watcher.onDidDelete(soon);
  void tell();
  return Disposable.from(watcher, workspace.onDidChangeWorkspaceFolders(soon), {
    dispose: () => {
      clearTimeout(timer);
    },
  });
}
