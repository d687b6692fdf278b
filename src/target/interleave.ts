import { Random } from '../common/random.js';
import type { ModelConfig } from '../formats/hf-config.js';
import type { Device } from '../common/devices.js';
import type { Workload } from '../model/accounting.js';
import type { Weights } from '../model/blocks.js';
import { Decoder } from '../model/decoder.js';
import { median } from './quartiles.js';

export interface TimedModel {
  config: ModelConfig;
  weights: Weights;
}

export interface RoundOptions {
  /** Rounds wanted. */
  rounds: number;
  /** Rounds made even where `seconds` are over. */
  minRounds: number;
  /** No further round is begun after so many seconds of rounds. */
  seconds: number;
  /** May wait, while the run is paused, or throw. */
  beforeRound?: () => Promise<void>;
}

export interface TimingOptions extends RoundOptions {
  workload: Workload;
  /** Threads inside an operator. */
  threads: number;
  /** Default: the CPU. */
  device?: Device | undefined;
}

/** Seconds of one model, a number per round; the same round of several models is the same moment. */
export interface Timings {
  /** One prefill of the whole batch. */
  prefill: number[];
  /** One decode step, the median of a few; 0 where the workload generates nothing. */
  decode: number[];
}

/** Decode steps timed in a round: enough for a median, few enough for many rounds. */
export const STEPS_PER_ROUND = 16;

/**
 * Times models through the decode loop that serves them, KV cache update included, on prompts of random tokens: in each
 * round every model in turn, so that whatever else the machine does meets them all alike. A first round is not counted.
 */
export async function timeInterleaved(models: readonly TimedModel[], options: TimingOptions): Promise<Timings[]> {
  const { workload, threads, device } = options;
  const capacity = workload.prefill + workload.generated;
  const subjects = models.map(({ config, weights }) => {
    const decoder = new Decoder(config, weights, { batch: workload.batch, capacity, threads, device });
    const timings: Timings = { prefill: [], decode: [] };
    return { decoder, prompt: randomPrompt(config.vocabSize, workload), timings };
  });
  const steps = Math.min(workload.generated, STEPS_PER_ROUND);
  try {
    for (const { decoder, prompt } of subjects) await timeOnce(decoder, prompt, steps);
    await repeatRounds(options, async () => {
      for (const { decoder, prompt, timings } of subjects) {
        const { prefill, decode } = await timeOnce(decoder, prompt, steps);
        timings.prefill.push(prefill);
        timings.decode.push(decode);
      }
    });
    return subjects.map(({ timings }) => timings);
  } finally {
    for (const { decoder } of subjects) await decoder.release();
  }
}

/** Rounds, as many as are wanted and there is time for. */
export async function repeatRounds(
  { rounds, minRounds, seconds, beforeRound }: RoundOptions,
  once: () => Promise<void>,
): Promise<void> {
  const start = performance.now();
  for (let round = 0; round < rounds; round++) {
    if (round >= minRounds && performance.now() - start >= 1000 * seconds) return;
    await beforeRound?.();
    await once();
  }
}

async function timeOnce(
  decoder: Decoder,
  prompt: readonly number[],
  steps: number,
): Promise<{ prefill: number; decode: number }> {
  const start = performance.now();
  let next = await decoder.prefill(prompt);
  const prefill = performance.now() - start;
  const decode: number[] = [];
  for (let step = 0; step < steps; step++) {
    const from = performance.now();
    next = await decoder.step(next);
    decode.push(performance.now() - from);
  }
  return { prefill: prefill / 1000, decode: steps === 0 ? 0 : median(decode) / 1000 };
}

function randomPrompt(vocabSize: number, { batch, prefill }: Workload): number[] {
  const random = Random.of(1, 'prompt');
  return Array.from({ length: batch * prefill }, () => random.below(vocabSize));
}
