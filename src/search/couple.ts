import type { LayerShape } from '../formats/hf-config.js';
import { readTensor, tensorEntry } from '../formats/safetensors.js';
import { add, constant, input, mul } from '../graph/primitives.js';
import type { Value } from '../graph/value.js';
import {
  attentionHalf,
  attentionMixed,
  causalAttention,
  ffnActivation,
  layerBlock,
  normedInput,
  type Weights,
} from '../model/blocks.js';
import type { SubblockTensors } from '../model/initialise.js';
import { MAX_GRAM_WIDTH } from '../model/least-squares.js';
import { normalisedMse } from '../model/losses.js';
import { type Half, HALVES, layerTensor, LINEAR } from '../model/names.js';
import { refit } from '../model/refit.js';
import { subblockTensors } from '../model/tensors.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import { type Model, openModel, type TaskAnswer, type TaskContext } from './context.js';
import { HeldOutLoss, type TrainedState, trainVariant, writeVariant } from './distil-train.js';
import { Windows, type WindowSource } from './distil-windows.js';
import { openVariant } from './library.js';
import { gatherMoments, type MomentSource, type Regression, withOne } from './moments.js';

/** Both halves of one layer, at least one of them replaced, to be trained together. Paths are absolute. */
export interface CouplePayload extends WindowSource {
  parentDir: string;
  half: 'pair';
  shape: LayerShape;
  /** Where each half's tensors are: in the block library, or with the parent; undefined for a no-op. */
  files: Record<Half, { library: string } | 'parent' | undefined>;
  /** What the last matrix of the pair is fitted to before training; undefined to leave it as it is. */
  moments: MomentSource | undefined;
  learningRate: number;
  output: { file: string; artifact: string };
}

/** Held-out normalised MSE at the layer's output; -1 for a number that is not finite. */
export interface CoupleResult {
  /** Of the halves as they were trained apart. */
  lossApart: number;
  /** The same with the last matrix fitted anew; absent where there was nothing to fit. */
  lossRefit?: number;
  /** Of what is kept: never more than apart. */
  lossAfter: number;
  tokens: { closedForm: number; gradient: number };
  retries: number;
}

/**
 * Coupled blockwise local distillation: both halves of a layer learn its output in the parent together, from where each of
 * them got alone. The last matrix of the two is first fitted anew to what the rest of the pair leaves for it to do. The
 * answer has an artifact only where this lowered the held-out loss.
 */
export async function coupleTask(payload: CouplePayload, context: TaskContext): Promise<TaskAnswer> {
  const parent = await openModel(payload.parentDir);
  const tensors = await readHalves(parent, payload);
  const shapes = new Map(tensorsOf(parent, payload.shape).map(({ name, shape }) => [name, shape]));
  const loss = (weights: Weights) => lossOf(parent, payload, weights);
  await using windows = await Windows.open(payload, parent.config.hiddenSize);
  await using heldOut = await HeldOutLoss.create(shapes, loss, windows);
  const apart = { tensors, loss: await heldOut.of(tensors) };
  const fitted = await withLastRefitted(parent, payload, apart, shapes, context.signal);
  const lossRefit = fitted === undefined ? undefined : await heldOut.of(fitted);
  const start: TrainedState =
    fitted !== undefined && lossRefit !== undefined && lossRefit < apart.loss
      ? { tensors: fitted, loss: lossRefit }
      : apart;
  const outcome = await trainVariant({ windows, heldOut, context, shapes, loss }, start, payload.learningRate);
  const { moments } = payload;
  const closedForm = fitted === undefined || moments === undefined ? 0 : moments.used * moments.sequenceLength;
  const number = (value: number) => (Number.isFinite(value) ? value : -1);
  const result: CoupleResult = {
    lossApart: number(apart.loss),
    ...(lossRefit === undefined ? {} : { lossRefit: number(lossRefit) }),
    lossAfter: number(outcome.best.loss),
    tokens: { closedForm, gradient: outcome.tokens },
    retries: outcome.retries,
  };
  const tokens = closedForm + outcome.tokens;
  if (!(outcome.best.loss < apart.loss)) return { result, tokens };
  const { layer, variant, output } = payload;
  await writeVariant(output.file, shapes, outcome.best.tensors, { layer: String(layer), variant });
  return { artifact: output.artifact, result, tokens };
}

function tensorsOf({ config }: Model, { attention, ffn }: LayerShape) {
  return [...subblockTensors(config, 'attention', attention), ...subblockTensors(config, 'ffn', ffn)];
}

