import { type ChildProcess, spawn } from 'node:child_process';
import { closeSync, openSync } from 'node:fs';
import { mkdir, open, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { InputError } from '../../common/errors.js';
import { clearControl, requestControl } from '../../run/control.js';
import { eventsPath } from '../../run/event-log.js';
import { holdingProcess, isLocked } from '../../run/lock-state.js';
import type { Program } from '../node-program.js';

/** How often the run directory is looked at while something is awaited there. */
const POLL_MS = 100;
/** A process that has not begun by then hangs in its checks, and is ended. */
const BEGIN_MS = 180_000;
/** A process asked to stop, between two steps, gets this long before it is ended by force. */
const CANCEL_GRACE_MS = 30_000;
/** Of what a process wrote before it ended, this much of the end is told. */
const MAX_TAIL_BYTES = 16_384;
const TAIL_LINES = 10;

/** What the process of a run writes to stdout and stderr. */
export const logPath = (dir: string): string => join(dir, 'worker.log');

/** The process of a run ended before the run began. The message is what it said. */
export class StartError extends Error {
  override readonly name = 'StartError';
}

/**
 * Starts the process of a run so that it outlives this one, and resolves when the run is under way (or done already).
 *
 * @param dir the run directory, for its log and its signs of life
 * @throws StartError with the last lines of the process when it ends at once.
 */
export async function startRunProcess(program: Program, dir: string, beginMs = BEGIN_MS): Promise<void> {
  await mkdir(dir, { recursive: true });
  const begin = { events: await sizeOf(eventsPath(dir)), log: await sizeOf(logPath(dir)) };
  const child = detach(program, logPath(dir));
  const ended = new Promise<string>((resolve) => {
    child.on('error', (error) => {
      resolve(error.message);
    });
    child.on('exit', (code, signal) => {
      resolve(code === 0 ? '' : `it ended with ${signal ?? `code ${String(code)}`}`);
    });
  });
  const under = async (deadline: number): Promise<string> => {
    while ((await sizeOf(eventsPath(dir))) === begin.events || (await holdingProcess(dir)) !== child.pid) {
      if (child.exitCode !== null || child.signalCode !== null) return ended;
      if (Date.now() > deadline) {
        forceEnd(child.pid);
        return `it had not begun after ${beginMs / 1000} s, and was ended`;
      }
      await sleep(POLL_MS);
    }
    return '';
  };
  const trouble = await Promise.race([ended, under(Date.now() + beginMs)]);
  child.removeAllListeners();
  if (trouble !== '') throw new StartError((await lastWords(logPath(dir), begin.log)) || trouble);
}

function detach({ command, args, env }: Program, log: string): ChildProcess {
  const descriptor = openSync(log, 'a');
  try {
    const stdio = ['ignore', descriptor, descriptor] as const;
    const child = spawn(command, args, { env, stdio: [...stdio], detached: true, windowsHide: true });
    child.unref();
    return child;
  } finally {
    closeSync(descriptor);
  }
}

/** Asks the process at work on a run to pause after the step at hand. */
export async function pauseRun(dir: string): Promise<void> {
  if (!(await requestControl(dir, 'pause'))) throw new InputError('no process is working on this run', dir);
}

/** Lets a paused process go on. False when there is none, so that the run has to be taken up by another. */
export async function continueRun(dir: string): Promise<boolean> {
  if (!(await isLocked(dir))) return false;
  await clearControl(dir);
  return true;
}

/**
 * Asks the process at work on a run to stop, and ends it by force when it does not listen: the run then reads as
 * interrupted, for the process could not log its end.
 */
export async function cancelRun(dir: string, graceMs = CANCEL_GRACE_MS): Promise<void> {
  if (!(await requestControl(dir, 'cancel'))) throw new InputError('no process is working on this run', dir);
  if (await isFree(dir, graceMs)) return;
  const pid = await holdingProcess(dir);
  if (pid === undefined) {
    if (!(await isLocked(dir))) return;
    throw new InputError('the process at work on this run does not stop, and is on another machine; end it there', dir);
  }
  forceEnd(pid);
  if (!(await isFree(dir, graceMs))) throw new InputError(`process ${pid} could not be ended; end it yourself`, dir);
}

async function isFree(dir: string, withinMs: number): Promise<boolean> {
  const deadline = Date.now() + withinMs;
  while (await isLocked(dir)) {
    if (Date.now() > deadline) return false;
    await sleep(POLL_MS);
  }
  return true;
}

/** Ends a process and, where it leads a group as those started here do, the processes that it started. */
function forceEnd(pid: number | undefined): void {
  // The id of init is no search's: as a group it would mean every process of the user's.
  if (pid === undefined || pid <= 1) return;
  for (const id of [-pid, pid]) {
    try {
      process.kill(id, 'SIGKILL');
      return;
    } catch {
      // No such group, or no groups on this system; or the process is gone, which is what was wanted.
    }
  }
}

async function sizeOf(file: string): Promise<number> {
  return (await stat(file).catch(() => undefined))?.size ?? 0;
}

/** The error a process ended with, as its log tells from `offset` on; else its last lines. */
async function lastWords(log: string, offset: number): Promise<string> {
  const handle = await open(log, 'r');
  try {
    const { size } = await handle.stat();
    const from = Math.max(offset, size - MAX_TAIL_BYTES);
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(size - from), 0, size - from, from);
    const text = buffer.toString('utf8', 0, bytesRead).trim();
    return /^error: ([^]*)$/m.exec(text)?.[1] ?? text.split('\n').slice(-TAIL_LINES).join('\n');
  } finally {
    await handle.close();
  }
}
