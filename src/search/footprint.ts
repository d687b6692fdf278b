import type { LayerShape, ModelConfig } from '../formats/hf-config.js';
import { attentionCosts, BYTES_PER_VALUE, ffnCosts, modelCosts } from '../model/accounting.js';
import { MAX_GRAM_WIDTH } from '../model/least-squares.js';
import type { LayerVariants } from '../model/variants.js';
import type { Budgets } from './context.js';
import type { UptrainPlan } from './uptrain-plan.js';

// What a search takes of the machine: estimates, before it begins. The child is taken to be as large as the parent.

const F32 = 4;
const F16 = 2;
const F64 = 8;
/** A process with the runtime loaded, and what it keeps beside the tensors of a step. */
const PROCESS_BYTES = 250 * 2 ** 20;
/** Values that a training step keeps of every token: multiples of the sizes they grow with, found by measuring. */
const KEPT = { perScore: 3, perChannel: 6, perHidden: 14, perLogit: 16 };
/** Layers that are computed twice leave the streams of parent and child after each, and their gradients. */
const HELD_PER_HIDDEN = 4;
/** Bytes of one [rows, vocabulary] tensor in the uptraining, of which there are a few at a time. */
const LOGITS_BYTES = 32 * 2 ** 20;
/** Of every trained value: two sets of itself and two moments, and the best so far. */
const TRAINED_BYTES = (2 * 3 + 1) * F32;
/** What is stored of it between validations: itself, two moments and the best, while the one before is still there. */
const STORED_BYTES = 2 * 4 * F32;
/** The child as assembled, as uptrained, and as exported. */
const CHILD_COPIES = 3;

/** Rows that the heads of the uptraining take at a time, of so many. */
export function headRows(rows: number, vocabulary: number): number {
  return Math.max(1, Math.min(rows, Math.floor(LOGITS_BYTES / F32 / vocabulary)));
}

/** Bytes that a training step keeps of one token: of each layer, and of the logits. */
export function stepBytes(config: ModelConfig, sequenceLength: number): { layers: number[]; logits: number } {
  const { perScore, perChannel, perHidden, perLogit } = KEPT;
  const layers = config.layers.map(({ ffn }) => {
    const channels = ffn.kind === 'gated' ? ffn.width : 0;
    return F32 * (perScore * config.heads * sequenceLength + perChannel * channels + perHidden * config.hiddenSize);
  });
  return { layers, logits: F32 * perLogit * config.vocabSize };
}

/** Bytes of memory at the peak of the uptraining of a child as large as the parent, with steps of `batch` sequences. */
export function uptrainBytes(
  config: ModelConfig,
  { sequenceLength, batch, microBatch, recompute }: UptrainPlan & { sequenceLength: number; batch: number },
): number {
  const { layers, logits: perLogits } = stepBytes(config, sequenceLength);
  const held = F32 * HELD_PER_HIDDEN * config.hiddenSize * layers.length;
  const perToken = recompute ? Math.max(0, ...layers) + held : layers.reduce((sum, bytes) => sum + bytes, 0);
  const rows = microBatch * sequenceLength;
  const logits = perLogits * headRows(rows, config.vocabSize);
  const { parameters } = modelCosts(config, { weights: 'F32', context: sequenceLength });
  const sums = microBatch < batch ? F32 : 0;
  return PROCESS_BYTES + (TRAINED_BYTES + F32 + sums) * parameters + rows * perToken + logits;
}

/** Bytes of memory at the peak of a search: uptraining in one process, or small tasks in several. */
export function peakMemoryBytes(config: ModelConfig, budgets: Budgets, plan: UptrainPlan, processes: number): number {
  const { sequenceLength, uptrainBatch: batch, distilBatch } = budgets;
  const { layers, logits } = stepBytes(config, sequenceLength);
  const task = PROCESS_BYTES + distilBatch * sequenceLength * (Math.max(...layers) + logits);
  const uptraining = uptrainBytes(config, { sequenceLength, batch, ...plan });
  return Math.max(uptraining, PROCESS_BYTES + processes * task);
}

/** Bytes that a search leaves in its run directory. */
export function runDirectoryBytes(config: ModelConfig, variants: readonly LayerVariants[], budgets: Budgets): number {
  const { calibrationTokens, scoreTokens, testTokens, uptrainTokens, sequenceLength, cacheBytes } = budgets;
  const options = { weights: 'F32', context: sequenceLength } as const;
  // The stream before the first layer, and in the middle and at the end of each.
  const states = 2 * config.layers.length + 1;
  const cached = (calibrationTokens + scoreTokens) * states * config.hiddenSize * F16;
  const activations = Math.min(cacheBytes, cached) + testTokens * states * config.hiddenSize * F16;
  const tokens = (Math.max(calibrationTokens, uptrainTokens) + scoreTokens + testTokens) * Int32Array.BYTES_PER_ELEMENT;
  const trained = variants.flatMap(({ attention, ffn }) => [
    ...attention.slice(1).map(({ shape }) => attentionCosts(config, shape, options).weightBytes),
    ...ffn.slice(1).map(({ shape }) => ffnCosts(config, shape, options).weightBytes),
  ]);
  const moments = config.layers.reduce((sum, layer) => sum + momentsBytes(config, layer), 0);
  const library = trained.reduce((sum, bytes) => sum + bytes, 0);
  const { parameters } = modelCosts(config, options);
  return (
    activations +
    tokens +
    moments +
    library +
    parameters * (STORED_BYTES + CHILD_COPIES * BYTES_PER_VALUE[config.dtype])
  );
}

/** Of both halves of a layer, of training and held-out text: Gram matrices and what is beside them. */
function momentsBytes({ hiddenSize }: ModelConfig, { ffn }: LayerShape): number {
  const width = ffn.kind === 'gated' && ffn.width <= MAX_GRAM_WIDTH ? ffn.width : 0;
  return 2 * F64 * (4 * hiddenSize ** 2 + width * (width + hiddenSize));
}
