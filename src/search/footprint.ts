import type { LayerShape, ModelConfig } from '../formats/hf-config.js';
import { attentionCosts, BYTES_PER_VALUE, ffnCosts, modelCosts } from '../model/accounting.js';
import { MAX_GRAM_WIDTH } from '../model/least-squares.js';
import type { LayerVariants } from '../model/variants.js';
import type { Budgets } from './context.js';

// What a search takes of the machine: estimates, before it begins. The child is taken to be as large as the parent.

const F32 = 4;
const F16 = 2;
const F64 = 8;
/** A process with the runtime loaded, and what it keeps beside the tensors of a step. */
const PROCESS_BYTES = 250 * 2 ** 20;
/** Values that a training step keeps of every token: multiples of the sizes they grow with, found by measuring. */
const KEPT = { perScore: 3, perChannel: 6, perHidden: 14, perLogit: 16 };
/** Of every trained value: two sets of itself and two moments, and the best so far. */
const TRAINED_BYTES = (2 * 3 + 1) * F32;
/** What is stored of it between validations: itself, two moments and the best, while the one before is still there. */
const STORED_BYTES = 2 * 4 * F32;
/** The child as assembled, as uptrained, and as exported. */
const CHILD_COPIES = 3;

/** Bytes that a training step keeps of one token: of each layer, and of the logits. */
export function stepBytes(config: ModelConfig, sequenceLength: number): { layers: number[]; logits: number } {
  const { perScore, perChannel, perHidden, perLogit } = KEPT;
  const layers = config.layers.map(({ ffn }) => {
    const channels = ffn.kind === 'gated' ? ffn.width : 0;
    return F32 * (perScore * config.heads * sequenceLength + perChannel * channels + perHidden * config.hiddenSize);
  });
  return { layers, logits: F32 * perLogit * config.vocabSize };
}

/** Bytes of memory at the peak of a search: uptraining in one process, or small tasks in several. */
export function peakMemoryBytes(config: ModelConfig, budgets: Budgets, processes: number): number {
  const { sequenceLength, uptrainBatch, distilBatch } = budgets;
  const { layers, logits } = stepBytes(config, sequenceLength);
  const whole = layers.reduce((sum, bytes) => sum + bytes, logits);
  const { parameters } = modelCosts(config, { weights: 'F32', context: sequenceLength });
  const uptraining = PROCESS_BYTES + (TRAINED_BYTES + F32) * parameters + uptrainBatch * sequenceLength * whole;
  const task = PROCESS_BYTES + distilBatch * sequenceLength * (Math.max(...layers) + logits);
  return Math.max(uptraining, PROCESS_BYTES + processes * task);
}

/** Bytes that a search leaves in its run directory. */
export function runDirectoryBytes(config: ModelConfig, variants: readonly LayerVariants[], budgets: Budgets): number {
  const { calibrationTokens, scoreTokens, testTokens, uptrainTokens, sequenceLength } = budgets;
  const options = { weights: 'F32', context: sequenceLength } as const;
  // The stream before the first layer, and in the middle and at the end of each.
  const states = 2 * config.layers.length + 1;
  const activations = (calibrationTokens + scoreTokens + testTokens) * states * config.hiddenSize * F16;
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
