import { readFileSync } from 'node:fs';
import { readFile, realpath, rmdir, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { z } from 'zod';
import { InputError, messageOf } from '../common/errors.js';
import { writeJson } from './artifacts.js';
import { errorCode } from './disk.js';

/** Without a heartbeat for this long, the lock of a process on another machine counts as abandoned. */
const STALE_MS = 10_000;

/** Only one process at a time looks at the lock and takes it; the others wait for that long at most. */
const GUARD = { stale: 5_000, realpath: false, retries: { retries: 60, factor: 1.2, minTimeout: 25, maxTimeout: 250 } };

const holderSchema = z.object({
  pid: z.int().positive(),
  host: z.string(),
  /** Tells boots of the machine apart, so that a process id left over from before a restart means nothing. */
  boot: z.string(),
  /** When the process started, in the kernel's ticks, so that a reused process id means nothing; '' where unknown. */
  started: z.string(),
  since: z.iso.datetime(),
});
export type LockHolder = z.infer<typeof holderSchema>;

const lockPath = (directory: string): string => join(directory, 'run.lock');
const holderPath = (directory: string): string => join(directory, 'holder.json');

/**
 * Takes the lock of a run directory and keeps its heartbeat until released. The lock of a process that is gone is taken
 * over: at once when it lived on this machine, after {@link STALE_MS} without a heartbeat when on another.
 *
 * @param onLost called when somebody else has taken the lock (this machine slept for long, say): write nothing more.
 * @returns the function that releases the lock.
 * @throws InputError naming the holder when another process has the lock.
 */
export async function acquireLock(directory: string, onLost: (error: Error) => void): Promise<() => Promise<void>> {
  const real = await realpath(directory);
  const releaseGuard = await lockfile.lock(join(real, 'guard'), GUARD).catch((error: unknown) => {
    throw new InputError(`another process is opening this run (${messageOf(error)}); try again`, directory);
  });
  try {
    if (await isLocked(real)) {
      throw new InputError(`this run is in use by ${describe(await readHolder(real))}; stop it first`, directory);
    }
    await removeLock(real);
    await writeJson(holderPath(real), thisProcess());
    return await lockfile.lock(join(real, 'run'), { stale: STALE_MS, realpath: false, onCompromised: onLost });
  } finally {
    await releaseGuard();
  }
}

/** Whether a living process holds the lock of a run directory. */
export async function isLocked(directory: string): Promise<boolean> {
  const heartbeat = await stat(lockPath(directory)).catch(() => undefined);
  if (!heartbeat) return false;
  const holder = await readHolder(directory);
  const self = thisProcess();
  if (holder?.host === self.host && holder.boot === self.boot && holder.started !== '') {
    return processStart(holder.pid) === holder.started;
  }
  return Date.now() - heartbeat.mtimeMs < STALE_MS;
}

/** Who holds the lock, or held it last. */
export async function readHolder(directory: string): Promise<LockHolder | undefined> {
  try {
    return holderSchema.parse(JSON.parse(await readFile(holderPath(directory), 'utf8')));
  } catch {
    // Only a hint for people and for a quicker takeover: without it the heartbeat decides.
    return undefined;
  }
}

function describe(holder: LockHolder | undefined): string {
  if (!holder) return 'another process';
  return `process ${holder.pid} on ${holder.host} since ${holder.since}`;
}

async function removeLock(directory: string): Promise<void> {
  try {
    await rmdir(lockPath(directory));
  } catch (error) {
    if (errorCode(error) !== 'ENOENT') throw error;
  }
}

function thisProcess(): LockHolder {
  const boot = readSystemFile('/proc/sys/kernel/random/boot_id').trim();
  const started = processStart(process.pid) ?? '';
  return { pid: process.pid, host: hostname(), boot, started, since: new Date().toISOString() };
}

/** When a living process started: field 22 of /proc/PID/stat. Undefined when it is gone, or on another system. */
function processStart(pid: number): string | undefined {
  const line = readSystemFile(`/proc/${pid}/stat`);
  // The second field, the program's name, is in parentheses and may hold anything; fields are counted after it.
  const fields = line.slice(line.lastIndexOf(')') + 2).split(' ');
  const [state, started] = [fields[0], fields[19]];
  return state === 'Z' || state === 'X' ? undefined : started;
}

function readSystemFile(path: string): string {
  try {
    return readFileSync(path, 'utf8');
  } catch {
    return '';
  }
}
