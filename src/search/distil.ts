import { readFile } from 'node:fs/promises';
import type { AttentionShape, FfnShape } from '../formats/hf-config.js';
import { readTensor, tensorEntry } from '../formats/safetensors.js';
import { writeSafetensors } from '../formats/safetensors-write.js';
import { input } from '../graph/primitives.js';
import { warmupCosine } from '../graph/schedule.js';
import { Session, type Tensors } from '../graph/session.js';
import { type Parameters, Trainer } from '../graph/trainer.js';
import type { Value } from '../graph/value.js';
import { attentionHalf, causalAttention, ffnHalf, type Weights } from '../model/blocks.js';
import { initialTensors, type SubblockTensors } from '../model/initialise.js';
import { normalisedMse } from '../model/losses.js';
import { type Half, layerTensor } from '../model/names.js';
import { subblockTensors } from '../model/tensors.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import { writeArtifact } from '../run/artifacts.js';
import { type Model, openModel, type TaskAnswer, type TaskContext } from './context.js';
import { Windows } from './distil-windows.js';
import { LossCurve } from './loss-curve.js';

/** One variant of one subblock, to be trained against the parent's activations. Paths are absolute. */
export interface DistilPayload {
  parentDir: string;
  layer: number;
  half: Half;
  variant: string;
  shape: AttentionShape | FfnShape;
  /** What enters the subblock and what leaves the layer, in the parent. */
  inputFile: string;
  targetFile: string;
  channelsFile: string;
  /** Cached sequences; the last ones are held out. */
  sequences: number;
  sequenceLength: number;
  /** Sequences per step. */
  batch: number;
  /** Training tokens; 0 only measures the loss. */
  tokens: number;
  learningRate: number;
  seed: number;
  /** Where the trained tensors go; undefined for a variant that has none. */
  output: { file: string; artifact: string } | undefined;
}

export interface DistilResult {
  /** Held-out normalised MSE at the layer's output before and after training. */
  lossBefore: number;
  lossAfter: number;
  /** Rates that were given up because the loss stopped being a finite number. */
  retries: number;
  /** Why the variant is of no use and must be left out; undefined if it is fine. */
  failed?: string;
}

/** A loss that is not finite starts the variant again at this fraction of the rate, so often. */
const RETRY_FACTOR = 0.25;
const MAX_RETRIES = 2;

/**
 * Trains one variant: decoupled blockwise local distillation (the other half is the parent's, frozen). The training loss
 * is told on the way.
 */
export async function distilTask(payload: DistilPayload, context: TaskContext): Promise<TaskAnswer> {
  const parent = await openModel(payload.parentDir);
  await using windows = await Windows.open(payload, parent.config.hiddenSize);
  if (payload.output === undefined) return { result: await measureUntrained(parent, payload, windows) };
  const initial = await readInitial(parent, payload);
  for (let retries = 0; ; retries++) {
    const learningRate = payload.learningRate * RETRY_FACTOR ** retries;
    const outcome = await train(parent, payload, initial, windows, learningRate, context);
    if (outcome.finite || retries === MAX_RETRIES) {
      return await conclude(payload, payload.output, outcome, retries, parent);
    }
  }
}

/** The loss of a variant without parameters. */
async function measureUntrained(parent: Model, payload: DistilPayload, windows: Windows): Promise<DistilResult> {
  const loss = lossOf(parent, payload, (name) => {
    throw new Error(`a variant without tensors was asked for ${name}`);
  });
  const session = await Session.create({ loss });
  try {
    const measured = await heldOutLoss(async (batch) => Number((await session.run(batch))['loss']?.data[0]), windows);
    return { lossBefore: measured, lossAfter: measured, retries: 0 };
  } finally {
    await session.release();
  }
}

/** The blockwise loss of a variant, over inputs `x` and `target` [batch * S, H]. */
function lossOf(parent: Model, payload: DistilPayload, weights: Weights): Value {
  const { layer, half, shape, sequenceLength } = payload;
  const size = [payload.batch * sequenceLength, parent.config.hiddenSize];
  const output = replacedLayer(parent, layer, { half, shape, weights }, input('x', size), sequenceLength);
  return normalisedMse(input('target', size), output);
}

interface Outcome {
  finite: boolean;
  lossBefore: number;
  lossAfter: number;
  tokens: number;
  tensors: SubblockTensors;
}

async function readInitial(
  parent: Model,
  { layer, half, shape, channelsFile }: DistilPayload,
): Promise<SubblockTensors> {
  const read = (name: string) => readTensor(tensorEntry(parent.checkpoint, layerTensor(layer, name)));
  const meanAbs = JSON.parse(await readFile(channelsFile, 'utf8')) as number[];
  return initialTensors(parent.config, layer, half, shape, read, meanAbs);
}

