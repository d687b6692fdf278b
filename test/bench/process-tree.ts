import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile } from 'node:fs/promises';

const PROC = '/proc';
const KIB_PER_MIB = 1024;
/** Of what a failed program wrote. */
const TAIL_CHARS = 4000;

interface ProcessInfo {
  parent: number;
  residentKib: number;
}

/** Undefined for a process that has ended meanwhile. */
async function processInfo(pid: number): Promise<ProcessInfo | undefined> {
  const status = await readFile(`${PROC}/${pid}/status`, 'utf8').catch(() => undefined);
  if (status === undefined) return undefined;
  const field = (name: string) => Number(new RegExp(`^${name}:\\s*(\\d+)`, 'm').exec(status)?.[1] ?? 0);
  return { parent: field('PPid'), residentKib: field('VmRSS') };
}

/**
 * Memory of a process and all its descendants at this moment: the sum of their resident sets in MiB. Pages that several
 * of them share count once for each. 0 on a system without /proc.
 */
export async function treeMib(root: number): Promise<number> {
  const names = await readdir(PROC).catch(() => []);
  const pids = names.filter((name) => /^\d+$/.test(name)).map(Number);
  const infos = new Map<number, ProcessInfo>();
  for (const pid of pids) {
    const info = await processInfo(pid);
    if (info !== undefined) infos.set(pid, info);
  }
  const belongs = (pid: number): boolean => {
    for (let at = pid; at > 0; at = infos.get(at)?.parent ?? 0) if (at === root) return true;
    return false;
  };
  const kib = [...infos].filter(([pid]) => belongs(pid)).reduce((sum, [, { residentKib }]) => sum + residentKib, 0);
  return kib / KIB_PER_MIB;
}

/** Looks every `everyMs` until stopped; `stop` gives the largest sum seen. */
export function watchPeak(root: number, everyMs: number): { stop: () => Promise<number> } {
  let peak = 0;
  let stopped = false;
  const watch = async (): Promise<void> => {
    while (!stopped) {
      peak = Math.max(peak, await treeMib(root));
      await new Promise((done) => setTimeout(done, everyMs));
    }
  };
  const watching = watch();
  return {
    stop: async () => {
      stopped = true;
      await watching;
      return peak;
    },
  };
}

/** Runs a Node program to its end, without its standard output: how long it took, and the most memory it held. */
export async function runWatched(
  args: readonly string[],
  everyMs: number,
): Promise<{ seconds: number; peakMib: number }> {
  const start = performance.now();
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'ignore', 'pipe'] });
  let tail = '';
  child.stderr.setEncoding('utf8').on('data', (text: string) => (tail = (tail + text).slice(-TAIL_CHARS)));
  await once(child, 'spawn');
  const peak = watchPeak(child.pid ?? 0, everyMs);
  const [status] = (await once(child, 'close')) as [number | null];
  const seconds = (performance.now() - start) / 1000;
  const peakMib = await peak.stop();
  if (status !== 0) throw new Error(`node ${args.join(' ')} ended with status ${String(status)}:\n${tail}`);
  return { seconds, peakMib };
}

/** The same, or an error where other processes' memory is not to be seen. */
export function requireSeen(mib: number): number {
  if (mib === 0) throw new Error('the memory of other processes is not to be seen here: this needs /proc');
  return mib;
}
