import { availableParallelism } from 'node:os';
import path from 'node:path';
import { InputError } from '../common/errors.js';
import { type ModelConfig, readModelConfig } from '../formats/hf-config.js';
import { ENGINE_VERSION } from '../graph/engine.js';
import { type Checkpoint, openCheckpoint, tensorEntry } from '../formats/safetensors.js';
import { modelTensors } from '../model/tensors.js';
import type { Workload } from '../model/accounting.js';
import type { Run } from '../run/run.js';
import { batchSizes, meanWorkload, wholeWorkload } from '../target/workload.js';
import { fileHash, taskKey } from '../run/task-key.js';
import type { LossPoints } from './loss-curve.js';
import type { Spec } from './spec.js';

/** A model folder, opened: nothing but headers is read. */
export interface Model {
  dir: string;
  config: ModelConfig;
  checkpoint: Checkpoint;
}

export async function openModel(dir: string): Promise<Model> {
  return { dir, config: await readModelConfig(dir), checkpoint: await openCheckpoint(dir) };
}

/** Rises whenever the same inputs would give other results than before: then nothing older is taken up again. */
const RESULTS_VERSION = 1;

/** A hash of everything about a model that a result may depend on: its configuration and its weight files. */
export async function modelHash(model: Model): Promise<string> {
  const files = [...new Set([...model.checkpoint.entries.values()].map((entry) => entry.file))].sort();
  const hashes = await Promise.all([path.join(model.dir, 'config.json'), ...files].map(fileHash));
  return taskKey('model', { hashes, results: RESULTS_VERSION, engine: ENGINE_VERSION });
}

/** What a stage asks to be done elsewhere: plain JSON in and out, everything large through files. */
export interface TaskRequest {
  key: string;
  kind: string;
  /** For people: "layer 3 ffn-50%". */
  label: string;
  payload: unknown;
  /** Any unit; the longest are started first. */
  cost: number;
  /** The name of its loss curve, for a task that makes one. */
  series?: string;
}

/** What a task process gives to the task at hand. */
export interface TaskContext {
  /** Aborted when the task is to stop: to be looked at between steps. */
  signal: AbortSignal;
  /** Tells how far the task is: the next points of its loss curve. */
  progress: (points: LossPoints) => void;
}

/** The artifact and numbers of a task that was done. */
export interface TaskAnswer {
  artifact?: string;
  result?: unknown;
  tokens?: number;
}

/** Does tasks: independent ones in as many processes as it likes. What a callback throws ends all, and is thrown. */
export type Executor = (
  tasks: readonly TaskRequest[],
  callbacks: {
    /** Each reads what the one before it has left: one process does them, in the order given. */
    inOrder?: boolean;
    signal: AbortSignal;
    /** Called before each task is handed out; may wait, while the run is paused. */
    beforeTask: () => Promise<void>;
    onStarted: (task: TaskRequest) => void;
    /** The process at work on a task died; another one tries again. `attempt` counts those made. */
    onRetried?: (task: TaskRequest, attempt: number, error: Error) => void;
    /** Points of the task's loss curve; from the first step on again when the task is tried again. */
    onLoss?: (task: TaskRequest, points: LossPoints) => void;
    /** Awaited before the process gets its next task. */
    onFinished: (task: TaskRequest, answer: TaskAnswer, seconds: number) => void | Promise<void>;
    onFailed: (task: TaskRequest, error: Error) => void;
  },
) => Promise<void>;

/** Token, batch and cache sizes, after defaults. */
export interface Budgets {
  sequenceLength: number;
  distilTokens: number;
  calibrationTokens: number;
  /** Training tokens that closed forms are fitted to; fewer where fewer are cached. */
  closedFormTokens: number;
  /** Of each pair that is trained together. */
  coupledTokens: number;
  distilBatch: number;
  scoreTokens: number;
  /** Validation tokens after the scored ones, for what was selected on those. */
  reportTokens: number;
  uptrainTokens: number;
  uptrainBatch: number;
  testTokens: number;
  /** Bytes of activations on disk at a time. */
  cacheBytes: number;
}

const DEFAULT_SEQUENCE_LENGTH = 256;
/** Tokens per training step: enough to keep the matrix products efficient, few enough to make many steps. */
const STEP_TOKENS = 1024;

const DEFAULT_CALIBRATION_TOKENS = 49_152;
/** Of more the closed form hardly gets better; the text held out is not among them. */
const DEFAULT_CLOSED_FORM_TOKENS = 16_384;
/** From a closed form training has less to do. */
const DEFAULT_DISTIL_TOKENS = { 'closed-form': 24_576, paper: 65_536 } as const;

/** Budgets that suit parents of 1 to 20 million parameters, where the spec gives none. */
export function budgets(spec: Spec, config: ModelConfig): Budgets {
  const sequenceLength = spec.data.sequenceLength ?? Math.min(DEFAULT_SEQUENCE_LENGTH, config.maxPositionEmbeddings);
  const batch = Math.max(1, Math.round(STEP_TOKENS / sequenceLength));
  const distilTokens = spec.distil.tokens ?? DEFAULT_DISTIL_TOKENS[spec.distil.start];
  // At least one sequence to train on, and one held out.
  const calibrationTokens = Math.max(2 * sequenceLength, spec.distil.distinctTokens ?? DEFAULT_CALIBRATION_TOKENS);
  return {
    sequenceLength,
    distilTokens,
    calibrationTokens,
    closedFormTokens: spec.distil.closedFormTokens ?? DEFAULT_CLOSED_FORM_TOKENS,
    coupledTokens: spec.distil.coupledTokens ?? distilTokens,
    distilBatch: spec.distil.batch ?? batch,
    scoreTokens: spec.score.tokens ?? 8_192,
    reportTokens: spec.score.tokens ?? 8_192,
    uptrainTokens: spec.uptrain.tokens ?? 1_000_000,
    uptrainBatch: spec.uptrain.batch ?? batch,
    testTokens: spec.evaluate.tokens ?? 16_384,
    cacheBytes: (spec.cacheMiB ?? Infinity) * 2 ** 20,
  };
}

/** What whole models are timed at: the target's mean workload, at its largest batch where none is chosen yet. */
export function timedWorkload(
  { target }: Pick<Spec, 'target'>,
  batch = Math.max(...batchSizes(target.workload)),
): Workload {
  return wholeWorkload(meanWorkload(target.workload, batch));
}

/** Everything the stages share. */
export interface SearchContext {
  run: Run;
  spec: Spec;
  parent: Model;
  parentHash: string;
  budgets: Budgets;
  executor: Executor;
  /** Threads of whatever is one piece of work on the whole model. */
  threads: number;
  /** What parent and child are timed at. */
  workload: Workload;
}

export async function createContext(run: Run, spec: Spec, executor: Executor): Promise<SearchContext> {
  const parent = await openModel(spec.parent);
  // Every tensor must be there before hours of work start, not when it is first needed.
  checkTensors(parent);
  return {
    run,
    spec,
    parent,
    parentHash: await modelHash(parent),
    budgets: budgets(spec, parent.config),
    executor,
    threads: spec.threads ?? availableParallelism(),
    workload: timedWorkload(spec),
  };
}

/** Throws InputError when a tensor that the configuration promises is missing or has another shape. */
export function checkTensors({ config, checkpoint }: Model): void {
  for (const { name, shape } of modelTensors(config)) {
    const entry = tensorEntry(checkpoint, name);
    if (entry.shape.join() !== shape.join()) {
      throw new InputError(
        `tensor ${name} has shape [${entry.shape.join()}], config.json asks for [${shape.join()}]`,
        entry.file,
      );
    }
  }
}
