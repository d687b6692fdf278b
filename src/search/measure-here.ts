import { join } from 'node:path';
import { messageOf } from '../common/errors.js';
import { readJsonFileIfPresent } from '../formats/json-file.js';
import { requireGguf } from '../model/gguf.js';
import { writeJson } from '../run/artifacts.js';
import { acquireLock } from '../run/lock.js';
import { taskKey } from '../run/task-key.js';
import { requireDevice } from '../target/device-probe.js';
import type { PartTiming } from '../target/onnxruntime.js';
import { type CostTable, parseCostTables } from '../target/table.js';
import { measuredRows, timeRows } from './measure-rows.js';
import { measuringEngine } from './measuring-engine.js';
import { MAX_COSTS_BYTES, TARGETS_DIR } from './run-files.js';
import type { StoredRun } from './stored-library.js';
import type { MeasuredTarget } from './stored-as.js';

/** Told of every row that was timed, and how many there are in all. */
export type OnTimed = (done: number, total: number) => void;

/**
 * The cost tables of a run's variants on another target than the run's, measured here and now, one for each batch size. They
 * are kept beside the run's own under a key of all that they depend on: what was measured once is not measured again.
 * Throws InputError where the engine or the device of the target is not here, or while another process is at work in the run.
 */
export async function measureHere(
  { dir, spec, parent, variants }: Pick<StoredRun, 'dir' | 'spec' | 'parent' | 'variants'>,
  target: MeasuredTarget,
  onTimed: OnTimed = () => undefined,
): Promise<CostTable[]> {
  if (target.engine === 'llama.cpp') requireGguf(parent, spec.parent);
  const measuring = measuringEngine(target);
  const { tasks, tables } = measuredRows(parent, variants, target.workload, measuring);
  const key = taskKey('target', { rows: tasks.map((task) => task.key), workload: target.workload });
  const file = join(dir, TARGETS_DIR, `${key}.json`);
  const known = await readJsonFileIfPresent(file, MAX_COSTS_BYTES);
  if (known !== undefined) return parseCostTables(known, file);
  if (target.engine === 'onnxruntime') await requireDevice(target.device, 'target.device');
  let lost: Error | undefined;
  const release = await acquireLock(dir, (error) => {
    lost = new Error(`${dir}: the lock of this run was lost: ${messageOf(error)}`);
  });
  const goOn = () => (lost === undefined ? Promise.resolve() : Promise.reject(lost));
  try {
    const timings = new Map<string, PartTiming | undefined>();
    await timeRows(tasks, parent, measuring, {
      beforeRound: goOn,
      onTimed: ({ key: row }, timing) => {
        timings.set(row, timing);
        onTimed(timings.size, tasks.length);
      },
    });
    const measured = tables(tasks.map((task) => timings.get(task.key)));
    await goOn();
    await writeJson(file, measured);
    return measured;
  } finally {
    await release();
  }
}
