import { exportChild as copyChild } from '../search/export-child.js';
import type { Answer } from './command.js';

export interface ExportOptions {
  /** The layouts there are; commander has checked it. */
  format: 'hf';
  out: string;
}

/** `puzzle export RUN --format hf --out DIR`: a copy of the child's folder, as Hugging Face lays it out. */
export async function exportChild(runDir: string, { format, out }: ExportOptions): Promise<Answer> {
  const { dir, files } = await copyChild(runDir, out);
  return { json: { format, out: dir, files }, text: `${dir}\n${files.map((name) => `  ${name}`).join('\n')}` };
}
