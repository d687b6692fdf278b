// Runs in the extension host: activates the extension once and appends the milliseconds that took to a file.
import { appendFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { extensions } from 'vscode';
import { ACTIVATION_VARIABLE } from './activation-variable.js';

const QUIET_MS = 500;
const TICK_MS = 20;
/** A timer this late means that the host is at work. */
const LATE_MS = 10;

/** Resolves when the editor's own extensions have started: they share the thread. */
async function quiet(): Promise<void> {
  let since = performance.now();
  while (performance.now() - since < QUIET_MS) {
    const before = performance.now();
    await sleep(TICK_MS);
    if (performance.now() - before > TICK_MS + LATE_MS) since = performance.now();
  }
}

export async function run(): Promise<void> {
  const results = process.env[ACTIVATION_VARIABLE];
  const extension = extensions.getExtension('puzzle-nas.puzzle-nas');
  if (results === undefined || extension === undefined) throw new Error('there is nothing to measure');
  await quiet();
  if (extension.isActive) throw new Error('the extension was active before it was asked to be');
  const started = performance.now();
  await extension.activate();
  appendFileSync(results, `${performance.now() - started}\n`);
}
