import { commands, type Disposable } from 'vscode';
import { CONTEXT_KEYS } from '../manifest/context-keys.js';
import { isSolvable } from '../panel/solvable.js';
import type { Runs } from '../services.js';
import { isAlive } from './run-store.js';

type RunKey = Exclude<keyof typeof CONTEXT_KEYS, 'modelFolders' | 'puzzletronFolders'>;

const RESUMABLE: ReadonlySet<string> = new Set(['paused', 'failed', 'cancelled', 'interrupted']);

/** Keeps the context keys about runs true. */
export function keepContextKeys(runs: Runs): Disposable {
  const told = new Map<RunKey, boolean>();
  const tell = () => {
    const all = runs.all();
    const present: Record<RunKey, boolean> = {
      runs: all.length > 0,
      running: all.some(({ state }) => state === 'running'),
      alive: all.some(isAlive),
      resumable: all.some(({ state }) => RESUMABLE.has(state)),
      solvable: all.some(isSolvable),
      finished: all.some(({ state }) => state === 'done'),
    };
    for (const [key, value] of Object.entries(present) as [RunKey, boolean][]) {
      if (told.get(key) === value) continue;
      told.set(key, value);
      void commands.executeCommand('setContext', CONTEXT_KEYS[key], value);
    }
  };
  tell();
  return runs.onDidChange(tell);
}
