import { readFileSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import * as z from 'zod';

// Who holds the lock of a run, for those who only look: taking it is another file's business.

/** Without a heartbeat for this long, the lock of a process on another machine counts as abandoned. */
export const STALE_MS = 10_000;

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

export const lockPath = (directory: string): string => join(directory, 'run.lock');
export const holderPath = (directory: string): string => join(directory, 'holder.json');

/** Whether a living process holds the lock of a run directory. */
export async function isLocked(directory: string): Promise<boolean> {
  const heartbeat = await stat(lockPath(directory)).catch(() => undefined);
  if (!heartbeat) return false;
  const holder = await readHolder(directory);
  if (holder !== undefined && isKnownHere(holder)) return processStart(holder.pid) === holder.started;
  return Date.now() - heartbeat.mtimeMs < STALE_MS;
}

/** The id of the process that holds the lock; undefined when nobody does, or somebody on another machine. */
export async function holdingProcess(directory: string): Promise<number | undefined> {
  if (!(await isLocked(directory))) return undefined;
  const holder = await readHolder(directory);
  return holder?.host === hostname() ? holder.pid : undefined;
}

/** Whether the holder's process id and start mean something to this machine since it was booted. */
function isKnownHere({ host, boot, started }: LockHolder): boolean {
  const self = thisProcess();
  return host === self.host && boot === self.boot && started !== '';
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

/** What a holder writes of itself. */
export function thisProcess(): LockHolder {
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
