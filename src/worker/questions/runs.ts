import { join, resolve } from 'node:path';
import { RunReader } from '../../run/view.js';
import { COSTS_FILE, LIBRARY_FILE, SCORES_FILE } from '../../search/run-files.js';
import { libraryOf, readStoredRun, type StoredLibrary, type StoredRun } from '../../search/stored-library.js';
import { headerSpec } from '../../search/stored-spec.js';
import { Kept } from './kept.js';
import { stampOf } from './stamp.js';

/** Runs whose panels are open: few. */
const MAX_RUNS = 4;

const readers = new Kept<RunReader>(MAX_RUNS);
const runs = new Kept<StoredRun>(MAX_RUNS);

/** What is known about the variants of a run by now. Reads again only what has changed. */
export async function knownRun(runDir: string): Promise<StoredRun> {
  const dir = resolve(runDir);
  const reader = await readers.get(dir, '', () => Promise.resolve(new RunReader(dir)));
  await reader.require();
  const { header } = reader.state();
  const spec = headerSpec(header, dir);
  const files = [
    ...[SCORES_FILE, LIBRARY_FILE, COSTS_FILE].map((name) => join(dir, name)),
    join(spec.parent, 'config.json'),
  ];
  return runs.get(dir, `${JSON.stringify(header)} ${await stampOf(files)}`, () => readStoredRun(dir, spec));
}

/** What a run has to choose from by now. Throws InputError when it is not scored and measured yet. */
export async function knownLibrary(runDir: string): Promise<StoredLibrary> {
  return libraryOf(await knownRun(runDir));
}
