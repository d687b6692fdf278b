import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { readTensor, tensorEntry } from '../formats/safetensors.js';
import { type TensorToWrite, writeSafetensors } from '../formats/safetensors-write.js';
import { input } from '../graph/primitives.js';
import { warmupCosine } from '../graph/schedule.js';
import { type Objective, type Parameters, Trainer } from '../graph/trainer.js';
import type { Value } from '../graph/value.js';
import { modelTensors } from '../model/tensors.js';
import { checkpointWeights } from '../model/weights.js';
import { writeDirectory, writeJson } from '../run/artifacts.js';
import { writeChildFolder } from './assemble.js';
import type { Model, SearchContext } from './context.js';
import type { TokenFile } from './data.js';
import { headRows } from './footprint.js';
import { openVariant } from './library.js';
import { LossCurve, type LossPoints } from './loss-curve.js';
import { Batches } from './uptrain-batches.js';
import type { UptrainLoss } from './spec-schema.js';
import { uptrainObjective } from './uptrain-objective.js';
import type { UptrainPlan } from './uptrain-plan.js';

export interface UptrainSettings extends UptrainPlan {
  tokens: number;
  /** Sequences per step. */
  batch: number;
  loss: readonly UptrainLoss[];
  topK?: number | undefined;
  learningRate: number;
  validateEvery: number;
  patience: number;
  seed: number;
}

export interface UptrainResult {
  steps: number;
  tokens: number;
  /** Validation KL, nats/token, before any step and at the best one. */
  klBefore: number;
  klBest: number;
  bestStep: number;
  /** Validation KL over the steps. */
  curve: { steps: number[]; values: number[] };
  stoppedEarly: boolean;
}

/** The child as it came out, and how. */
export interface UptrainedChild {
  dir: string;
  result: UptrainResult;
}

/** The objective over the child's parameters, and input `ids` of a micro-batch. */
function objective(parent: Model, child: Model, sequence: number, settings: UptrainSettings) {
  const { microBatch: batch, recompute, loss, topK } = settings;
  return (values: Record<string, Value>): Objective => {
    const weights = (name: string) => {
      const value = values[name];
      if (value === undefined) throw new Error(`the child has no ${name}`);
      return value;
    };
    return uptrainObjective(
      { config: parent.config, weights: checkpointWeights(parent.checkpoint) },
      { config: child.config, weights },
      input('ids', [batch * sequence], 'int64'),
      { loss, topK, batch, sequence, recompute, headRows: headRows(batch * sequence, child.config.vocabSize) },
    );
  };
}

/** What is told while the child is trained. */
export interface UptrainHooks {
  /** Awaited before each step. */
  checkpoint: () => Promise<void>;
  /** Training goes on after this step, from a stored state. */
  onRestored: (step: number) => void;
  /** The next points of the training loss: the sum of the chosen ones. */
  onTraining: (points: LossPoints) => void;
  /** Validation KL, nats/token, after a step; 0: before the first. */
  onValidation: (step: number, kl: number) => void;
}

/** What is stored between validations: with it, a killed run goes on as if nothing had happened. */
interface Progress extends UptrainResult {
  sinceBest: number;
}

/**
 * Trains the whole child in `assembledDir` and writes the best state to `childDir`, in the parent's precision. `stateDir`
 * holds the training state between validations.
 */
