/** Processes of a workbench, by what they run. On Linux alone: elsewhere the tests that end them are skipped. */
import { readdir, readFile } from 'node:fs/promises';

export const PROCESSES_ARE_SEEN = process.platform === 'linux';

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
