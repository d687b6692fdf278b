/** Searches that tests of the workbench look at, start and stop. */
import { execFile } from 'node:child_process';
import { readdir, writeFile } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { holdingProcess } from '../../src/run/lock-state.js';
import { endGroup } from './processes.js';
import { type SpecChanges, tinyRun, tinySpec, writeTinySearch } from '../support/tiny-search.js';

/** A comment that edits must leave alone. */
export const COMMENT = '// Of a test.';

export interface Search {
  spec: string;
  /** The run directory. */
  run: string;
}

/** A tiny parent, its text and `tiny.puzzle.json` in `folder`. */
export async function writeSearch(folder: string, changes: SpecChanges = {}): Promise<Search> {
  const spec = await writeTinySearch(folder, changes);
  await writeFile(spec, `${COMMENT}\n${JSON.stringify(tinySpec(changes), null, 2)}\n`);
  return { spec, run: tinyRun(folder) };
}

/** Searches from the command line, to the child. */
export async function finish(extension: string, { spec }: Search): Promise<void> {
  await promisify(execFile)(process.execPath, [join(extension, 'dist/puzzle.js'), 'search', spec]);
}

/** Ends, by force, the processes of every run below a folder: they outlive the workbench that started them. */
export async function endSearches(root: string): Promise<void> {
  const files = await readdir(root, { recursive: true }).catch(() => []);
  for (const file of files.filter((name) => name.endsWith('holder.json'))) {
    const pid = await holdingProcess(dirname(join(root, file)));
    endGroup(pid, 'SIGKILL');
  }
}
