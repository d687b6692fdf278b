import { InputError } from '../common/errors.js';
import type { ModelConfig } from '../formats/hf-config.js';
import { readTask } from '../formats/tasks.js';
import { loadTokenizer } from '../formats/tokenizer.js';
import { enumerateVariants, type LayerVariants } from '../model/variants.js';
import { libraryCosts } from '../target/costs.js';
import { checkCostTable, type CostTable, readCostTable, tableKey } from '../target/table.js';
import { type Constraint, type Metric, parseConstraints } from './constraints.js';
import { budgets, checkTensors, openModel } from './context.js';
import { requireText } from './data.js';
import { taskFiles } from './evaluate/scores.js';
import { checkReachable } from './solve.js';
import type { Spec } from './spec.js';

/** What of an architecture is known without a clock. */
const EXACT: ReadonlySet<Metric> = new Set<Metric>(['memory', 'parameters', 'kvCache']);

/**
 * Looks at everything a search will need and throws InputError for what could otherwise only fail later, after minutes
 * or hours of work: a tensor that is missing, a task that cannot be read, a cost table with gaps, limits out of reach.
 *
 * @param where the spec, for messages
 */
export async function checkInputs(spec: Spec, where: string): Promise<void> {
  const constraints = parseConstraints(spec.limits, `${where}: limits`);
  const parent = await openModel(spec.parent);
  checkTensors(parent);
  checkSequenceLength(spec, parent.config, where);
  const variants = enumerateVariants(parent.config, spec.space);
  await loadTokenizer(spec.parent);
  await requireText([spec.data.text].flat());
  for (const { file } of await taskFiles(spec.tasks)) await readTask(file);
  await checkLimits(spec, parent.config, variants, constraints);
}

function checkSequenceLength(spec: Spec, config: ModelConfig, where: string): void {
  const { sequenceLength } = budgets(spec, config);
  const { maxPositionEmbeddings: longest } = config;
  if (sequenceLength <= longest) return;
  throw new InputError(
    `is ${sequenceLength}, but the parent was made for at most ${longest} tokens (max_position_embeddings)`,
    `${where}: data.sequenceLength`,
  );
}

async function checkLimits(
  { target, margin }: Spec,
  config: ModelConfig,
  variants: readonly LayerVariants[],
  constraints: readonly Constraint[],
): Promise<void> {
  const { workload } = target;
  const timed = target.engine === 'table';
  const table = timed ? await readCostTable(target.file) : untimedTable(config, variants);
  if (timed) checkCostTable(table, config, variants, workload, target.file);
  const known = timed ? constraints : constraints.filter(({ metric }) => EXACT.has(metric));
  await checkReachable(libraryCosts(config, variants, table, workload), { constraints: known, margin });
}

/** Where runtimes are still to be measured: exact costs in the precisions of the measuring engine, all seconds zero. */
function untimedTable(config: ModelConfig, variants: readonly LayerVariants[]): CostTable {
  const all = variants.flatMap(({ attention, ffn }) => [...attention, ...ffn]);
  const row = { prefillSeconds: 0, decodeSeconds: 0 };
  const rows = all.map((variant) => [tableKey(config, variant), row] as const);
  return { version: 1, weights: 'F32', kvCache: 'F32', nonBlock: row, variants: Object.fromEntries(rows) };
}
