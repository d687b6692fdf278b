// A process that works on a run until it is killed: `run-worker.ts COMMAND DIR [STALL]`.
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from '../../src/common/errors.js';
import { writeDirectory, writeJson } from '../../src/run/artifacts.js';
import { type Run, concludeRun, createRun, openRun } from '../../src/run/run.js';
import { taskKey } from '../../src/run/task-key.js';

const [command = '', dir = '', stall = ''] = process.argv.slice(2);
const FOR_EVER = 600_000;

/** Eight tasks, each of which writes a directory of two files; never gets past the second file of task STALL. */
async function squares(run: Run): Promise<void> {
  for (let i = 0; i < 8; i++) {
    await run.checkpoint();
    await run.once(taskKey('square', i), { stage: 'distil', kind: 'square', label: String(i) }, async () => {
      const artifact = `squares/${i}`;
      await writeDirectory(run.path(artifact), async (directory) => {
        await writeJson(`${directory}/value.json`, i);
        if (stall === String(i)) {
          process.send?.('stalled');
          await sleep(FOR_EVER);
        }
        await writeJson(`${directory}/square.json`, i * i);
      });
      return { artifact, tokens: 10 };
    });
  }
}

/** Steps without end, with a checkpoint before each. */
async function steps(run: Run): Promise<void> {
  process.send?.('stepping');
  for (;;) {
    await run.checkpoint();
    await sleep(5);
  }
}

const COMMANDS: Record<string, () => Promise<void>> = {
  create: async () => concludeRun(await createRun(dir, { seed: 1 }), squares),
  resume: async () => concludeRun(await openRun(dir), squares),
  steps: async () => concludeRun(await createRun(dir, {}), steps),
};

try {
  await COMMANDS[command]?.();
} catch (error) {
  if (!(error instanceof CancelledError)) throw error;
}
process.disconnect();
