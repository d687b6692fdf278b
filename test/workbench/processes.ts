/** Processes of a workbench, by what they run. */
import { readdir, readFile } from 'node:fs/promises';

/** Why the processes of this system cannot be looked through; false where they can. */
export const processesUnseen = process.platform === 'linux' ? false : 'needs /proc';

/** Ids of the processes below one, at any depth, whose command line contains `text`. */
export async function processesBelow(ancestor: number, text: string): Promise<number[]> {
  const pids = (await readdir('/proc')).filter((name) => /^\d+$/.test(name)).map(Number);
  const parents = new Map(await Promise.all(pids.map(async (pid) => [pid, await parentOf(pid)] as const)));
  const below = pids.filter((pid) => {
    let at: number | undefined = pid;
    while (at !== undefined && at !== ancestor) at = parents.get(at);
    return at === ancestor;
  });
  const commands = await Promise.all(below.map((pid) => readFile(`/proc/${pid}/cmdline`, 'utf8').catch(() => '')));
  return below.filter((_, i) => commands[i]?.includes(text));
}

async function parentOf(pid: number): Promise<number | undefined> {
  const stat = await readFile(`/proc/${pid}/stat`, 'utf8').catch(() => '');
  const [, parent] = stat.slice(stat.lastIndexOf(')') + 2).split(' ');
  return parent === undefined ? undefined : Number(parent);
}

/** Signals a process and all that it has started, where it leads a group; nothing where there is none, or no longer. */
export function endGroup(leader: number | undefined, signal: NodeJS.Signals): void {
  try {
    if (leader !== undefined) process.kill(-leader, signal);
  } catch {
    // It has ended meanwhile.
  }
}
