import { InputError } from '../common/errors.js';
import { bytes as inBytes } from '../common/units.js';
import type { GgufPrecision } from '../formats/gguf-tensor.js';
import { exportChild as copyChild } from '../search/export-child.js';
import { exportGguf } from '../search/export-gguf.js';
import type { Answer } from './command.js';

/** The layouts there are. */
export const EXPORT_FORMATS = ['hf', 'gguf'] as const;

export interface ExportOptions {
  /** Commander has checked it. */
  format: (typeof EXPORT_FORMATS)[number];
  precision?: GgufPrecision;
  out: string;
}

/** `puzzle export RUN --out …`: the child's folder as Hugging Face lays it out, or one GGUF file for llama.cpp. */
export function exportChild(source: string, options: ExportOptions): Promise<Answer> {
  return EXPORTS[options.format](source, options);
}

const EXPORTS: Record<ExportOptions['format'], (source: string, options: ExportOptions) => Promise<Answer>> = {
  hf: async (runDir, { format, precision, out }) => {
    if (precision !== undefined) throw new InputError('is for --format gguf alone', '--precision');
    const { dir, files } = await copyChild(runDir, out);
    return { json: { format, out: dir, files }, text: `${dir}\n${files.map((name) => `  ${name}`).join('\n')}` };
  },
  gguf: async (source, { format, precision = 'f32', out }) => {
    const { file, bytes } = await exportGguf(source, out, precision);
    return { json: { format, precision, out: file, bytes }, text: `${file}  ${inBytes(bytes)}` };
  },
};
