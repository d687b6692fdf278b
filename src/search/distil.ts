import { readFile } from 'node:fs/promises';
import type { AttentionShape, FfnShape } from '../formats/hf-config.js';
import { readTensor, tensorEntry } from '../formats/safetensors.js';
import { input } from '../graph/primitives.js';
import type { Value } from '../graph/value.js';
import { attentionHalf, causalAttention, ffnHalf, type Weights } from '../model/blocks.js';
import { initialTensors } from '../model/initialise.js';
import { normalisedMse } from '../model/losses.js';
import { type Half, layerTensor } from '../model/names.js';
import { subblockTensors, type TensorShape } from '../model/tensors.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import { closedForm } from './closed-form.js';
import { type Model, openModel, type TaskAnswer, type TaskContext } from './context.js';
import { HeldOutLoss, type TrainedState, type TrainingOutcome, trainVariant, writeVariant } from './distil-train.js';
import { Windows, type WindowSource } from './distil-windows.js';
import type { MomentSource } from './moments.js';

/** One variant of one subblock, to be trained against the parent's activations. Paths are absolute. */
export interface DistilPayload extends WindowSource {
  parentDir: string;
  half: Half;
  shape: AttentionShape | FfnShape;
  channelsFile: string;
  /** Where training begins: at the closed form of the half's moments, or, without them, at the paper's initial values. */
  moments: { dir: string; source: MomentSource } | undefined;
  learningRate: number;
  /** Where the trained tensors go; undefined for a variant that has none. */
  output: { file: string; artifact: string } | undefined;
}

export interface DistilResult {
  /** Held-out normalised MSE at the layer's output before and after training by gradient: never more after it. */
  lossBefore: number;
  lossAfter: number;
  /** The same of the paper's initial values; and of the closed form, where it was asked for. */
  lossInitial: number;
  lossClosedForm?: number;
  /** Passed over for this variant alone: for its closed form (the layer's shared pass not counted), and by training. */
  tokens: { closedForm: number; gradient: number };
  /** Rates that were given up because the loss stopped being a finite number. */
  retries: number;
  /** Why the variant is of no use and must be left out; undefined if it is fine. */
  failed?: string;
}

/**
 * Trains one variant: decoupled blockwise local distillation (the other half is the parent's, frozen), from its closed
 * form on. The training loss is told on the way.
 */
export async function distilTask(payload: DistilPayload, context: TaskContext): Promise<TaskAnswer> {
  const parent = await openModel(payload.parentDir);
  await using windows = await Windows.open(payload, parent.config.hiddenSize);
  const shapes = new Map(tensorsOf(parent, payload).map(({ name, shape }) => [name, shape]));
  await using heldOut = await HeldOutLoss.create(shapes, (weights) => lossOf(parent, payload, weights), windows);
  if (payload.output === undefined) {
    const loss = await heldOut.of({});
    const nothing = { closedForm: 0, gradient: 0 };
    return {
      result: {
        lossBefore: loss,
        lossAfter: loss,
        lossInitial: loss,
        tokens: nothing,
        retries: 0,
      } satisfies DistilResult,
    };
  }
  const start = await bestStart(parent, payload, heldOut, context);
  const loss = (weights: Weights) => lossOf(parent, payload, weights);
  const outcome = await trainVariant({ windows, heldOut, context, shapes, loss }, start, payload.learningRate);
  return await conclude(payload, payload.output, { start, outcome, shapes });
}

interface VariantStart extends TrainedState {
  lossInitial: number;
  lossClosedForm?: number;
  /** Tokens of the closed form. */
  tokens: number;
}

/** The closed form, unless the paper's initial values are nearer to the parent on held-out text. */
async function bestStart(
  parent: Model,
  payload: DistilPayload,
  heldOut: HeldOutLoss,
  { signal }: TaskContext,
): Promise<VariantStart> {
  const { layer, half, shape, moments } = payload;
  const read = (name: string) => readTensor(tensorEntry(parent.checkpoint, layerTensor(layer, name)));
  const meanAbs = JSON.parse(await readFile(payload.channelsFile, 'utf8')) as number[];
  const initial = await initialTensors(parent.config, layer, half, shape, read, meanAbs);
  const lossInitial = await heldOut.of(initial);
  const paper = { tensors: initial, loss: lossInitial, lossInitial, tokens: 0 };
  if (moments === undefined) return paper;
  const closed = await closedForm({ parent, layer, half, shape, read, moments, signal });
  const lossClosedForm = await heldOut.of(closed.tensors);
  const from = lossClosedForm < lossInitial ? { tensors: closed.tensors, loss: lossClosedForm } : {};
  return { ...paper, ...from, lossClosedForm, tokens: closed.tokens };
}

function tensorsOf(parent: Model, { half, shape }: DistilPayload): TensorShape[] {
  return half === 'attention'
    ? subblockTensors(parent.config, 'attention', shape as AttentionShape)
    : subblockTensors(parent.config, 'ffn', shape as FfnShape);
}

/** The blockwise loss of a variant, over inputs `x` and `target` [batch * S, H]. */
function lossOf(parent: Model, payload: DistilPayload, weights: Weights): Value {
  const { layer, half, shape, sequenceLength } = payload;
  const size = [payload.batch * sequenceLength, parent.config.hiddenSize];
  const output = replacedLayer(parent, layer, { half, shape, weights }, input('x', size), sequenceLength);
  return normalisedMse(input('target', size), output);
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

async function conclude(
  { layer, half, variant }: DistilPayload,
  output: { file: string; artifact: string },
  done: { start: VariantStart; outcome: TrainingOutcome; shapes: ReadonlyMap<string, number[]> },
): Promise<TaskAnswer> {
  const { start, outcome, shapes } = done;
  const number = (value: number) => (Number.isFinite(value) ? value : -1);
  const tokens = start.tokens + outcome.tokens;
  const result: DistilResult = {
    lossBefore: number(start.loss),
    lossAfter: number(outcome.best.loss),
    lossInitial: number(start.lossInitial),
    ...(start.lossClosedForm === undefined ? {} : { lossClosedForm: number(start.lossClosedForm) }),
    tokens: { closedForm: start.tokens, gradient: outcome.tokens },
    retries: outcome.retries,
  };
  if (!outcome.finite) return { result: { ...result, failed: 'its loss is not finite, at any rate tried' }, tokens };
  await writeVariant(output.file, shapes, outcome.best.tensors, { layer: String(layer), half, variant });
  return { artifact: output.artifact, result, tokens };
}
