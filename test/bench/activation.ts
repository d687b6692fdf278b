// How long the extension takes to activate in the extension host of a real workbench.
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import path from 'node:path';
import type { WorkbenchPrograms } from '../workbench/programs.js';
import { bundleForHost, stageExtension } from '../workbench/stage.js';
import { Workbench } from '../workbench/workbench.js';
import { ACTIVATION_VARIABLE } from './activation-variable.js';

const HOST_LIMIT_MS = 60_000;

/** Leaves activation to the probe, at a time when nothing else starts: editors differ in what they open by themselves. */
async function dropActivationEvents(extension: string): Promise<void> {
  const file = path.join(extension, 'package.json');
  const manifest = JSON.parse(await readFile(file, 'utf8')) as Record<string, unknown>;
  await writeFile(file, JSON.stringify({ ...manifest, activationEvents: [] }));
}

/** Milliseconds of `count` activations, each in an extension host of its own. `scratch` does not exist yet. */
export async function activationTimes(programs: WorkbenchPrograms, scratch: string, count: number): Promise<number[]> {
  const [folder, results] = [path.join(scratch, 'folder'), path.join(scratch, 'results')];
  await mkdir(folder, { recursive: true });
  const extension = await stageExtension(path.join(scratch, 'extension'));
  await dropActivationEvents(extension);
  await bundleForHost([path.join(import.meta.dirname, 'activation-probe.ts')], scratch);
  const workbench = await Workbench.start(programs, {
    ...{ folder, extension, tests: path.join(scratch, 'activation-probe.cjs') },
    env: { [ACTIVATION_VARIABLE]: results },
  });
  try {
    for (let i = 0; i < count; i++) {
      const { status, output } = await workbench.runTests(HOST_LIMIT_MS);
      if (status !== 0) throw new Error(`the extension host ended with ${status}: ${output}`);
    }
  } finally {
    await workbench.close();
  }
  return (await readFile(results, 'utf8')).trim().split('\n').map(Number);
}
