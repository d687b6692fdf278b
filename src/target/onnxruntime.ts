import { availableParallelism, cpus } from 'node:os';
import type { GgufPrecision } from '../formats/gguf-tensor.js';
import type { AttentionShape, FfnShape, LayerShape, ModelConfig } from '../formats/hf-config.js';
import type { Device } from '../common/devices.js';
import { ENGINE_VERSION } from '../graph/engine.js';
import { layerCosts, memoryBytes, type Workload } from '../model/accounting.js';
import { type TimedModel, timeInterleaved, type Timings } from './interleave.js';
import { median, type Quartiles, quartiles } from './quartiles.js';
import { randomWeights } from './random-weights.js';
import type { Runtime } from './workload.js';

/** What is timed: a subblock, alone in its layer, or everything of a model that is in no layer. */
export type Part =
  { half: 'attention'; shape: AttentionShape } | { half: 'ffn'; shape: FfnShape } | { half: 'non-block' };

/** What one part takes, as often as the reference layer timed beside it. */
export interface PartTiming {
  prefill: Quartiles;
  decode: Quartiles;
  /** The medians of the reference layer at the time. */
  reference: Runtime;
  rounds: number;
}

export interface MeasureOptions {
  workload: Workload;
  threads: number;
  /** Default: the CPU. */
  device?: Device | undefined;
  /** For the rounds of all parts together. */
  seconds: number;
  beforeRound?: () => Promise<void>;
}

/** Everything about the machine and the method that a timing depends on. */
export interface Engine {
  name: 'onnxruntime' | 'llama.cpp';
  version: string;
  cpu: string;
  threads: number;
  /** Where it is not the CPU. */
  device?: Exclude<Device, 'cpu'>;
  /** Of the weights, where the engine has a choice. */
  precision?: GgufPrecision;
  method: number;
}

/** Changes with every change below that makes timings incomparable with earlier ones. */
const METHOD = 2;
export const ROUNDS = 21;
export const MIN_ROUNDS = 5;
/** Layers of one part in a row: as in a real model, no copy finds its weights or its cache where the last one left them. */
const CHAIN = 8;
/** Weights and KV cache of a chain; larger layers get a shorter one. */
const MAX_CHAIN_BYTES = 128 * 2 ** 20;
const SEED = 1;

export function onnxruntimeEngine(threads = availableParallelism(), device: Device = 'cpu'): Engine {
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  const engine: Engine = { name: 'onnxruntime', version: ENGINE_VERSION, cpu, threads, method: METHOD };
  return device === 'cpu' ? engine : { ...engine, device };
}

/** The layer that all parts of a model are timed against: the parent's largest attention with its largest FFN. */
export function referenceLayer({ layers, heads, hiddenSize }: ModelConfig): LayerShape {
  const kvHeads = layers.map(({ attention }) => (attention.kind === 'gqa' ? attention.kvHeads : 0));
  const widths = layers.map(({ ffn }) => (ffn.kind === 'gated' ? ffn.width : 0));
  return {
    attention: { kind: 'gqa', kvHeads: Math.max(...kvHeads) || heads },
    ffn: { kind: 'gated', width: Math.max(...widths) || hiddenSize },
  };
}

/** Everything about a model that the timing of `part` depends on, for the key of a stored row. */
export function timingInputs(config: ModelConfig, part: Part, workload: Workload, engine: Engine): unknown {
  const { hiddenSize, heads, headDim, attentionBias, mlpBias } = config;
  return {
    ...{ part, workload, engine, hiddenSize, heads, headDim, attentionBias, mlpBias },
    reference: referenceLayer(config),
    vocabSize: part.half === 'non-block' ? config.vocabSize : undefined,
  };
}

/**
 * Times parts of a model on this machine, with random weights, in the decode loop that serves whole models.
 *
 * A subblock is timed as a model of a few layers that have nothing else, minus a model without layers, per layer. Both
 * have a vocabulary of one token, so that embedding and head do not drown what is in between. The real vocabulary
 * without layers is the `non-block` part; it includes what every run costs. All parts, the empty model and a reference
 * layer take turns round after round, and a part's time is stored relative to the reference layer's of the same round: the
 * machine's drift meets both.
 */
export async function timeParts(
  config: ModelConfig,
  parts: readonly Part[],
  { workload, threads, device, seconds, beforeRound }: MeasureOptions,
): Promise<PartTiming[]> {
  const reference = referenceLayer(config);
  const copies = chainLength(config, reference, workload);
  const chain = (layer: LayerShape | undefined) => chainModel(config, layer, copies);
  const models = [chain(undefined), chain(reference), ...parts.map((part) => partModel(config, part, chain))];
  const [empty, whole, ...timed] = await timeInterleaved(models, {
    ...{ workload, threads, device, seconds, rounds: ROUNDS, minRounds: MIN_ROUNDS },
    ...(beforeRound === undefined ? {} : { beforeRound }),
  });
  if (empty === undefined || whole === undefined) throw new Error('nothing was timed');
  const perCopy = perLayer(whole, empty, copies);
  return parts.map((part, i) => {
    const timings = timed[i] ?? empty;
    return partTiming(part.half === 'non-block' ? timings : perLayer(timings, empty, copies), perCopy);
  });
}

/** What a part took, by what the reference layer took in the same rounds. */
export function partTiming(own: Timings, reference: Timings): PartTiming {
  return {
    prefill: relative(own.prefill, reference.prefill),
    decode: relative(own.decode, reference.decode),
    reference: { prefillSeconds: median(reference.prefill), decodeSeconds: median(reference.decode) },
    rounds: own.prefill.length,
  };
}

/** Copies of a layer in a row, so many that they are timed well and fit in memory. */
export function chainLength(config: ModelConfig, layer: LayerShape, workload: Workload): number {
  const context = workload.prefill + workload.generated;
  const bytes = memoryBytes(layerCosts(config, layer, { weights: 'F32', context }), workload);
  return Math.max(1, Math.min(CHAIN, Math.floor(MAX_CHAIN_BYTES / bytes)));
}

function chainModel(config: ModelConfig, layer: LayerShape | undefined, copies: number): TimedModel {
  const layers = layer === undefined ? [] : Array.from({ length: copies }, () => layer);
  const chained = { ...config, vocabSize: 1, layers };
  return { config: chained, weights: randomWeights(chained, SEED) };
}

function partModel(config: ModelConfig, part: Part, chain: (layer: LayerShape) => TimedModel): TimedModel {
  switch (part.half) {
    case 'attention':
      return chain({ attention: part.shape, ffn: { kind: 'no-op' } });
    case 'ffn':
      return chain({ attention: { kind: 'no-op' }, ffn: part.shape });
    case 'non-block': {
      const bare = { ...config, layers: [] };
      return { config: bare, weights: randomWeights(bare, SEED) };
    }
  }
}

/** Round by round, the seconds of each of `copies` layers that one model has and another has not. */
export function perLayer(whole: Timings, empty: Timings, copies: number): Timings {
  const each = (kind: keyof Timings) =>
    whole[kind].map((seconds, round) => (seconds - (empty[kind][round] ?? 0)) / copies);
  return { prefill: each('prefill'), decode: each('decode') };
}

/** A clock that ticks in nanoseconds cannot tell less from nothing. */
const LEAST_SECONDS = 1e-9;

/** Round by round; noise that makes a cheap part seem to take less than nothing counts as nothing. */
function relative(own: readonly number[], reference: readonly number[]): Quartiles {
  return quartiles(own.map((seconds, round) => Math.max(0, seconds) / Math.max(LEAST_SECONDS, reference[round] ?? 0)));
}
