import type { LayerVariants } from '../model/variants.js';
import { writeJson } from '../run/artifacts.js';
import { excludedReasons } from '../target/excluded.js';
import type { PartTiming } from '../target/onnxruntime.js';
import type { CostTable } from '../target/table.js';
import type { SearchContext } from './context.js';
import { measuredRows, timingExecutor } from './measure-rows.js';
import { measuringEngine } from './measuring-engine.js';
import { COSTS_FILE } from './run-files.js';
import type { MeasuredTarget } from './stored-as.js';
import { importedTables, profileTables, type Target } from './target-tables.js';
import { runStageTasks, warnOnce } from './tasks.js';

/**
 * The runtime of every variant, a table for each batch size of the target: imported, estimated, or measured on this
 * machine. Each row that is measured is a task of its own, keyed by engine, device, processor, threads, workload and shapes,
 * but not by the weights; what one process has finished no other measures again.
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

async function measure(
  context: SearchContext,
  variants: readonly LayerVariants[],
  target: MeasuredTarget,
): Promise<CostTable[]> {
  const { config } = context.parent;
  const measuring = measuringEngine(target);
  for (const why of excludedReasons(measuring.stored.engine, variants)) {
    warnOnce(context.run, `left out of the solution: ${why}`);
  }
  const { tasks, tables } = measuredRows(config, variants, target.workload, measuring);
  const executor = timingExecutor(config, measuring);
  const finished = await runStageTasks({ ...context, executor }, 'measure', [{ tasks }]);
  return tables(finished.map(({ result }) => result as PartTiming | undefined));
}
