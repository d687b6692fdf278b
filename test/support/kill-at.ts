// Loaded before the command line and its task processes (`--import`): ends their process group with SIGKILL at an exact
// instant of a run, which PUZZLE_TEST_KILL describes. The instants lie between two system calls, where no poll from outside could aim.
import fs from 'node:fs';
import { syncBuiltinESMExports } from 'node:module';

export interface KillPoint {
  /** When a line of the log is written, in the middle of writing it, or beside a rename to a final name. */
  at: 'line' | 'torn line' | 'before rename' | 'after rename';
  /** Regular expression that the line, or the final path, matches. */
  of: string;
  /** Which one of those, in this process; the first when absent. */
  nth?: number;
}

const described = process.env['PUZZLE_TEST_KILL'];
if (described !== undefined) arm(JSON.parse(described) as KillPoint);

function arm({ at, of, nth = 1 }: KillPoint): void {
  let left = nth;
  const pattern = new RegExp(of);
  const isIt = (text: string) => pattern.test(text) && --left === 0;
  const write = fs.writeSync;
  const { rename } = fs.promises;
  if (at === 'line' || at === 'torn line') {
    const hooked = (descriptor: number, bytes: Uint8Array): number => {
      if (!isIt(Buffer.from(bytes).toString())) return write(descriptor, bytes);
      write(descriptor, at === 'line' ? bytes : bytes.subarray(0, bytes.length / 2));
      return die();
    };
    fs.writeSync = hooked as typeof fs.writeSync;
  } else {
    fs.promises.rename = async (from, to) => {
      const hit = isIt(String(to));
      if (hit && at === 'before rename') die();
      await rename(from, to);
      if (hit) die();
    };
  }
  syncBuiltinESMExports();
}

function die(): never {
  // 0: whoever is in the group of this process.
  process.kill(0, 'SIGKILL');
  throw new Error('survived SIGKILL');
}