export async function uptrainChild(
  context: Pick<SearchContext, 'parent' | 'threads'>,
  child: Model,
  data: { train: TokenFile; validation: TokenFile },
  settings: UptrainSettings,
  stateDir: string,
  childDir: string,
  hooks: UptrainHooks,
): Promise<UptrainResult> {
  const { parent, threads } = context;
  const sequence = data.train.sequenceLength;
  const rows = settings.batch * sequence;
  const steps = Math.ceil(settings.tokens / rows);
  const trainer = await Trainer.create(await readParameters(child), objective(parent, child, sequence, settings), {
    threads,
    microBatches: settings.batch / settings.microBatch,
  });
  try {
    const batches = await Batches.open(data, settings);
    let best = snapshot(trainer);
    let progress = await restore(trainer, stateDir, best);
    if (progress === undefined) {
      const klBefore = await validate(trainer, batches);
      if (!Number.isFinite(klBefore)) throw new Error(`${child.dir}: the assembled child does not give finite numbers`);
      const curve = { steps: [0], values: [klBefore] };
      progress = {
        steps: 0,
        tokens: 0,
        klBefore,
        klBest: klBefore,
        bestStep: 0,
        curve,
        stoppedEarly: false,
        sinceBest: 0,
      };
      hooks.onValidation(0, klBefore);
    } else {
      hooks.onRestored(progress.steps);
    }
    const training = new LossCurve(steps, hooks.onTraining);
    while (progress.steps < steps && !progress.stoppedEarly) {
      await hooks.checkpoint();
      const step = trainer.steps + 1;
      const { loss } = await trainer.stepOver(
        batches.training(step),
        warmupCosine(step, steps, settings.learningRate, Math.ceil(steps / 20)),
      );
      progress.steps = step;
      progress.tokens = step * rows;
      training.add(step, loss);
      // A loss that is not finite never recovers; the best state so far is the result.
      if (!Number.isFinite(loss)) progress.stoppedEarly = true;
      else if (step % settings.validateEvery === 0 || step === steps) {
        const kl = await validate(trainer, batches);
        if (!Number.isFinite(kl)) {
          progress.stoppedEarly = true;
          break;
        }
        progress.curve.steps.push(step);
        progress.curve.values.push(kl);
        progress.sinceBest += 1;
        if (kl < progress.klBest) {
          best = snapshot(trainer);
          Object.assign(progress, { klBest: kl, bestStep: step, sinceBest: 0 });
        }
        progress.stoppedEarly = progress.sinceBest >= settings.patience;
        // Told before it is stored: what a later process goes on from is never missing from the curves.
        training.flush();
        hooks.onValidation(step, kl);
        await store(trainer, best, progress, stateDir);
      }
    }
    training.flush();
    await writeChild(parent, child, best, childDir);
    const { steps: done, tokens, klBefore, klBest, bestStep, curve, stoppedEarly } = progress;
    return { steps: done, tokens, klBefore, klBest, bestStep, curve, stoppedEarly };
  } finally {
    await trainer.release();
  }
}

async function readParameters(child: Model): Promise<Parameters> {
  const entries = modelTensors(child.config).map(async ({ name, shape }) => {
    return [name, { shape, data: await readTensor(tensorEntry(child.checkpoint, name)) }] as const;
  });
  return Object.fromEntries(await Promise.all(entries));
}

type State = Record<string, Float32Array>;

function snapshot(trainer: Trainer): State {
  return Object.fromEntries(Object.entries(trainer.parameters()).map(([name, { data }]) => [name, data.slice()]));
}

async function validate(trainer: Trainer, batches: Batches): Promise<number> {
  let total = 0;
  for (let i = 0; i < batches.validationBatches; i++) {
    total += (await trainer.evaluate(batches.validation(i))).extras['kl'] ?? Number.NaN;
  }
  return total / batches.validationBatches;
}

async function store(trainer: Trainer, best: State, progress: Progress, stateDir: string): Promise<void> {
  const { tensors } = trainer.state();
  const all = {
    ...mapKeys(tensors, (tensor) => tensor.data as Float32Array, ''),
    ...mapKeys(best, (data) => data, 'best.'),
  };
  const toWrite = Object.entries(all).map(([name, data]): TensorToWrite => ({
    name,
    dtype: 'F32',
    shape: [data.length],
    data: () => data,
  }));
  await writeDirectory(stateDir, async (dir) => {
    await writeSafetensors(path.join(dir, 'state.safetensors'), toWrite);
    await writeJson(path.join(dir, 'progress.json'), progress);
  });
}

function mapKeys<T>(record: Readonly<Record<string, T>>, value: (item: T) => Float32Array, prefix: string): State {
  return Object.fromEntries(Object.entries(record).map(([name, item]) => [prefix + name, value(item)]));
}

/** Goes on from a stored state, if there is one; fills `best` from it. */
async function restore(trainer: Trainer, stateDir: string, best: State): Promise<Progress | undefined> {
  const file = path.join(stateDir, 'state.safetensors');
  if (!existsSync(file)) return undefined;
  const progress = JSON.parse(await readFile(path.join(stateDir, 'progress.json'), 'utf8')) as Progress;
  const current: State = {};
  for (const [name, entry] of (await openVariant(file)).entries) {
    const data = await readTensor(entry);
    if (name.startsWith('best.')) best[name.slice('best.'.length)] = data;
    else current[name] = data;
  }
  trainer.restore(progress.steps, current);
  return progress;
}

async function writeChild(parent: Model, child: Model, best: State, childDir: string): Promise<void> {
  const tensors = modelTensors(child.config).map(({ name, shape }): TensorToWrite => {
    const data = best[name];
    if (data === undefined) throw new Error(`no trained ${name}`);
    return { name, dtype: child.config.dtype, shape, data: () => data };
  });
  await writeDirectory(childDir, async (dir) => {
    await writeSafetensors(path.join(dir, 'model.safetensors'), tensors, { format: 'pt' });
    await writeChildFolder(parent.dir, child.config, dir);
  });
}
