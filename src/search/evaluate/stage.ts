import { join } from 'node:path';
import type { GgufPrecision } from '../../formats/gguf-tensor.js';
import { memoryBytes, modelCosts, SERVED_DTYPE, type Workload } from '../../model/accounting.js';
import type { Metric } from '../../model/score-choices.js';
import { taskKey } from '../../run/task-key.js';
import { type LargestBatch, largestBatch } from '../../target/largest-batch.js';
import { measureSpeedupInLlamaCpp } from '../../target/llama-cpp/speedup.js';
import { inScratch } from '../../target/llama-cpp/time-models.js';
import { type Engine, onnxruntimeEngine } from '../../target/onnxruntime.js';
import { measureSpeedup, type Speedup, type SpeedupOptions } from '../../target/speedup.js';
import { checkTensors, type Model, modelHash, openModel, type SearchContext } from '../context.js';
import type { PackedData } from '../data.js';
import { writeModelGguf } from '../export-gguf.js';
import { measuringEngine } from '../measuring-engine.js';
import { isMeasured } from '../stored-as.js';
import { runStage, type TaskRunner } from '../tasks.js';
import { type AccuracyKept, compareTasks, type TaskComparison } from './kept.js';
import { answersKey, type HashedModel, scoreTaskFiles, taskFiles } from './scores.js';
import { compareOnText, type TextComparison } from './text.js';

/** Weights and KV cache at the target's workload, at the precision the weights are stored in; exact. */
export interface MemoryComparison {
  parentBytes: number;
  childBytes: number;
  /** What the child could serve in the memory that the parent needs for the workload. */
  childLargestBatch: LargestBatch;
}

/** Parent and child side by side, on text, tasks and the clock. Plain JSON. */
export interface EvaluationResult {
  text: TextComparison;
  tasks: TaskComparison[];
  /** Null where the spec names no tasks. */
  accuracy: Record<Metric, AccuracyKept> | null;
  speedup: Speedup;
  memory: MemoryComparison;
}

/** The parts of the stage and roughly the share of its time that each takes, in hundredths. */
const PARTS = { text: 5, parentTasks: 35, childTasks: 20, speedup: 40 };
const PROGRESS_TOTAL = 100;
type Part = keyof typeof PARTS;

/**
 * Evaluates the child in a folder, read back from there, against the parent. The answers of each model to the tasks, the
 * comparison on text and the timings are tasks of their own: what has finished is not done again. `runTask` does the whole:
 * as the stage, unless something else than the run's child is evaluated.
 */
export async function evaluateStage(
  context: SearchContext,
  childDir: string,
  data: PackedData,
  runTask: TaskRunner = runStage,
): Promise<EvaluationResult> {
  const subjects = await openSubjects(context, childDir);
  const { parent, child } = subjects;
  const files = await taskFiles(context.spec.tasks);
  const key = taskKey('evaluate', {
    text: textInputs(context, subjects, data),
    tasks:
      files.length === 0 ? [] : await Promise.all([parent, child].map((of) => answersKey(of, files, context.threads))),
    speedup: timingInputs(context, subjects),
  });
  const finished = await runTask(context, 'evaluate', key, PROGRESS_TOTAL, async (report) => {
    const steps = progressSteps(report);
    const text = await compareText(context, subjects, data, steps('text'));
    const answers = (of: HashedModel, part: Part) => scoreTaskFiles(context, of, files, steps(part));
    const comparison =
      files.length === 0
        ? { tasks: [], accuracy: null }
        : compareTasks(await answers(parent, 'parentTasks'), await answers(child, 'childTasks'));
    const speedup = await timePairs(context, subjects, steps('speedup'));
    const memory = compareMemory(subjects, context.workload);
    const result: EvaluationResult = { text, ...comparison, speedup, memory };
    return { result, tokens: text.tokens };
  });
  return finished.result as EvaluationResult;
}

interface Subjects {
  parent: HashedModel;
  child: HashedModel;
}

async function openSubjects({ parent, parentHash }: SearchContext, childDir: string): Promise<Subjects> {
  const child = await openModel(childDir);
  checkTensors(child);
  return { parent: { model: parent, hash: parentHash }, child: { model: child, hash: await modelHash(child) } };
}

