import { copyFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError, messageOf } from '../common/errors.js';
import { writeDirectory } from '../run/artifacts.js';
import { errorCode } from '../run/disk.js';
import { reportedChild } from './report.js';

/**
 * Copies the child of a finished run to a directory that does not exist yet, or is empty: whole or not at all.
 *
 * @returns the absolute path, and the names of the files in it
 */
export async function exportChild(runDir: string, out: string): Promise<{ dir: string; files: string[] }> {
  const childDir = await reportedChild(runDir);
  const dir = resolve(out);
  const found = await readdir(dir).catch((error: unknown) => {
    if (errorCode(error) === 'ENOENT') return [];
    throw new InputError(`is no directory to write to: ${messageOf(error)}; give one that does not exist yet`, out);
  });
  if (found.length > 0) throw new InputError('is not empty; give a directory that does not exist yet', out);
  const files = await readdir(childDir).catch((error: unknown) => {
    throw new InputError('the child is no longer there; make it again with: puzzle resume', childDir, { cause: error });
  });
  files.sort();
  await writeDirectory(dir, async (directory) => {
    for (const name of files) await copyFile(join(childDir, name), join(directory, name));
  });
  return { dir, files };
}