/** The tensors of both halves by their names within the layer, of which no two are the same. */
async function readHalves(parent: Model, { layer, shape, files }: CouplePayload): Promise<SubblockTensors> {
  const { config, checkpoint } = parent;
  const named = {
    attention: subblockTensors(config, 'attention', shape.attention),
    ffn: subblockTensors(config, 'ffn', shape.ffn),
  };
  const tensors: SubblockTensors = {};
  for (const half of HALVES) {
    const from = files[half];
    const trained = from === undefined || from === 'parent' ? undefined : await openVariant(from.library);
    for (const { name } of named[half]) {
      const entry =
        trained === undefined ? tensorEntry(checkpoint, layerTensor(layer, name)) : tensorEntry(trained, name);
      tensors[name] = await readTensor(entry);
    }
  }
  return tensors;
}

function lossOf({ config }: Model, { shape, batch, sequenceLength }: CouplePayload, weights: Weights): Value {
  const size = [batch * sequenceLength, config.hiddenSize];
  const core = causalAttention({ config, batch, sequence: sequenceLength });
  return normalisedMse(input('target', size), layerBlock(config, shape, weights, core, input('x', size)));
}

/**
 * The pair with its last matrix by least squares: of all that can stand there, the one that brings the layer nearest to
 * the parent's output. Undefined where that is not asked for, where nothing can be fitted, or where the matrix is too wide
 * for one Gram matrix.
 */
async function withLastRefitted(
  parent: Model,
  { layer, shape, moments }: CouplePayload,
  { tensors, loss }: TrainedState,
  shapes: ReadonlyMap<string, number[]>,
  signal: AbortSignal,
): Promise<SubblockTensors | undefined> {
  const name = lastMatrix(shape);
  const wide = shape.ffn.kind === 'gated' && shape.ffn.width > MAX_GRAM_WIDTH;
  if (moments === undefined || name === undefined || wide || !Number.isFinite(loss)) return undefined;
  const own = parent.config.layers[layer];
  if (own === undefined) throw new Error(`no layer ${layer}`);
  const ofParent = layerWeights(checkpointWeights(parent.checkpoint), layer);
  const ofPair: Weights = (tensor) => constant(tensors[tensor] ?? new Float32Array(), shapes.get(tensor) ?? []);
  const { last } = await gatherMoments(
    moments,
    (x, sequences) => {
      const core = causalAttention({ config: parent.config, batch: sequences, sequence: moments.sequenceLength });
      const target = layerBlock(parent.config, own, ofParent, core, x);
      const stream = shape.ffn.kind === 'no-op' ? x : attentionHalf(parent.config, shape.attention, ofPair, core, x);
      const inputs = lastInputs(parent, shape, ofPair, x, stream, moments.sequenceLength);
      return { last: { inputs, outputs: add(target, mul(stream, -1)) } satisfies Regression };
    },
    signal,
  );
  return { ...tensors, ...refit(last, tensors, name).tensors };
}

/** The matrix behind which nothing comes in the layer, without `.weight`. */
function lastMatrix({ attention, ffn }: LayerShape): string | undefined {
  const linear = (half: Half) => LINEAR[half].replace(/\.weight$/, '');
  if (ffn.kind === 'gated') return 'mlp.down_proj';
  if (ffn.kind === 'linear') return linear('ffn');
  if (attention.kind === 'gqa') return 'self_attn.o_proj';
  return attention.kind === 'linear' ? linear('attention') : undefined;
}

/** What the last matrix of a pair is multiplied with, [rows, n]; a constant 1 behind it where it has a bias. */
function lastInputs(
  { config }: Model,
  { attention, ffn }: LayerShape,
  weights: Weights,
  x: Value,
  middle: Value,
  sequence: number,
): Value {
  if (ffn.kind === 'linear') return normedInput(config, 'ffn', weights, middle);
  if (ffn.kind === 'gated') {
    const activation = ffnActivation(config, weights, middle);
    return config.mlpBias ? withOne(activation) : activation;
  }
  if (attention.kind !== 'gqa') return normedInput(config, 'attention', weights, x);
  const core = causalAttention({ config, batch: (x.shape[0] ?? 0) / sequence, sequence });
  const mixed = attentionMixed(config, attention.kvHeads, weights, core, x);
  return config.attentionBias ? withOne(mixed) : mixed;
}
