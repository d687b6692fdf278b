import { readFile, stat } from 'node:fs/promises';
import { hostname } from 'node:os';
import { lockPath, readHolder } from './lock-state.js';

/** What can be seen of the process at work on a run from outside. */
export interface Vitals {
  /** Null where it is on another machine. */
  pid: number | null;
  /** Whole seconds since it last touched its lock, as it does every few seconds. */
  silentSeconds: number;
  /** Of the process and those that it started; null where the system does not tell. */
  memoryBytes: number | null;
}

/** Of the process that holds the lock of a run directory; null when nobody does. */
export async function readVitals(directory: string): Promise<Vitals | null> {
  const [lock, holder] = await Promise.all([stat(lockPath(directory)).catch(() => undefined), readHolder(directory)]);
  if (lock === undefined) return null;
  const pid = holder?.host === hostname() ? holder.pid : null;
  return {
    pid,
    silentSeconds: Math.max(0, Math.floor((Date.now() - lock.mtimeMs) / 1000)),
    memoryBytes: pid === null ? null : await treeMemory(pid),
  };
}

/**
 * Memory in use by a process and all below it: what each has for itself, and, as they share the files that they map, the
 * largest of those shares once. Null where there is no /proc, or no such process.
 */
async function treeMemory(pid: number): Promise<number | null> {
  const sizes = (await Promise.all((await processTree(pid)).map(memoryOf))).filter((size) => size !== undefined);
  if (sizes.length === 0) return null;
  return sizes.reduce((sum, { own }) => sum + own, 0) + Math.max(...sizes.map(({ mapped }) => mapped));
}

async function processTree(pid: number): Promise<number[]> {
  const children = (await readText(`/proc/${pid}/task/${pid}/children`)).split(' ').filter((id) => id.trim() !== '');
  return [pid, ...(await Promise.all(children.map((child) => processTree(Number(child))))).flat()];
}

/** In bytes; undefined for a process that has ended meanwhile. */
async function memoryOf(pid: number): Promise<{ own: number; mapped: number } | undefined> {
  const status = await readText(`/proc/${pid}/status`);
  const field = (name: string) => 1024 * Number(new RegExp(`^${name}:\\s*(\\d+) kB$`, 'm').exec(status)?.[1] ?? NaN);
  const [own, mapped] = [field('RssAnon'), field('RssFile')];
  return Number.isNaN(own + mapped) ? undefined : { own, mapped };
}

function readText(file: string): Promise<string> {
  return readFile(file, 'utf8').catch(() => '');
}
