import type { Executor } from '../../src/search/context.js';
import type { Store } from './store.js';
import type { Subject } from './subjects.js';
import type { Table } from './table.js';

/** What every comparison works with. */
export interface Lab {
  store: Store;
  subjects: readonly Subject[];
  executor: Executor;
  /** More seeds and settings. */
  full: boolean;
  /** Of the program: results of another version are not taken up. */
  version: string;
  say: (line: string) => void;
}

/** One table of the results. */
export interface Ablation {
  name: string;
  title: string;
  measure: (lab: Lab) => Promise<Table>;
}

/** The run directory of a subject that all tables share: its block library is made once. */
export function runDirOf({ store }: Lab, { name }: Subject): string {
  return store.folder(name, 'run');
}
