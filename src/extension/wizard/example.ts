import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, mkdir, mkdtemp, rename, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { nodeProgram } from '../node-program.js';

const SPEC = 'stories.puzzle.json';
const FOLDER = 'stories';
const TEXT = 'text.txt';

/**
 * The spec of the example, in a copy of the user's own that searches may write beside. The copy is made once, and stays
 * as the user leaves it.
 *
 * @param extension the folder of the extension
 * @param storage a folder for files of the extension, which may not exist yet
 */
export async function exampleSpec(extension: string, storage: string): Promise<string> {
  const home = join(storage, 'example');
  const spec = join(home, SPEC);
  if (existsSync(spec)) return spec;
  await mkdir(storage, { recursive: true });
  const copy = await mkdtemp(join(storage, 'copy-'));
  try {
    const source = join(extension, 'examples');
    await cp(join(source, FOLDER), join(copy, FOLDER), { recursive: true });
    if (!existsSync(join(copy, FOLDER, TEXT))) await writeText(extension, join(copy, FOLDER));
    await cp(join(source, SPEC), join(copy, SPEC));
    // Whole or not at all; another window may have been quicker.
    await rename(copy, home).catch((error: unknown) => {
      if (!existsSync(spec)) throw error;
    });
  } finally {
    await rm(copy, { recursive: true, force: true });
  }
  return spec;
}

/** The text is generated, the same bytes everywhere. */
async function writeText(extension: string, out: string): Promise<void> {
  const { command, args, env } = nodeProgram(join(extension, 'dist', 'example-text.js'), '--text-only', '--out', out);
  await promisify(execFile)(command, [...args], { env });
}

/** The text of the example, for models that come without one. */
export async function exampleText(extension: string, storage: string): Promise<string> {
  return join(await exampleSpec(extension, storage), '..', FOLDER, TEXT);
}
