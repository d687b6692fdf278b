// The example's own search as far as a solution needs it, with little training: scores differ, the work of solving does not.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { promisify } from 'node:util';
import { EXAMPLE_PARENT, EXAMPLE_TEXT } from './example-files.js';

/** Writes the spec into `folder` and runs it until it can be solved; returns the spec's path. */
export async function writeShortRun(folder: string, extension: string): Promise<string> {
  const spec = path.join(folder, 'stories.puzzle.json');
  await writeFile(
    spec,
    JSON.stringify(
      {
        parent: EXAMPLE_PARENT,
        data: { text: EXAMPLE_TEXT },
        target: { engine: 'onnxruntime', workload: { batch: 32, prefill: 128, generated: 128 } },
        limits: { throughput: '>= 2.27x' },
        distil: { tokens: 2048, distinctTokens: 2048 },
        score: { tokens: 1024 },
      },
      null,
      2,
    ),
  );
  const program = path.join(extension, 'dist/puzzle.js');
  await promisify(execFile)(process.execPath, [program, 'search', spec, '--until', 'solve']);
  return spec;
}
