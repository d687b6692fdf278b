import { availableParallelism, cpus } from 'node:os';
import type { GgufPrecision } from '../../formats/gguf-tensor.js';
import type { LayerShape, ModelConfig } from '../../formats/hf-config.js';
import type { Timings } from '../interleave.js';
import {
  chainLength,
  type Engine,
  type MeasureOptions,
  MIN_ROUNDS,
  type Part,
  partTiming,
  type PartTiming,
  perLayer,
  referenceLayer,
  ROUNDS,
} from '../onnxruntime.js';
import { findLlamaCpp } from './addon.js';
import { timeRandomModels } from './time-models.js';

/** Changes with every change below that makes timings incomparable with earlier ones. */
const METHOD = 2;
/** Layers of one part in a row; fewer than for ONNX Runtime, since every model has its weights in memory. */
const CHAIN = 4;
/** So few tokens that embedding and head do not drown what is in between. */
const VOCABULARY = 32;

/** Attention can be timed with an FFN alone: this one takes next to nothing. */
const FILLER = { kind: 'gated', width: 32 } as const;
/** What every model begins and ends with: llama.cpp wants heads in the first layer, and does less in the last. */
const STEM: LayerShape = { attention: { kind: 'gqa', kvHeads: 1 }, ffn: FILLER };

/** Throws InputError where llama.cpp is not installed. */
export function llamaCppEngine(threads = availableParallelism(), precision: GgufPrecision = 'f32'): Engine {
  const cpu = cpus()[0]?.model ?? 'unknown processor';
  return { name: 'llama.cpp', version: findLlamaCpp().version, cpu, threads, method: METHOD, precision };
}

/**
 * Times parts of a model in llama.cpp, with random weights.
 *
 * A part's time is the difference between two models, per layer: one that has a few layers of it and one that has not. An
 * attention comes with a small FFN, for without one llama.cpp loses it, minus as many layers of that FFN alone. All models
 * share a first and a last layer, so that what llama.cpp does once (and what it spares in its last layer: see
 * `libraryCosts`) is in none of the differences. The `non-block` part is what is left of a model with the real vocabulary
 * when its layers are taken off: embedding, head, and everything that a pass costs anyway. All models take turns, round
 * after round, and times are stored relative to a reference layer's of the same rounds.
 */
export async function timePartsInLlamaCpp(
  config: ModelConfig,
  parts: readonly Part[],
  { workload, threads, seconds, beforeRound, precision }: MeasureOptions & { precision: GgufPrecision },
): Promise<PartTiming[]> {
  const reference = referenceLayer(config);
  const copies = Math.min(CHAIN, chainLength(config, reference, workload));
  const chain = (layer?: LayerShape, vocabSize = VOCABULARY): ModelConfig => {
    const between = layer === undefined ? [] : Array.from({ length: copies }, () => layer);
    return { ...config, attentionBias: false, mlpBias: false, vocabSize, layers: [STEM, ...between, STEM] };
  };
  const filler: LayerShape = { attention: { kind: 'no-op' }, ffn: FILLER };
  const partModels = parts.map((part) => {
    switch (part.half) {
      case 'attention':
        return chain({ attention: part.shape, ffn: FILLER });
      case 'ffn':
        return chain({ attention: { kind: 'no-op' }, ffn: part.shape });
      case 'non-block':
        return chain(undefined, config.vocabSize);
    }
  });
  const models = [chain(), chain(reference), chain(filler), chain(STEM), ...partModels];
  const [stems, whole, fillers, stemmed, ...timed] = await timeRandomModels(models, {
    ...{ workload, threads, precision, seconds, rounds: ROUNDS, minRounds: MIN_ROUNDS },
    ...(beforeRound === undefined ? {} : { beforeRound }),
  });
  if (!stems || !whole || !fillers || !stemmed) throw new Error('nothing was timed');
  const ofStem = perLayer(stemmed, stems, copies);
  const ofFiller = perLayer(fillers, stems, copies);
  const own = (part: Part, timings: Timings): Timings => {
    switch (part.half) {
      case 'attention':
        return perLayer(timings, fillers, copies);
      case 'ffn':
        return perLayer(timings, stems, copies);
      case 'non-block':
        return withoutStems(timings, ofStem, ofFiller);
    }
  };
  const ofReference = perLayer(whole, stems, copies);
  return parts.map((part, i) => partTiming(own(part, timed[i] ?? stems), ofReference));
}

/** The last stem's FFN reads one token of each prompt: in a prefill it takes what a decode step takes. */
function withoutStems(timings: Timings, stem: Timings, filler: Timings): Timings {
  const at = (values: readonly number[], round: number) => values[round] ?? 0;
  return {
    prefill: timings.prefill.map(
      (seconds, i) => seconds - 2 * at(stem.prefill, i) + at(filler.prefill, i) - at(filler.decode, i),
    ),
    decode: timings.decode.map((seconds, i) => seconds - 2 * at(stem.decode, i)),
  };
}
