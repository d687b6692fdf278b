import { isDeepStrictEqual } from 'node:util';
import type { ModelConfig } from '../formats/hf-config.js';
import type { LayerVariants, Variant } from '../model/variants.js';
import { writeJson } from '../run/artifacts.js';
import { taskKey } from '../run/task-key.js';
import { DEVICE_FACTS } from '../target/devices.js';
import { excludedReasons, variantProblem } from '../target/excluded.js';
import { type Engine, type Part, type PartTiming, timingInputs } from '../target/onnxruntime.js';
import { type CostTable, meanTable, measuredTable, tableKey } from '../target/table.js';
import { batchSizes, workloadKinds } from '../target/workload.js';
import type { Workload } from '../model/accounting.js';
import type { Executor, SearchContext, TaskRequest } from './context.js';
import { type MeasuringEngine, measuringEngine } from './measuring-engine.js';
import { COSTS_FILE } from './run-files.js';
import type { MeasuredTarget } from './stored-as.js';
import { importedTables, profileTables, type Target } from './target-tables.js';
import { runStageTasks, warnOnce } from './tasks.js';

/** Rows timed together, in turns with one reference layer: fewer lose less when killed, more share the reference. */
export const ROWS_PER_GROUP = 4;
/** Bounds the stage: a dozen variants take about 40 seconds. */
const SECONDS_PER_ROW = 3;

/**
 * The runtime of every variant, a table for each batch size of the target: imported, estimated, or measured on this
 * machine. Each row that is measured is a task of its own, keyed by engine, processor, threads, workload and shapes, but not
 * by the weights; what one process has finished no other measures again.
 */
export async function measureStage(context: SearchContext, variants: readonly LayerVariants[]): Promise<CostTable[]> {
  const tables = await targetTables(context, variants, context.spec.target);
  const [only, ...more] = tables;
  await writeJson(context.run.path(COSTS_FILE), more.length === 0 ? only : tables);
  return tables;
}

async function targetTables(
  context: SearchContext,
  variants: readonly LayerVariants[],
  target: Target,
): Promise<CostTable[]> {
  const { config } = context.parent;
  switch (target.engine) {
    case 'onnxruntime':
    case 'llama.cpp':
      return measure(context, variants, target);
    case 'profile':
      return atOnce(context, () => Promise.resolve(profileTables(config, variants, target)));
    case 'table':
      return atOnce(context, () => importedTables(target, { config, variants }));
  }
}

/** A stage that takes no time. */
async function atOnce({ run }: SearchContext, tables: () => Promise<CostTable[]>): Promise<CostTable[]> {
  run.append({ type: 'stage-started', stage: 'measure', total: 1 });
  const found = await tables();
  run.append({ type: 'stage-finished', stage: 'measure' });
  return found;
}

interface TimingPayload {
  part: Part;
  workload: Workload;
}

async function measure(
  context: SearchContext,
  variants: readonly LayerVariants[],
  target: MeasuredTarget,
): Promise<CostTable[]> {
  const { config } = context.parent;
  const { workload: service } = target;
  const measuring = measuringEngine(target);
  const { engine, stored } = measuring;
  for (const why of excludedReasons(stored.engine, variants)) {
    warnOnce(context.run, `left out of the solution: ${why}`);
  }
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
  const executor = timingExecutor(config, measuring);
  const finished = await runStageTasks({ ...context, executor }, 'measure', [{ tasks }]);
  const timings = finished.map((task, i) => timed(task.result as PartTiming | undefined, tasks[i]?.label));
  const source = measuredWith(engine);
  let next = 0;
  return batches.map((kinds) =>
    meanTable(
      kinds.map(({ share, workload }) => {
        const [nonBlock, ...rest] = timings.slice(next, (next += parts.length));
        const rows = distinct.map(([key], i): [string, PartTiming] => [key, timed(rest[i], key)]);
        return { share, workload, table: measuredTable(timed(nonBlock), new Map(rows), { workload, source, stored }) };
      }),
    ),
  );
}

function measuredWith({ name, version, cpu, threads, device }: Engine): string {
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

/** Times tasks group by group in this process, with nothing else of the run at work. */
function timingExecutor(config: ModelConfig, { engine, timeParts }: MeasuringEngine): Executor {
  return async (tasks, { beforeTask, onStarted, onFinished }) => {
    for (const group of groupsOfOneWorkload(tasks)) {
      await beforeTask();
      group.forEach(onStarted);
      const start = performance.now();
      const payloads = group.map(({ payload }) => payload as TimingPayload);
      const [{ workload } = { workload: undefined }] = payloads;
      if (workload === undefined) continue;
      const seconds = SECONDS_PER_ROW * group.length;
      const parts = payloads.map(({ part }) => part);
      const options = { workload, threads: engine.threads, seconds, beforeRound: beforeTask };
      const timings = await timeParts(config, parts, options);
      const spent = (performance.now() - start) / 1000 / group.length;
      group.forEach((task, i) => {
        onFinished(task, { result: timings[i] }, spent);
      });
    }
  };
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
