import { writeSafetensors } from '../formats/safetensors-write.js';
import { input } from '../graph/primitives.js';
import { warmupCosine } from '../graph/schedule.js';
import { float32, Session, type Tensors } from '../graph/session.js';
import { type Parameters, Trainer } from '../graph/trainer.js';
import type { Value } from '../graph/value.js';
import type { Weights } from '../model/blocks.js';
import type { SubblockTensors } from '../model/initialise.js';
import { writeArtifact } from '../run/artifacts.js';
import type { TaskContext } from './context.js';
import type { Windows } from './distil-windows.js';
import { LossCurve } from './loss-curve.js';

/** Looks at the held-out loss in the course of training, evenly spread: each costs about a step. */
const EVALUATIONS = 6;
/** So many of them in a row that are better than neither the best nor the last end the training. */
const PATIENCE = 2;

/** A loss that is not finite starts the training again at this fraction of the rate, so often. */
const RETRY_FACTOR = 0.25;
const MAX_RETRIES = 2;

/** Tensors of a variant and their loss on held-out text. */
export interface TrainedState {
  tensors: SubblockTensors;
  loss: number;
}

export interface Training {
  windows: Windows;
  heldOut: HeldOutLoss;
  context: TaskContext;
  /** Of the variant's tensors. */
  shapes: ReadonlyMap<string, number[]>;
  loss: (weights: Weights) => Value;
}

export interface TrainingOutcome {
  /** Whether every loss was a finite number. */
  finite: boolean;
  /** The best on held-out text of all that were looked at, the start among them. */
  best: TrainedState;
  /** Passed over, until the end or an early stop. */
  tokens: number;
  /** Rates that were given up because the loss stopped being a finite number. */
  retries: number;
}

/** The held-out loss of a variant for any values of its tensors; one graph for all of them. */
export class HeldOutLoss implements AsyncDisposable {
  private constructor(
    private readonly session: Session,
    private readonly shapes: ReadonlyMap<string, number[]>,
    private readonly windows: Windows,
  ) {}

  static async create(
    shapes: ReadonlyMap<string, number[]>,
    loss: (weights: Weights) => Value,
    windows: Windows,
  ): Promise<HeldOutLoss> {
    const values = new Map([...shapes].map(([name, shape]) => [name, input(`parameter.${name}`, shape)]));
    return new HeldOutLoss(await Session.create({ loss: loss(ofNames(values)) }), shapes, windows);
  }

  async of(tensors: SubblockTensors): Promise<number> {
    const parameters: Tensors = Object.fromEntries(
      [...this.shapes].map(([name, shape]) => [`parameter.${name}`, float32(dataOf(tensors, name), shape)]),
    );
    let total = 0;
    const batches = this.windows.heldOutBatches;
    for (let i = 0; i < batches; i++) {
      const { loss } = await this.session.run({ ...(await this.windows.heldOut(i)), ...parameters });
      total += Number(loss?.data[0]);
    }
    return total / batches;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.session.release();
  }
}

/**
 * Trains a variant from a start and keeps the best state on held-out text: it is never worse than the start. Ends early
 * where that no longer improves; where the loss ceases to be a number it begins again at a lower rate.
 */
export async function trainVariant(
  training: Training,
  start: TrainedState,
  learningRate: number,
): Promise<TrainingOutcome> {
  for (let retries = 0; ; retries++) {
    const outcome = await trainAt(training, start, learningRate * RETRY_FACTOR ** retries);
    if (outcome.finite || retries === MAX_RETRIES) return { ...outcome, retries };
  }
}

/** Ends at once where the loss ceases to be a number. */
async function trainAt(
  { windows, heldOut, context, shapes, loss }: Training,
  start: TrainedState,
  learningRate: number,
): Promise<Omit<TrainingOutcome, 'retries'>> {
  const { steps } = windows;
  let best = start;
  if (steps === 0 || !Number.isFinite(start.loss)) return { finite: Number.isFinite(start.loss), best, tokens: 0 };
  const parameters: Parameters = Object.fromEntries(
    [...shapes].map(([name, shape]) => [name, { shape, data: dataOf(start.tensors, name) }]),
  );
  const trainer = await Trainer.create(parameters, (values) => ({
    loss: loss(ofNames(new Map(Object.entries(values)))),
  }));
  const curve = new LossCurve(steps, context.progress);
  try {
    const every = Math.ceil(steps / EVALUATIONS);
    let [finite, misses, step, last] = [true, 0, 0, Infinity];
    while (step < steps && finite && misses < PATIENCE) {
      context.signal.throwIfAborted();
      step += 1;
      const rate = warmupCosine(step, steps, learningRate, Math.ceil(steps / 20));
      const result = await trainer.step(await windows.training(step), rate);
      finite = Number.isFinite(result.loss);
      curve.add(step, result.loss);
      if (!finite || (step % every !== 0 && step !== steps)) continue;
      const tensors = copied(trainer.parameters());
      const reached = await heldOut.of(tensors);
      finite = Number.isFinite(reached);
      // The highest rates may leave a good start behind, to which lower ones come back: that is no reason to stop.
      misses = reached < Math.max(best.loss, last) ? 0 : misses + 1;
      last = reached;
      if (reached < best.loss) best = { tensors, loss: reached };
    }
    return { finite, best, tokens: step * windows.tokensPerStep };
  } finally {
    curve.flush();
    await trainer.release();
  }
}

/** Writes trained tensors, by their names within the layer, as one file of the block library. */
export async function writeVariant(
  file: string,
  shapes: ReadonlyMap<string, number[]>,
  trained: SubblockTensors,
  metadata: Record<string, string>,
): Promise<void> {
  const tensors = [...shapes].map(([name, shape]) => ({
    ...{ name, dtype: 'F32' as const, shape },
    data: () => dataOf(trained, name),
  }));
  await writeArtifact(file, (temporary) => writeSafetensors(temporary, tensors, metadata));
}

function copied(parameters: Parameters): SubblockTensors {
  return Object.fromEntries(Object.entries(parameters).map(([name, { data }]) => [name, Float32Array.from(data)]));
}

function dataOf(tensors: SubblockTensors, name: string): Float32Array {
  const data = tensors[name];
  if (data === undefined) throw new Error(`the variant has no tensor ${name}`);
  return data;
}

function ofNames(values: ReadonlyMap<string, Value>): Weights {
  return (name) => {
    const value = values.get(name);
    if (value === undefined) throw new Error(`the variant has no ${name}`);
    return value;
  };
}
