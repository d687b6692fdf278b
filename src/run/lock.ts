import { realpath, rmdir } from 'node:fs/promises';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { InputError, messageOf } from '../common/errors.js';
import { writeJson } from './artifacts.js';
import { errorCode } from './disk.js';
import { holderPath, isLocked, type LockHolder, lockPath, readHolder, STALE_MS, thisProcess } from './lock-state.js';

/** Only one process at a time looks at the lock and takes it; the others wait for that long at most. */
const GUARD = { stale: 5_000, realpath: false, retries: { retries: 60, factor: 1.2, minTimeout: 25, maxTimeout: 250 } };

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
