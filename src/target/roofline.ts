import type { ModelConfig } from '../formats/hf-config.js';
import {
  attentionCosts,
  BYTES_PER_VALUE,
  type Costs,
  ffnCosts,
  nonBlockCosts,
  type Precision,
  type Workload,
} from '../model/accounting.js';
import { flopsAt, type Hardware } from './hardware.js';
import type { Part } from './onnxruntime.js';
import type { Runtime } from './workload.js';

/** The machine that a model is planned for. */
export interface Machine {
  hardware: Hardware;
  /** Devices that share every layer (tensor parallel). */
  devices: number;
  weights: Precision;
  kvCache: Precision;
}

/** What is reached of the published peaks, and what every subblock takes whatever its size. */
export interface Calibration {
  /** Share of the published operations per second. */
  compute: number;
  /** Share of the published bytes per second. */
  bandwidth: number;
  /** Seconds of a subblock in every pass: launches, synchronisation, scheduling. */
  overheadSeconds: number;
}

/**
 * Least squares of the logarithms of the published throughputs of Llama-3.1-70B and its Puzzle child on H100 (paper, table
 * 2): `npm run targets` fits them and writes docs/targets.md. Elsewhere the same shares are assumed.
 */
export const CALIBRATION: Calibration = { compute: 0.62, bandwidth: 0.71, overheadSeconds: 84e-6 };

/** What passes from device to device, whatever the weights are stored as. */
const ACTIVATIONS: Precision = 'BF16';

/**
 * Seconds of one part of a model by a roofline: each operation takes as long as its arithmetic at the reachable rate, or as
 * reading its weights and its KV cache, whichever is longer; every subblock adds an overhead. Prefill is one pass over all
 * prompts, whose tokens attend to half of the prompt on average; a decode step attends to the prompt and half of what is
 * generated. Among several devices each subblock ends in a ring all-reduce of 2 (n - 1) / n of the activations.
 */
export function rooflineRuntime(
  config: ModelConfig,
  part: Part,
  machine: Machine,
  workload: Workload,
  calibration: Calibration = CALIBRATION,
): Runtime {
  const { batch, prefill, generated } = workload;
  if (part.half !== 'non-block' && part.shape.kind === 'no-op') return { prefillSeconds: 0, decodeSeconds: 0 };
  const costs = partCosts(config, part, machine);
  const attends = part.half === 'attention' && part.shape.kind === 'gqa';
  const seconds = (pass: Pass) => passSeconds(config, costs, attends, pass, machine, calibration);
  const isHead = part.half === 'non-block';
  return {
    // Only the last token of a prompt goes through the head.
    prefillSeconds: seconds({ sequences: batch, tokens: isHead ? 1 : prefill, context: prefill / 2, cached: prefill }),
    decodeSeconds:
      generated === 0
        ? 0
        : seconds({ sequences: batch, tokens: 1, context: prefill + generated / 2, cached: prefill + generated / 2 }),
  };
}

/** One forward pass. */
interface Pass {
  sequences: number;
  /** Of each sequence. */
  tokens: number;
  /** Positions that a token attends to on average. */
  context: number;
  /** Positions of a sequence whose keys and values are read. */
  cached: number;
}

/** Without what attention does over its context. */
function partCosts(config: ModelConfig, part: Part, { weights, kvCache }: Machine): Costs {
  const options = { weights, kvCache, context: 0 };
  switch (part.half) {
    case 'attention':
      return attentionCosts(config, part.shape, options);
    case 'ffn':
      return ffnCosts(config, part.shape, options);
    case 'non-block': {
      // Of the embedding a few rows are read, of the head all.
      const head = config.vocabSize * config.hiddenSize;
      return { ...nonBlockCosts(config, options), weightBytes: head * BYTES_PER_VALUE[weights] };
    }
  }
}

function passSeconds(
  { heads, headDim, hiddenSize }: ModelConfig,
  { flopsPerToken, weightBytes, kvBytesPerToken }: Costs,
  attends: boolean,
  { sequences, tokens, context, cached }: Pass,
  { hardware, devices, weights }: Machine,
  { compute, bandwidth, overheadSeconds }: Calibration,
): number {
  const all = sequences * tokens;
  const operation = (flops: number, bytes: number) =>
    Math.max(
      flops / (devices * compute * flopsAt(hardware, weights)),
      bytes / (devices * bandwidth * hardware.bandwidth),
    );
  const products = operation(flopsPerToken * all, weightBytes);
  // Scores and weighted values: each a multiply-add per query head, dimension and position.
  const attention = attends ? operation(4 * heads * headDim * context * all, kvBytesPerToken * cached * sequences) : 0;
  const exchanged = ((2 * (devices - 1)) / devices) * all * hiddenSize * BYTES_PER_VALUE[ACTIVATIONS];
  return products + attention + exchanged / (hardware.link ?? Infinity) + overheadSeconds;
}
