/** The suite that runs inside an extension host, whichever editor that belongs to. */
import { mkdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { writeTinySearch } from '../support/tiny-search.js';
import { type HostTestResult, RESULTS_VARIABLE, SEARCHES_VARIABLE } from './host/results.js';
import { buildHostSuite, stageExtension } from './stage.js';

export interface HostSuite {
  /** An empty folder to open. */
  folder: string;
  /** The extension under development. */
  extension: string;
  /** The module that runs the tests. */
  tests: string;
  /** Environment that the extension host needs. */
  env: Record<string, string>;
  /** Of every test that came to its end. */
  results: () => Promise<HostTestResult[]>;
}

/** Lays everything that the suite needs into an empty folder. */
export async function prepareHostSuite(scratch: string): Promise<HostSuite> {
  const [folder, searches, results] = ['folder', 'searches', 'results.jsonl'].map((name) => join(scratch, name)) as [
    string,
    string,
    string,
  ];
  await mkdir(folder);
  await writeTinySearch(searches);
  const extension = await stageExtension(join(scratch, 'extension'));
  return {
    folder,
    extension,
    tests: await buildHostSuite(extension),
    env: { [RESULTS_VARIABLE]: results, [SEARCHES_VARIABLE]: searches },
    results: async () => {
      const lines = (await readFile(results, 'utf8').catch(() => '')).split('\n').filter((line) => line !== '');
      return lines.map((line) => JSON.parse(line) as HostTestResult);
    },
  };
}
