import { existsSync } from 'node:fs';
import { fileURLToPath } from 'node:url';

const SHARED = fileURLToPath(new URL('../../../shared', import.meta.url));

/** The folder of real models, texts and tasks beside the repository; undefined where it is absent. */
export function sharedDir(): string | undefined {
  return existsSync(SHARED) ? SHARED : undefined;
}

/** For a suite's `skip` option: why it cannot run here, or false. */
export function skipWithoutShared(): string | false {
  return sharedDir() === undefined ? 'needs the real inputs in ../shared, which are absent' : false;
}
