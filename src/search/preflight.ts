import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { InputError, messageOf } from '../common/errors.js';
import { bytes, count, duration, plural } from '../common/units.js';
import type { ModelConfig } from '../formats/hf-config.js';
import { readTask } from '../formats/tasks.js';
import { loadTokenizer } from '../formats/tokenizer.js';
import { modelCosts } from '../model/accounting.js';
import { enumerateVariants, type LayerVariants } from '../model/variants.js';
import { errorCode } from '../run/disk.js';
import { STAGES } from '../run/events.js';
import { libraryCosts } from '../target/costs.js';
import { checkCostTable, type CostTable, readCostTable, tableKey } from '../target/table.js';
import { type Constraint, type Metric, parseConstraints } from './constraints.js';
import { budgets, checkTensors, type Model, openModel } from './context.js';
import { requireText } from './data.js';
import { taskFiles } from './evaluate/scores.js';
import { peakMemoryBytes, runDirectoryBytes } from './footprint.js';
import { planSeconds } from './plan.js';
import { checkRules } from './rules.js';
import { checkReachable } from './solve.js';
import { readSpec, resolveSpec, type Spec } from './spec.js';

/** What of an architecture is known without a clock. */
const EXACT: ReadonlySet<Metric> = new Set<Metric>(['memory', 'parameters', 'kvCache']);

/** A search this long is worth a second thought. */
const LONG_SECONDS = 12 * 3600;
/** Beyond this share of what there is, other programs are likely to be in the way. */
const TIGHT = 0.8;

/** One thing that a search needs, and whether it is there. */
export interface PreflightItem {
  name: string;
  status: 'ok' | 'warning' | 'failed';
  message: string;
  /** What to do about it, where it is not ok. */
  fix: string | null;
}

/** Whether a search can start, and estimated seconds of each stage; none while that cannot be told. */
export interface PreflightReport {
  items: PreflightItem[];
  stages: { stage: string; seconds: number }[];
}

/** A spec, and what is found of it check by check. */
interface Found {
  spec: Spec;
  /** The spec's file, for messages. */
  where: string;
  parent?: Model;
  variants?: LayerVariants[];
}

/** What a check has to say; undefined: it has nothing to look at. */
type Said = string | { warning: string } | undefined;

interface Check {
  name: string;
  /** What to do when it fails. */
  fix: string;
  /** Throws InputError for what a search could otherwise only fail of later, after minutes or hours of work. */
  check: (found: Found) => Promise<Said> | Said;
}

/** What must be as it is said to be. */
const INPUTS: readonly Check[] = [
  {
    name: 'parent',
    fix: 'Set "parent" to the folder of a Llama-architecture model: config.json and weights as safetensors.',
    check: async (found) => {
      const parent = await openModel(found.spec.parent);
      checkTensors(parent);
      found.parent = parent;
      const { parameters } = modelCosts(parent.config, { weights: 'F32', context: 1 });
      return `${plural(parent.config.layers.length, 'layer')}, ${count(parameters)} parameters`;
    },
  },
  {
    name: 'space',
    fix: 'Correct "space" or "data.sequenceLength" to what the parent can give.',
    check: (found) => {
      const { spec, parent, where } = found;
      if (parent === undefined) return undefined;
      checkSequenceLength(spec, parent.config, where);
      found.variants = enumerateVariants(parent.config, spec.space);
      const all = found.variants.reduce((sum, { attention, ffn }) => sum + attention.length + ffn.length, 0);
      return `${count(all)} variants`;
    },
  },
  {
    name: 'tokenizer',
    fix: "Put the model's tokenizer.json into its folder.",
    check: async ({ spec }) => {
      const { vocabSize } = await loadTokenizer(spec.parent);
      return `${count(vocabSize)} tokens`;
    },
  },
  {
    name: 'text',
    fix: 'Set "data.text" to .txt or .jsonl files with text, or folders of them.',
    check: async ({ spec }) => {
      const paths = [spec.data.text].flat();
      await requireText(paths);
      return paths.join(', ');
    },
  },
  {
    name: 'tasks',
    fix: 'Correct the file, or take it off "tasks".',
    check: async ({ spec }) => {
      let questions = 0;
      const files = await taskFiles(spec.tasks);
      for (const { file } of files) questions += (await readTask(file)).items.length;
      if (files.length === 0) return 'none: parent and child will be compared on text alone';
      return `${plural(files.length, 'task')}, ${count(questions)} questions`;
    },
  },
  {
    name: 'target',
    fix: 'Correct the cost table, or set "target.engine" to "onnxruntime" to measure on this machine.',
    check: async ({ spec: { target }, parent, variants }) => {
      if (target.engine !== 'table') return 'measured on this machine';
      const table = await readCostTable(target.file);
      if (parent && variants) checkCostTable(table, parent.config, variants, target.workload, target.file);
      return target.file;
    },
  },
  {
    name: 'rules',
    fix: 'Correct the rule, or remove it.',
    check: ({ spec: { rules }, variants, where }) => {
      if (variants === undefined || rules.length === 0) return undefined;
      checkRules(rules, variants, `${where}: rules`);
      return plural(rules.length, 'rule');
    },
  },
  {
    name: 'limits',
    fix: 'Write the limit as told, relax it, or remove rules that keep it from being met.',
    check: checkLimits,
  },
];

