import { existsSync } from 'node:fs';
import { stat } from 'node:fs/promises';
import { dirname, resolve } from 'node:path';
import { Disposable, type ExtensionContext, type TextDocument, Uri, window, workspace } from 'vscode';
import { eventsPath } from '../../run/event-log.js';
import { defaultRunDir } from '../../search/run-dir.js';
import { isSpec } from '../commands/targets.js';
import { LookAround } from './look-around.js';
import type { RunStore } from './run-store.js';

const RUN_PATTERN = '**/.puzzle/*/events.jsonl';
/** Where no runs lie, or only the inside of some, by the way to it. */
const NO_PLACE_FOR_RUNS = /[\\/](?:node_modules|\.git|\.puzzle[\\/][^\\/]+)[\\/]/;
/** Runs outside the workspace's folders that were started from here, by their directories. */
const ELSEWHERE_KEY = 'runs.elsewhere';
const MAX_FOUND = 500;
const MAX_ELSEWHERE = 50;

/**
 * Has a store follow the runs that concern this window: below its folders, of open specs, and started from here. What
 * other programs make there is told by the editor's file watcher, which misses files of folders that are made and filled
 * at once, and tells nothing at all on some file systems. So the folders are looked through again a few times after
 * a folder was made in them, and whenever a person may expect to see what there is.
 */
export class RunFinder implements Disposable {
  /** Resolves when the folders have been looked through once. */
  readonly ready: Promise<void>;
  /** How often each directory is watched. */
  private readonly watched = new Map<string, number>();
  private readonly openSpecs = new Map<string, Disposable>();
  private readonly around = new LookAround(() => this.find());
  private readonly subscriptions: Disposable;

  constructor(
    private readonly store: RunStore,
    private readonly context: ExtensionContext,
  ) {
    const logs = workspace.createFileSystemWatcher(RUN_PATTERN);
    const anything = workspace.createFileSystemWatcher('**/*', false, true, true);
    const look = (uri: Uri) => void this.store.follow(dirname(uri.fsPath));
    this.subscriptions = Disposable.from(
      ...[this.around, logs, logs.onDidCreate(look), logs.onDidChange(look), logs.onDidDelete(look)],
      ...[anything, anything.onDidCreate((uri) => void this.made(uri))],
      window.onDidChangeWindowState(({ focused }) => {
        if (focused) this.around.soon();
      }),
      workspace.onDidChangeWorkspaceFolders(() => {
        for (const { dir } of this.store.all()) this.forgetUnlessWanted(dir);
        this.around.soon();
      }),
      workspace.onDidOpenTextDocument((document) => {
        this.opened(document);
      }),
      workspace.onDidCloseTextDocument(({ uri }) => {
        this.openSpecs.get(uri.toString())?.dispose();
        this.openSpecs.delete(uri.toString());
      }),
    );
    for (const document of workspace.textDocuments) this.opened(document);
    this.ready = this.look();
  }

  /** Looks through the folders now. Resolves when that is done: with all that was there when it was asked. */
  look(): Promise<void> {
    return this.around.now();
  }

  watch(dir: string): Disposable {
    const path = resolve(dir);
    let held = true;
    this.watched.set(path, (this.watched.get(path) ?? 0) + 1);
    void this.store.follow(path);
    return new Disposable(() => {
      if (!held) return;
      held = false;
      const left = (this.watched.get(path) ?? 1) - 1;
      if (left > 0) this.watched.set(path, left);
      else this.watched.delete(path);
      this.forgetUnlessWanted(path);
    });
  }

  /** A run that is not below the workspace's folders is found again in any window. */
  async remember(dir: string): Promise<void> {
    if (workspace.getWorkspaceFolder(Uri.file(dir)) !== undefined) return;
    const others = this.elsewhere().filter((known) => known !== dir);
    await this.context.globalState.update(ELSEWHERE_KEY, [dir, ...others].slice(0, MAX_ELSEWHERE));
  }

  dispose(): void {
    this.subscriptions.dispose();
  }

  private opened({ uri }: TextDocument): void {
    if (uri.scheme === 'file' && isSpec(uri)) this.openSpecs.set(uri.toString(), this.watch(defaultRunDir(uri.fsPath)));
  }

  private async made({ fsPath }: Uri): Promise<void> {
    if (this.around.hinted || NO_PLACE_FOR_RUNS.test(fsPath)) return;
    const made = await stat(fsPath).catch(() => undefined);
    if (made?.isDirectory()) this.around.soon();
  }

  private async find(): Promise<void> {
    const found = await workspace.findFiles(RUN_PATTERN, '**/node_modules/**', MAX_FOUND);
    const dirs = [...found.map(({ fsPath }) => dirname(fsPath)), ...this.elsewhere()];
    await Promise.all(dirs.map((dir) => this.store.follow(dir)));
  }

  private elsewhere(): string[] {
    return this.context.globalState.get<string[]>(ELSEWHERE_KEY, []).filter((dir) => existsSync(eventsPath(dir)));
  }

  private forgetUnlessWanted(dir: string): void {
    const isWanted =
      this.watched.has(dir) ||
      this.elsewhere().includes(dir) ||
      workspace.getWorkspaceFolder(Uri.file(dir)) !== undefined;
    if (!isWanted) this.store.forget(dir);
  }
}
