import { isDeepStrictEqual } from 'node:util';
import type { ModelConfig } from '../formats/hf-config.js';
import type { Workload } from '../model/accounting.js';
import type { LayerVariants, Variant } from '../model/variants.js';
import { taskKey } from '../run/task-key.js';
import { DEVICE_FACTS } from '../target/devices.js';
import { variantProblem } from '../target/excluded.js';
import { type Engine, type Part, type PartTiming, timingInputs } from '../target/onnxruntime.js';
import { type CostTable, meanTable, measuredTable, tableKey } from '../target/table.js';
import { batchSizes, type Service, workloadKinds } from '../target/workload.js';
import type { Executor, TaskRequest } from './context.js';
import type { MeasuringEngine } from './measuring-engine.js';

/** Rows timed together, in turns with one reference layer: fewer lose less when killed, more share the reference. */
export const ROWS_PER_GROUP = 4;
/** Bounds the stage: a dozen variants take about 40 seconds. */
const SECONDS_PER_ROW = 3;

interface TimingPayload {
  part: Part;
  workload: Workload;
}

/** What is to be timed for a target, and how what was timed becomes its cost tables. */
export interface Rows {
  /** Each row of each workload, keyed by everything that its timing depends on. */
  tasks: TaskRequest[];
  /** The tables, one for each batch size, from a timing for each of the tasks, in order. */
  tables: (timings: readonly (PartTiming | undefined)[]) => CostTable[];
}

/** The rows of everything that the engine can run of a model and its variants, at every workload of a service. */
export function measuredRows(
  config: ModelConfig,
  variants: readonly LayerVariants[],
  service: Service,
  { engine, stored }: MeasuringEngine,
): Rows {
  const distinct = distinctVariants(config, variants).filter(
    ([, { half, shape }]) => variantProblem(stored.engine, half, shape) === undefined,
  );
  const parts: [string, Part][] = [['non-block', { half: 'non-block' }], ...distinct];
  const batches = batchSizes(service).map((batch) => workloadKinds(service, batch));
  const isOnly = batches.flat().length === 1;
  const tasks = batches.flat().flatMap(({ workload }) =>
    parts.map(([name, part]): TaskRequest => {
      const key = taskKey('measure', timingInputs(config, part, workload, engine));
      const { batch, prefill, generated } = workload;
      const label = isOnly ? name : `${name} at ${batch} × (${prefill} + ${generated})`;
      return { key, kind: 'measure', label, payload: { part, workload } satisfies TimingPayload, cost: 1 };
    }),
  );
  const source = measuredWith(engine);
  const tables = (found: readonly (PartTiming | undefined)[]) => {
    const timings = tasks.map(({ label }, i) => timed(found[i], label));
    let next = 0;
    return batches.map((kinds) =>
      meanTable(
        kinds.map(({ share, workload }) => {
          const [nonBlock, ...rest] = timings.slice(next, (next += parts.length));
          const rows = distinct.map(([key], i): [string, PartTiming] => [key, timed(rest[i], key)]);
          return {
            share,
            workload,
            table: measuredTable(timed(nonBlock), new Map(rows), { workload, source, stored }),
          };
        }),
      ),
    );
  };
  return { tasks, tables };
}

/** What a cost table that is measured with an engine has for its source. */
export function measuredWith({ name, version, cpu, threads, device }: Engine): string {
  const where = device === undefined ? `${threads} threads of ${cpu}` : `${DEVICE_FACTS[device].name}, beside ${cpu}`;
  return `measured with ${name} ${version} on ${where}`;
}

function timed(timing: PartTiming | undefined, label = 'non-block'): PartTiming {
  if (timing === undefined) throw new Error(`${label} was not timed`);
  return timing;
}

/** One variant of each shape by its name in the table; what does nothing takes nothing. */
export function distinctVariants(config: ModelConfig, variants: readonly LayerVariants[]): [string, Variant][] {
  const all = variants.flatMap(({ attention, ffn }): Variant[] => [...attention, ...ffn]);
  const costly = all.filter(({ shape }) => shape.kind !== 'no-op');
  return [...new Map(costly.map((variant) => [tableKey(config, variant), variant]))];
}

/** What is told of rows while they are timed. */
interface Telling {
  /** Before every group and every round in it: throws to stop. */
  beforeRound: () => Promise<void>;
  onStarted?: (task: TaskRequest) => void;
  /** A row, and its share of the seconds that its group took. */
  onTimed: (task: TaskRequest, timing: PartTiming | undefined, seconds: number) => Promise<void> | void;
}

/** Times rows group by group in this process, with nothing else of the run at work. */
export async function timeRows(
  tasks: readonly TaskRequest[],
  config: ModelConfig,
  { engine, timeParts }: MeasuringEngine,
  { beforeRound, onStarted, onTimed }: Telling,
): Promise<void> {
  for (const group of groupsOfOneWorkload(tasks)) {
    await beforeRound();
    for (const task of group) onStarted?.(task);
    const start = performance.now();
    const payloads = group.map(({ payload }) => payload as TimingPayload);
    const [{ workload } = { workload: undefined }] = payloads;
    if (workload === undefined) continue;
    const seconds = SECONDS_PER_ROW * group.length;
    const parts = payloads.map(({ part }) => part);
    const timings = await timeParts(config, parts, { workload, threads: engine.threads, seconds, beforeRound });
    const spent = (performance.now() - start) / 1000 / group.length;
    for (const [i, task] of group.entries()) await onTimed(task, timings[i], spent);
  }
}

/** {@link timeRows} for the stage of a run. */
export function timingExecutor(config: ModelConfig, measuring: MeasuringEngine): Executor {
  return (tasks, { beforeTask, onStarted, onFinished }) =>
    timeRows(tasks, config, measuring, {
      beforeRound: beforeTask,
      onStarted,
      onTimed: (task, result, seconds) => onFinished(task, { result }, seconds),
    });
}

/** What is timed in turns: a few tasks in a row of the same workload. */
function groupsOfOneWorkload(tasks: readonly TaskRequest[]): TaskRequest[][] {
  const groups: TaskRequest[][] = [];
  const workloadOf = (task: TaskRequest | undefined) => (task?.payload as TimingPayload | undefined)?.workload;
  for (const task of tasks) {
    const last = groups.at(-1);
    const joins = last && last.length < ROWS_PER_GROUP && isDeepStrictEqual(workloadOf(last[0]), workloadOf(task));
    if (joins) last.push(task);
    else groups.push([task]);
  }
  return groups;
}
