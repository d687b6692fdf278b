import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** A new empty directory, removed when the test ends. */
export async function temporaryDirectory(test: { after: (clean: () => Promise<void>) => void }): Promise<string> {
  const directory = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
  test.after(() => rm(directory, { recursive: true, force: true }));
  return directory;
}

/** Starts the program in run-worker.ts; resolves when it says how far it is, or has ended. */
export async function startRunWorker(command: string, dir: string, stall = ''): Promise<ChildProcess> {
  const program = fileURLToPath(new URL('./run-worker.ts', import.meta.url));
  const child = fork(program, [command, dir, stall], { execArgv: process.execArgv });
  await Promise.race([once(child, 'message'), once(child, 'exit')]);
  return child;
}

/** Ends a process as a power cut would, and waits until it is gone. */
export async function killNow(child: ChildProcess): Promise<void> {
  const gone = once(child, 'exit');
  child.kill('SIGKILL');
  await gone;
}
