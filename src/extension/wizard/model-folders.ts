import { commands, Disposable, workspace } from 'vscode';
import { findModelFolders } from '../commands/targets.js';
import { CONTEXT_KEYS } from '../manifest/context-keys.js';

/** Many files may appear at once. */
const SETTLE_MS = 1000;

/** Keeps the context key true by which the menus of folders know models. */
export function keepModelFolders(): Disposable {
  const tell = async () => {
    await commands.executeCommand('setContext', CONTEXT_KEYS.modelFolders, await findModelFolders());
  };
  let timer: NodeJS.Timeout | undefined;
  const soon = () => {
    clearTimeout(timer);
    timer = setTimeout(() => void tell(), SETTLE_MS);
  };
  const watcher = workspace.createFileSystemWatcher('**/config.json', false, true, false);
  watcher.onDidCreate(soon);
  watcher.onDidDelete(soon);
  void tell();
  return Disposable.from(watcher, workspace.onDidChangeWorkspaceFolders(soon), {
    dispose: () => {
      clearTimeout(timer);
    },
  });
}
