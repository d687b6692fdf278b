import { availableParallelism } from 'node:os';
import type { ModelConfig } from '../formats/hf-config.js';
import type { LayerVariants, Variant } from '../model/variants.js';
import { writeJson } from '../run/artifacts.js';
import { taskKey } from '../run/task-key.js';
import {
  type Engine,
  onnxruntimeEngine,
  type Part,
  type PartTiming,
  timeParts,
  timingInputs,
} from '../target/onnxruntime.js';
import { checkCostTable, type CostTable, measuredTable, readCostTable, tableKey } from '../target/table.js';
import type { Workload } from '../model/accounting.js';
import type { Executor, SearchContext, TaskRequest } from './context.js';
import { COSTS_FILE } from './run-files.js';
import { runStageTasks } from './tasks.js';

/** Rows timed together, in turns with one reference layer: fewer lose less when killed, more share the reference. */
export const ROWS_PER_GROUP = 4;
/** Bounds the stage: a dozen variants take about 40 seconds. */
const SECONDS_PER_ROW = 3;

/**
 * The runtime of every variant: imported, or measured on this machine. Each row is a task of its own, keyed by engine,
 * processor, threads, workload and shapes, but not by the weights; what one process has finished no other measures again.
 */
export async function measureStage(context: SearchContext, variants: readonly LayerVariants[]): Promise<CostTable> {
  const { target } = context.spec;
  const table =
    target.engine === 'table'
      ? await importTable(context, target.file, variants)
      : await measure(context, variants, onnxruntimeEngine(target.threads ?? availableParallelism()));
  await writeJson(context.run.path(COSTS_FILE), table);
  return table;
}

async function importTable(
  { run, parent, spec }: SearchContext,
  file: string,
  variants: readonly LayerVariants[],
): Promise<CostTable> {
  run.append({ type: 'stage-started', stage: 'measure', total: 1 });
  const table = await readCostTable(file);
  checkCostTable(table, parent.config, variants, spec.target.workload, file);
  run.append({ type: 'stage-finished', stage: 'measure' });
  return table;
}

async function measure(context: SearchContext, variants: readonly LayerVariants[], engine: Engine): Promise<CostTable> {
  const { config } = context.parent;
  const { workload } = context.spec.target;
  const distinct = distinctVariants(config, variants);
  const parts: [string, Part][] = [['non-block', { half: 'non-block' }], ...distinct];
  const tasks = parts.map(([label, part]): TaskRequest => {
    const key = taskKey('measure', timingInputs(config, part, workload, engine));
    return { key, kind: 'measure', label, payload: part, cost: 1 };
  });
  const executor = timingExecutor(config, workload, engine.threads);
  const finished = await runStageTasks({ ...context, executor }, 'measure', [{ tasks }]);
  const [nonBlock, ...timings] = finished.map((task) => task.result as PartTiming | undefined);
  const rows = distinct.map(([key], i): [string, PartTiming] => [key, timed(timings[i], key)]);
  const { name, version, cpu, threads } = engine;
  const source = `measured with ${name} ${version} on ${threads} threads of ${cpu}`;
  return measuredTable(timed(nonBlock, 'non-block'), new Map(rows), { workload, source });
}

function timed(timing: PartTiming | undefined, label: string): PartTiming {
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
function timingExecutor(config: ModelConfig, workload: Workload, threads: number): Executor {
  return async (tasks, { beforeTask, onStarted, onFinished }) => {
    for (let first = 0; first < tasks.length; first += ROWS_PER_GROUP) {
      const group = tasks.slice(first, first + ROWS_PER_GROUP);
      await beforeTask();
      group.forEach(onStarted);
      const start = performance.now();
      const parts = group.map(({ payload }) => payload as Part);
      const seconds = SECONDS_PER_ROW * group.length;
      const timings = await timeParts(config, parts, { workload, threads, seconds, beforeRound: beforeTask });
      const spent = (performance.now() - start) / 1000 / group.length;
      group.forEach((task, i) => {
        onFinished(task, { result: timings[i] }, spent);
      });
    }
  };
}
