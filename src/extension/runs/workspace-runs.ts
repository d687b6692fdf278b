import { existsSync } from 'node:fs';
import { dirname, resolve } from 'node:path';
import { EventEmitter, type ExtensionContext, type LogOutputChannel, Uri, workspace } from 'vscode';
import { InputError } from '../../common/errors.js';
import { eventsPath } from '../../run/event-log.js';
import { isLocked } from '../../run/lock-state.js';
import { defaultRunDir } from '../../search/run-dir.js';
import { nodeProgram } from '../node-program.js';
import type { Runs } from '../services.js';
import { cancelRun, continueRun, pauseRun, startRunProcess } from './run-process.js';
import { RunStore } from './run-store.js';

const RUN_PATTERN = '**/.puzzle/*/events.jsonl';
/** Runs outside the workspace's folders that were started from here, by their directories. */
const ELSEWHERE_KEY = 'runs.elsewhere';
const MAX_FOUND = 500;
const MAX_ELSEWHERE = 50;

/**
 * The runs below the workspace's folders, and those elsewhere that were started from here.
 *
 * @param script the command line program
 */
export function createRuns(script: string, context: ExtensionContext, log: LogOutputChannel): Runs {
  const emitter = new EventEmitter<string>();
  const store = new RunStore((dir) => {
    emitter.fire(dir);
  });
  const busy = new Set<string>();
  const watcher = workspace.createFileSystemWatcher(RUN_PATTERN);
  const runOf = ({ fsPath }: Uri) => dirname(fsPath);
  watcher.onDidCreate((uri) => void store.follow(runOf(uri)));
  watcher.onDidChange((uri) => void store.follow(runOf(uri)));
  watcher.onDidDelete((uri) => void store.look(runOf(uri)));

  const elsewhere = () => context.globalState.get<string[]>(ELSEWHERE_KEY, []);
  const remember = async (dir: string) => {
    if (workspace.getWorkspaceFolder(Uri.file(dir)) !== undefined) return;
    const others = elsewhere().filter((known) => known !== dir && existsSync(known));
    await context.globalState.update(ELSEWHERE_KEY, [dir, ...others].slice(0, MAX_ELSEWHERE));
  };
  const find = async () => {
    const found = await workspace.findFiles(RUN_PATTERN, '**/node_modules/**', MAX_FOUND);
    const dirs = [...found.map(runOf), ...elsewhere().filter((dir) => existsSync(eventsPath(dir)))];
    await Promise.all(dirs.map((dir) => store.follow(dir)));
    log.debug(`${dirs.length} runs found`);
  };
  const watched = new Map<string, number>();
  const belongsHere = (dir: string) =>
    watched.has(dir) || elsewhere().includes(dir) || workspace.getWorkspaceFolder(Uri.file(dir)) !== undefined;
  const watch = (dir: string, by: 1 | -1) => {
    const count = (watched.get(dir) ?? 0) + by;
    if (count > 0) watched.set(dir, count);
    else watched.delete(dir);
    if (by === 1) void store.follow(dir);
    else if (!belongsHere(dir)) store.forget(dir);
  };
  const folders = workspace.onDidChangeWorkspaceFolders(() => {
    for (const { dir } of store.all()) if (!belongsHere(dir)) store.forget(dir);
    void find();
  });

  /** One process at a time is started in a run directory, and only where the workspace is trusted. */
  const begin = async (dir: string, ...args: readonly string[]) => {
    if (!workspace.isTrusted) throw new InputError('searches are not started in a workspace that is not trusted');
    if (busy.has(dir)) throw new InputError('this search is being started already', dir);
    busy.add(dir);
    try {
      if (await isLocked(dir)) throw new InputError('this search is running already', dir);
      log.info(`starting: puzzle ${args.join(' ')}`);
      await startRunProcess(nodeProgram(script, ...args), dir);
      await remember(dir);
    } finally {
      busy.delete(dir);
      await store.follow(dir);
    }
  };
  const ready = find();
  return {
    ready,
    onDidChange: emitter.event,
    all: () => store.all(),
    get: (dir) => store.get(dir),
    dirOf: defaultRunDir,
    watch: (dir) => {
      const path = resolve(dir);
      let disposed = false;
      watch(path, 1);
      return {
        dispose: () => {
          if (!disposed) watch(path, -1);
          disposed = true;
        },
      };
    },
    series: (dir) => store.series(dir),
    start: (specFile) => begin(defaultRunDir(specFile), 'search', specFile),
    resume: async (dir) => {
      if (!(await continueRun(dir))) await begin(resolve(dir), 'resume', dir);
      await store.look(dir);
    },
    pause: async (dir) => {
      await pauseRun(dir);
      await store.look(dir);
    },
    cancel: async (dir) => {
      await cancelRun(dir);
      await store.look(dir);
    },
    dispose: () => {
      store.dispose();
      for (const part of [emitter, watcher, folders]) part.dispose();
    },
  };
}