/** What a search takes of the machine. */
const MACHINE: readonly Check[] = [
  {
    name: 'memory',
    fix: 'Lower "uptrain.batch" or "data.sequenceLength", or "processes".',
    check: ({ spec, parent }) => {
      if (parent === undefined) return undefined;
      const processes = spec.processes ?? availableParallelism();
      return compared(peakMemoryBytes(parent.config, budgets(spec, parent.config), processes), memoryBytes(), 'memory');
    },
  },
  {
    name: 'disk',
    fix: 'Free some space, lower "distil.distinctTokens", or leave variants out of "space".',
    check: async ({ spec, where, parent, variants }) => {
      if (parent === undefined || variants === undefined) return undefined;
      const { bavail, bsize } = await statfs(path.dirname(path.resolve(where)));
      const needed = runDirectoryBytes(parent.config, variants, budgets(spec, parent.config));
      return compared(needed, bavail * bsize, 'disk space');
    },
  },
  {
    name: 'time',
    fix: 'Lower "distil.tokens" and "uptrain.tokens", or leave variants out of "space".',
    check: (found) => {
      const stages = stageSeconds(found);
      if (stages.length === 0) return undefined;
      const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
      const said = `about ${duration(seconds)} in all`;
      return seconds > LONG_SECONDS ? { warning: said } : said;
    },
  },
];

/**
 * Looks at everything a search will need and throws InputError for what could otherwise only fail later, after minutes
 * or hours of work: a tensor that is missing, a task that cannot be read, a cost table with gaps, limits out of reach.
 *
 * @param where the spec, for messages
 */
export async function checkInputs(spec: Spec, where: string): Promise<void> {
  // What takes no time to tell is told first.
  parseConstraints(spec.limits, `${where}: limits`);
  const found: Found = { spec, where };
  for (const { check } of INPUTS) await check(found);
}

/** Whether a search by this spec file can start here, and how long it will take. Reads no weights but their headers. */
export async function preflightItems(specFile: string): Promise<PreflightReport> {
  let spec: Spec;
  try {
    spec = resolveSpec(await readSpec(specFile), specFile);
  } catch (error) {
    const fix = 'Correct the spec.';
    return { items: [{ name: 'spec', status: 'failed', message: inputMessage(error), fix }], stages: [] };
  }
  const found: Found = { spec, where: specFile };
  const items: PreflightItem[] = [];
  for (const check of [...INPUTS, ...MACHINE]) items.push(...(await itemOf(check, found)));
  return { items, stages: stageSeconds(found) };
}

async function itemOf({ name, fix, check }: Check, found: Found): Promise<PreflightItem[]> {
  try {
    const said = await check(found);
    if (said === undefined) return [];
    return typeof said === 'string'
      ? [{ name, status: 'ok', message: said, fix: null }]
      : [{ name, status: 'warning', message: said.warning, fix }];
  } catch (error) {
    return [{ name, status: 'failed', message: inputMessage(error), fix }];
  }
}

/** What an error says about the input or the machine. Others are ours. */
function inputMessage(error: unknown): string {
  if (error instanceof InputError || errorCode(error) !== undefined) return messageOf(error);
  throw error;
}

function stageSeconds({ spec, parent, variants }: Found): PreflightReport['stages'] {
  if (parent === undefined || variants === undefined) return [];
  const threads = spec.threads ?? availableParallelism();
  const seconds = planSeconds({ parent, budgets: budgets(spec, parent.config), threads }, variants);
  return STAGES.map((stage) => ({ stage, seconds: seconds[stage] }));
}

function compared(needed: number, available: number, what: string): Said {
  const said = `about ${bytes(needed)} of ${bytes(available)} ${what}`;
  if (needed > available) throw new InputError(`${said}: too little`);
  return needed > TIGHT * available ? { warning: said } : said;
}

/** What this process and its children may use. */
function memoryBytes(): number {
  const constrained = process.constrainedMemory();
  return constrained > 0 ? Math.min(constrained, totalmem()) : totalmem();
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

async function checkLimits({ spec, where, parent, variants }: Found): Promise<Said> {
  const { target, limits, margin, rules } = spec;
  const constraints = parseConstraints(limits, `${where}: limits`);
  if (parent === undefined || variants === undefined) return undefined;
  if (constraints.length === 0) return { warning: 'none: the parent itself is the best child' };
  const table = target.engine === 'table' ? await readCostTable(target.file) : untimedTable(parent.config, variants);
  const known = constraints.filter(({ metric }) => target.engine === 'table' || EXACT.has(metric));
  const requirements = { constraints: known, margin, rules };
  await checkReachable(libraryCosts(parent.config, variants, table, target.workload), requirements);
  return reached(constraints, known);
}

function reached(constraints: readonly Constraint[], known: readonly Constraint[]): string {
  const unknown = constraints.filter((constraint) => !known.includes(constraint)).map(({ metric }) => metric);
  if (unknown.length === 0) return 'can be met';
  return `understood; ${unknown.join(' and ')} will be known when runtimes are measured`;
}

/** Where runtimes are still to be measured: exact costs in the precisions of the measuring engine, all seconds zero. */
function untimedTable(config: ModelConfig, variants: readonly LayerVariants[]): CostTable {
  const all = variants.flatMap(({ attention, ffn }) => [...attention, ...ffn]);
  const row = { prefillSeconds: 0, decodeSeconds: 0 };
  const rows = all.map((variant) => [tableKey(config, variant), row] as const);
  return { version: 1, weights: 'F32', kvCache: 'F32', nonBlock: row, variants: Object.fromEntries(rows) };
}