function parametersOf(parent: Model, { half, shape }: DistilPayload, tensors: SubblockTensors): Parameters {
  const shapes =
    half === 'attention'
      ? subblockTensors(parent.config, 'attention', shape as AttentionShape)
      : subblockTensors(parent.config, 'ffn', shape as FfnShape);
  return Object.fromEntries(
    shapes.map((tensor) => {
      const data = tensors[tensor.name];
      if (data === undefined) throw new Error(`no initial tensor ${tensor.name}`);
      return [tensor.name, { shape: tensor.shape, data }];
    }),
  );
}

/** The layer's output [rows, H] with one half replaced: from the layer's input, or from the parent's middle for an FFN. */
export function replacedLayer(
  parent: Model,
  layer: number,
  replacement: { half: Half; shape: AttentionShape | FfnShape; weights: Weights },
  x: Value,
  sequenceLength: number,
): Value {
  const { config } = parent;
  const own = config.layers[layer];
  if (own === undefined) throw new Error(`no layer ${layer}`);
  if (replacement.half === 'ffn') return ffnHalf(config, replacement.shape as FfnShape, replacement.weights, x);
  const core = causalAttention({ config, batch: (x.shape[0] ?? 0) / sequenceLength, sequence: sequenceLength });
  const middle = attentionHalf(config, replacement.shape as AttentionShape, replacement.weights, core, x);
  return ffnHalf(config, own.ffn, layerWeights(checkpointWeights(parent.checkpoint), layer), middle);
}

async function train(
  parent: Model,
  payload: DistilPayload,
  initial: SubblockTensors,
  windows: Windows,
  learningRate: number,
  { signal, progress }: TaskContext,
): Promise<Outcome> {
  const rows = payload.batch * payload.sequenceLength;
  const trainer = await Trainer.create(parametersOf(parent, payload, initial), (values) => ({
    loss: lossOf(parent, payload, (name) => {
      const value = values[name];
      if (value === undefined) throw new Error(`${payload.variant} has no ${name}`);
      return value;
    }),
  }));
  const evaluate = async (batch: Tensors) => (await trainer.evaluate(batch)).loss;
  try {
    const lossBefore = await heldOutLoss(evaluate, windows);
    const steps = Math.ceil(payload.tokens / rows);
    const curve = new LossCurve(steps, progress);
    let finite = Number.isFinite(lossBefore);
    for (let step = 1; step <= steps && finite; step++) {
      signal.throwIfAborted();
      const { loss } = await trainer.step(
        await windows.training(step),
        warmupCosine(step, steps, learningRate, Math.ceil(steps / 20)),
      );
      finite = Number.isFinite(loss);
      curve.add(step, loss);
    }
    curve.flush();
    const lossAfter = finite ? await heldOutLoss(evaluate, windows) : Number.NaN;
    const tensors = Object.fromEntries(Object.entries(trainer.parameters()).map(([name, { data }]) => [name, data]));
    return {
      finite: finite && Number.isFinite(lossAfter),
      lossBefore,
      lossAfter,
      tokens: steps * rows,
      tensors,
    };
  } finally {
    await trainer.release();
  }
}

async function heldOutLoss(loss: (batch: Tensors) => Promise<number>, windows: Windows): Promise<number> {
  let total = 0;
  const batches = windows.heldOutBatches;
  for (let i = 0; i < batches; i++) total += await loss(await windows.heldOut(i));
  return total / batches;
}

async function conclude(
  payload: DistilPayload,
  output: { file: string; artifact: string },
  outcome: Outcome,
  retries: number,
  parent: Model,
): Promise<TaskAnswer> {
  const number = (value: number) => (Number.isFinite(value) ? value : -1);
  const result: DistilResult = {
    lossBefore: number(outcome.lossBefore),
    lossAfter: number(outcome.lossAfter),
    retries,
  };
  if (!outcome.finite) {
    return { result: { ...result, failed: 'its loss is not finite, at any rate tried' }, tokens: outcome.tokens };
  }
  const shapes = parametersOf(parent, payload, outcome.tensors);
  const tensors = Object.entries(shapes).map(([name, { shape, data }]) => ({
    name,
    dtype: 'F32' as const,
    shape: [...shape],
    data: () => data,
  }));
  const metadata = { layer: String(payload.layer), half: payload.half, variant: payload.variant };
  await writeArtifact(output.file, (temporary) => writeSafetensors(temporary, tensors, metadata));
  return { artifact: output.artifact, result, tokens: outcome.tokens };
}
