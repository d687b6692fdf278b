import { readdir, readFile } from 'node:fs/promises';

const PROC = '/proc';
const KIB_PER_MIB = 1024;

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
