import { statfs } from 'node:fs/promises';
import { availableParallelism, totalmem } from 'node:os';
import path from 'node:path';
import { InputError } from '../common/errors.js';
import { bytes, count, plural } from '../common/units.js';
import type { ModelConfig } from '../formats/hf-config.js';
import { readTask } from '../formats/tasks.js';
import { loadTokenizer } from '../formats/tokenizer.js';
import { modelCosts } from '../model/accounting.js';
import { requireGguf } from '../model/gguf.js';
import { enumerateVariants, type LayerVariants } from '../model/variants.js';
import { STAGES } from '../run/events.js';
import { pricedAtBatches } from '../target/costs.js';
import { excludedReasons } from '../target/excluded.js';
import { requireDevice } from '../target/device-probe.js';
import { DEVICE_FACTS } from '../target/devices.js';
import { findLlamaCpp } from '../target/llama-cpp/addon.js';
import { profileText } from '../target/profile.js';
import { type CostTable, type StoredAs, tableKey } from '../target/table.js';
import { batchSizes } from '../target/workload.js';
import { type Constraint, isTimed, parseConstraints } from './constraints.js';
import { budgets, checkTensors, type Model, openModel } from './context.js';
import { requireText } from './data.js';
import { taskBytes, taskFiles } from './evaluate/scores.js';
import { peakMemoryBytes, runDirectoryBytes } from './footprint.js';
import { planSeconds } from './plan.js';
import { checkRules, type LayerRule } from './rules.js';
import type { Spec } from './spec.js';
import { isMeasured, type MeasuredTarget, storedAs } from './stored-as.js';
import { checkReachableAtBatches, requirementsOf } from './sweep.js';
import { importedTables, profileTables } from './target-tables.js';
import { describePlan, uptrainPlan } from './uptrain-plan.js';

/** A search this long is worth a second thought. */
const LONG_SECONDS = 12 * 3600;
/** Beyond this share of what there is, other programs are likely to be in the way. */
const TIGHT = 0.8;

/** A spec, and what is found of it check by check. */
export interface Found {
  spec: Spec;
  /** The spec's file, for messages. */
  where: string;
  parent?: Model;
  variants?: LayerVariants[];
  /** Runtimes that can be relied on, at each batch size; seconds of zero where they are still to be measured. */
  tables?: CostTable[];
  /** Size of the task files. */
  taskBytes?: number;
  /** Rules that can be kept. */
  rules?: readonly LayerRule[];
}

/** What a check has to say; undefined: it has nothing to look at. */
export type Said = string | { warning: string; fix?: string } | undefined;

export interface Check {
  name: string;
  /** What to do when it fails. */
  fix: string;
  /** Throws InputError for what a search could otherwise only fail of later, after minutes or hours of work. */
  check: (found: Found) => Promise<Said> | Said;
}

/** What must be as it is said to be. */
export const INPUTS: readonly Check[] = [
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
    check: async (found) => {
      let questions = 0;
      const files = await taskFiles(found.spec.tasks);
      found.taskBytes = await taskBytes(files);
      for (const { file } of files) questions += (await readTask(file)).items.length;
      if (files.length === 0) return 'none: parent and child will be compared on text alone';
      return `${plural(files.length, 'task')}, ${count(questions)} questions`;
    },
  },
  {
    name: 'target',
    fix: 'Correct the cost table, or set "target.engine" to "onnxruntime" to measure on this machine.',
    check: async (found) => {
      const { spec, parent, variants } = found;
      const { target } = spec;
      if (isMeasured(target)) return checkEngine(found, target);
      const priced = parent && variants && { config: parent.config, variants };
      if (target.engine === 'profile') {
        if (priced) found.tables = profileTables(priced.config, priced.variants, target);
        return `estimated for ${profileText(target)}`;
      }
      found.tables = await importedTables(target, priced);
      return target.file;
    },
  },
  {
    name: 'device',
    fix: 'Set "target.device" to one that works here, which `puzzle devices` tells, or provide what this one needs.',
    check: async ({ spec: { target }, where }) => {
      if (target.engine !== 'onnxruntime' || target.device === 'cpu') return undefined;
      await requireDevice(target.device, `${where}: target.device`);
      return `${DEVICE_FACTS[target.device].name}, tried with a small model`;
    },
  },
  {
    name: 'uptraining',
    fix: 'Raise "uptrain.memory", or lower "uptrain.batch" or "data.sequenceLength".',
    check: ({ spec, parent }) => {
      const { memory } = spec.uptrain;
      if (parent === undefined || memory === undefined) return undefined;
      return describePlan(uptrainPlan(parent.config, budgets(spec, parent.config), memory));
    },
  },
  {
    name: 'rules',
    fix: 'Correct the rule, or remove it.',
    check: (found) => {
      const { spec, variants, where } = found;
      if (variants === undefined) return undefined;
      checkRules(spec.rules, variants, `${where}: rules`);
      found.rules = spec.rules;
      return spec.rules.length === 0 ? undefined : plural(spec.rules.length, 'rule');
    },
  },
  {
    name: 'limits',
    fix: 'Write the limit as told, relax it, or remove rules that keep it from being met.',
    check: checkLimits,
  },
];

