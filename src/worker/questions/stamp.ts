import { stat } from 'node:fs/promises';

/** Tells the present contents of files from those before, without reading them; an absent one has a stamp too. */
export async function stampOf(files: readonly string[]): Promise<string> {
  const found = await Promise.all(files.map((file) => stat(file).catch(() => undefined)));
  return JSON.stringify(found.map((one) => one && [one.ino, one.size, one.mtimeMs]));
}
