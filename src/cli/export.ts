import { copyFile, readdir } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { InputError } from '../common/errors.js';
import { writeDirectory } from '../run/artifacts.js';
import { reportedChild } from '../search/report.js';
import type { Answer } from './command.js';

export interface ExportOptions {
  /** The layouts there are; commander has checked it. */
  format: 'hf';
  out: string;
}

/** `puzzle export RUN --format hf --out DIR`: a copy of the child's folder, as Hugging Face lays it out. */
export async function exportChild(runDir: string, { format, out }: ExportOptions): Promise<Answer> {
  const childDir = await reportedChild(runDir);
  const target = resolve(out);
  if ((await readdir(target).catch(() => [])).length > 0) {
    throw new InputError('is not empty; give a directory that does not exist yet', out);
  }
  const files = await readdir(childDir).catch((error: unknown) => {
    throw new InputError('the child is no longer there; make it again with: puzzle resume', childDir, { cause: error });
  });
  files.sort();
  await writeDirectory(target, async (directory) => {
    for (const name of files) await copyFile(join(childDir, name), join(directory, name));
  });
  return { json: { format, out: target, files }, text: `${target}\n${files.map((name) => `  ${name}`).join('\n')}` };
}