/** What a search takes of the machine. */
export const MACHINE: readonly Check[] = [
  {
    name: 'memory',
    fix: 'Set "uptrain.memory", or lower "uptrain.batch", "data.sequenceLength" or "processes".',
    check: ({ spec, parent }) => {
      if (parent === undefined) return undefined;
      const processes = spec.processes ?? availableParallelism();
      const sizes = budgets(spec, parent.config);
      const plan = uptrainPlan(parent.config, sizes, spec.uptrain.memory);
      return compared(peakMemoryBytes(parent.config, sizes, plan, processes), memoryBytes(), 'memory');
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
      const said = `about ${roughly(seconds)} in all, by estimate`;
      return seconds > LONG_SECONDS ? { warning: said } : said;
    },
  },
];

/** As coarse as an estimate is: `15 s`, `8 min`, `2 h 10 min`. */
function roughly(seconds: number): string {
  if (seconds < 57.5) return `${Math.max(5, Math.round(seconds / 5) * 5)} s`;
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return `${minutes} min`;
  const tens = Math.round(minutes / 10) * 10;
  return `${Math.floor(tens / 60)} h${tens % 60 === 0 ? '' : ` ${tens % 60} min`}`;
}

/** Estimated seconds of each stage; none where that cannot be told. */
export function stageSeconds({
  spec,
  parent,
  variants,
  taskBytes: bytesOfTasks = 0,
}: Found): { stage: string; seconds: number }[] {
  if (parent === undefined || variants === undefined) return [];
  const threads = spec.threads ?? availableParallelism();
  const seconds = planSeconds(
    { spec, parent, budgets: budgets(spec, parent.config), threads, taskBytes: bytesOfTasks },
    variants,
  );
  return STAGES.flatMap((stage) => {
    const expected = seconds[stage];
    return expected === undefined ? [] : [{ stage, seconds: expected }];
  });
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

const MEASURED_HERE = 'measured on this machine';

/** The engine must be here, and able to run the parent; of the space it may leave something out. */
function checkEngine(found: Found, target: MeasuredTarget): Said {
  const { parent, variants } = found;
  const stored = storedAs(target);
  if (stored.engine !== undefined) {
    findLlamaCpp();
    if (parent) requireGguf(parent.config, parent.dir);
  }
  if (!parent || !variants) return MEASURED_HERE;
  found.tables = batchSizes(target.workload).map(() => untimedTable(parent.config, variants, stored));
  return [MEASURED_HERE, ...excludedReasons(stored.engine, variants)].join('; ');
}

async function checkLimits({ spec, where, parent, variants, tables, rules = [] }: Found): Promise<Said> {
  const { target, limits, margin } = spec;
  const constraints = parseConstraints(limits, `${where}: limits`);
  if (constraints.length === 0) {
    return { warning: 'none: the parent itself is the best child', fix: 'Set "limits": { "throughput": ">= 2x" }.' };
  }
  if (parent === undefined || variants === undefined || tables === undefined) return 'understood';
  const known = constraints.filter(({ metric }) => !isMeasured(target) || !isTimed(metric));
  const costs = pricedAtBatches(parent.config, variants, tables, target.workload);
  await checkReachableAtBatches(costs, requirementsOf({ target, margin, rules }, known, costs));
  return reached(constraints, known);
}

function reached(constraints: readonly Constraint[], known: readonly Constraint[]): string {
  const unknown = constraints.filter((constraint) => !known.includes(constraint)).map(({ metric }) => metric);
  if (unknown.length === 0) return 'can be met';
  return `understood; ${unknown.join(' and ')} will be known when runtimes are measured`;
}

/** Where runtimes are still to be measured: exact costs in the precisions of the measuring engine, all seconds zero. */
function untimedTable(config: ModelConfig, variants: readonly LayerVariants[], stored: StoredAs): CostTable {
  const all = variants.flatMap(({ attention, ffn }) => [...attention, ...ffn]);
  const row = { prefillSeconds: 0, decodeSeconds: 0 };
  const rows = all.map((variant) => [tableKey(config, variant), row] as const);
  return { version: 1, ...stored, nonBlock: row, variants: Object.fromEntries(rows) };
}