/** Turns the share done of a part into whole hundredths of the stage, each told once. */
function progressSteps(report: (done: number) => void): (part: Part) => (share: number) => void {
  const names = Object.keys(PARTS) as Part[];
  let told = 0;
  return (part) => {
    const before = names.slice(0, names.indexOf(part)).reduce((total, name) => total + PARTS[name], 0);
    return (share) => {
      const done = Math.floor(before + share * PARTS[part]);
      if (done <= told) return;
      told = done;
      report(done);
    };
  };
}

function textInputs({ budgets, threads }: SearchContext, { parent, child }: Subjects, data: PackedData) {
  return { parent: parent.hash, child: child.hash, data: data.key, tokens: budgets.testTokens, threads };
}

async function compareText(
  context: SearchContext,
  subjects: Subjects,
  data: PackedData,
  progress: (share: number) => void,
): Promise<TextComparison> {
  const { run, budgets, threads } = context;
  const meta = { stage: 'evaluate', kind: 'compare-text', label: 'parent and child on test text' } as const;
  const task = await run.once(taskKey(meta.kind, textInputs(context, subjects, data)), meta, async () => {
    const beforeWindow = async (done: number) => {
      progress(done);
      await run.checkpoint();
    };
    const [parent, child] = [subjects.parent.model, subjects.child.model];
    const result = await compareOnText(parent, child, data.splits.test, budgets.testTokens, { threads, beforeWindow });
    return { result };
  });
  return task.result as TextComparison;
}

/** The engine that the costs were measured with; where they were not measured here, the one that runs every model. */
function timingEngine({ spec: { target } }: SearchContext): Engine {
  return isMeasured(target) ? measuringEngine(target).engine : onnxruntimeEngine();
}

function timingInputs(context: SearchContext, { parent, child }: Subjects) {
  const { spec, workload } = context;
  return {
    ...{ parent: parent.hash, child: child.hash, workload },
    ...{ pairs: spec.evaluate.pairs, engine: timingEngine(context) },
  };
}

async function timePairs(
  context: SearchContext,
  subjects: Subjects,
  progress: (share: number) => void,
): Promise<Speedup> {
  const { run, spec } = context;
  const meta = { stage: 'evaluate', kind: 'speedup', label: 'parent and child against the clock' } as const;
  const task = await run.once(taskKey(meta.kind, timingInputs(context, subjects)), meta, async () => {
    const { pairs } = spec.evaluate;
    const beforePair = async (done: number) => {
      progress(done / pairs);
      await run.checkpoint();
    };
    const { threads, precision, device } = timingEngine(context);
    const options = { threads, device, pairs, beforePair };
    const [parent, child] = [subjects.parent.model, subjects.child.model];
    const result =
      precision === undefined
        ? await measureSpeedup(parent, child, context.workload, options)
        : await speedupInLlamaCpp(parent, child, precision, context.workload, options);
    return { result };
  });
  return task.result as Speedup;
}

/** Of the files that the models are exported as. */
function speedupInLlamaCpp(
  parent: Model,
  child: Model,
  precision: GgufPrecision,
  workload: Workload,
  options: SpeedupOptions,
): Promise<Speedup> {
  return inScratch(async (dir) => {
    const files = { parent: join(dir, 'parent.gguf'), child: join(dir, 'child.gguf') };
    await writeModelGguf(parent, files.parent, { name: 'parent', precision });
    await writeModelGguf(child, files.child, { name: 'child', precision });
    const vocabSize = Math.min(parent.config.vocabSize, child.config.vocabSize);
    return measureSpeedupInLlamaCpp(files, vocabSize, workload, options);
  });
}

function compareMemory({ parent, child }: Subjects, workload: Workload): MemoryComparison {
  const costs = ({ model: { config } }: HashedModel) =>
    modelCosts(config, { weights: SERVED_DTYPE, context: workload.prefill + workload.generated });
  const parentBytes = memoryBytes(costs(parent), workload);
  return {
    parentBytes,
    childBytes: memoryBytes(costs(child), workload),
    childLargestBatch: largestBatch(costs(child), workload, parentBytes),
  };
}
