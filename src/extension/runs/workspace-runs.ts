import { resolve } from 'node:path';
import { EventEmitter, type ExtensionContext, l10n, type LogOutputChannel } from 'vscode';
import { InputError } from '../../common/errors.js';
import { isLocked } from '../../run/lock-state.js';
import { defaultRunDir } from '../../search/run-dir.js';
import { nodeProgram } from '../node-program.js';
import type { Runs } from '../services.js';
import { requireTrust } from '../trust.js';
import { RunFinder } from './run-finder.js';
import { cancelRun, continueRun, pauseRun, startRunProcess } from './run-process.js';
import { RunStore } from './run-store.js';

/**
 * The runs of this window.
 *
 * @param script the command line program
 */
export function createRuns(script: string, context: ExtensionContext, log: LogOutputChannel): Runs {
  const emitter = new EventEmitter<string>();
  const store = new RunStore((dir) => {
    emitter.fire(dir);
  });
  const finder = new RunFinder(store, context);
  const starting = new Set<string>();

  /** One process at a time is started in a run directory, and only where the workspace is trusted. */
  const begin = async (dir: string, ...args: readonly string[]) => {
    requireTrust();
    if (starting.has(dir)) throw new InputError(l10n.t('this search is being started already'), dir);
    starting.add(dir);
    try {
      if (await isLocked(dir)) throw new InputError(l10n.t('this search is running already'), dir);
      log.info(`starting: puzzle ${args.join(' ')}`);
      await startRunProcess(nodeProgram(script, ...args), dir);
      await finder.remember(dir);
    } finally {
      starting.delete(dir);
      await store.follow(dir);
    }
  };
  return {
    ready: finder.ready,
    look: () => finder.look(),
    onDidChange: emitter.event,
    all: () => store.all(),
    get: (dir) => store.get(dir),
    dirOf: defaultRunDir,
    watch: (dir) => finder.watch(dir),
    series: (dir) => store.series(dir),
    start: (specFile) => begin(defaultRunDir(specFile), 'search', specFile),
    resume: async (dir) => {
      requireTrust();
      if (!(await continueRun(dir))) await begin(resolve(dir), 'resume', dir);
      await store.look(dir);
    },
    pause: async (dir) => {
      requireTrust();
      await pauseRun(dir);
      await store.look(dir);
    },
    cancel: async (dir) => {
      requireTrust();
      await cancelRun(dir);
      await store.look(dir);
    },
    dispose: () => {
      store.dispose();
      finder.dispose();
      emitter.dispose();
    },
  };
}
