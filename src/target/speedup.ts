import { Random } from '../common/random.js';
import type { Device } from '../common/devices.js';
import type { Workload } from '../model/accounting.js';
import { Decoder } from '../model/decoder.js';
import type { ModelFiles } from '../model/hidden-states.js';
import { checkpointWeights } from '../model/weights.js';
import { type Quartiles, quartiles } from './quartiles.js';
import { throughput } from './workload.js';

/** The workloads a child's speed-up is told at, beside the one it was made for. */
export const FURTHER_WORKLOADS: readonly Workload[] = [
  { batch: 32, prefill: 128, generated: 0 },
  { batch: 32, prefill: 128, generated: 1024 },
  { batch: 1, prefill: 128, generated: 128 },
];

export interface SpeedupOptions {
  /** Threads inside an operator. */
  threads: number;
  /** Default: the CPU. */
  device?: Device | undefined;
  /** Timings of parent and child, one after the other. */
  pairs: number;
  /** Called before every pair with the number of those done; may wait, or throw to stop. */
  beforePair?: (done: number) => void | Promise<void>;
}

/** Total tokens, prompt and generated, per second; the ratio child / parent within each pair. */
export interface Speedup {
  workload: Workload;
  threads: number;
  /** Absent: the CPU. */
  device?: Device;
  /** Pairs measured. */
  n: number;
  parentTokensPerSecond: Quartiles;
  childTokensPerSecond: Quartiles;
  /** Median ratio, and its quartiles. */
  speedup: number;
  speedupLow: number;
  speedupHigh: number;
}

/**
 * Measures parent and child through the same decode loop, KV cache included, in alternating pairs after one warm-up
 * each. Every token counted has gone through the model: the prompt in one pass, each generated token in a step.
 */
export async function measureSpeedup(
  parent: ModelFiles,
  child: ModelFiles,
  workload: Workload,
  options: SpeedupOptions,
): Promise<Speedup> {
  const runs = [new DecodeRun(parent, workload, options), new DecodeRun(child, workload, options)] as const;
  try {
    return await alternate(
      () => runs[0].time(),
      () => runs[1].time(),
      workload,
      options,
    );
  } finally {
    for (const run of runs) await run.release();
  }
}

/** Compares two models, of which each function serves the workload once and tells the seconds, in alternating pairs. */
export async function alternate(
  parent: () => Promise<number>,
  child: () => Promise<number>,
  workload: Workload,
  { threads, device, pairs, beforePair }: SpeedupOptions,
): Promise<Speedup> {
  const [parentRates, childRates]: [number[], number[]] = [[], []];
  // A warm-up.
  await parent();
  await child();
  for (let pair = 0; pair < pairs; pair++) {
    await beforePair?.(pair);
    parentRates.push(throughput(workload, await parent()));
    childRates.push(throughput(workload, await child()));
  }
  const ratio = quartiles(childRates.map((rate, i) => rate / (parentRates[i] ?? NaN)));
  return {
    workload,
    threads,
    ...(device === undefined ? {} : { device }),
    n: pairs,
    parentTokensPerSecond: quartiles(parentRates),
    childTokensPerSecond: quartiles(childRates),
    speedup: ratio.median,
    speedupLow: ratio.low,
    speedupHigh: ratio.high,
  };
}

/** One model decoding one workload, again and again. */
class DecodeRun {
  private readonly decoder: Decoder;
  private readonly prompt: number[];

  constructor(
    { config, checkpoint }: ModelFiles,
    private readonly workload: Workload,
    { threads, device }: SpeedupOptions,
  ) {
    const { batch, prefill, generated } = workload;
    const options = { batch, capacity: prefill + generated, threads, device };
    this.decoder = new Decoder(config, checkpointWeights(checkpoint), options);
    const random = Random.of(0, 'prompt');
    this.prompt = Array.from({ length: batch * prefill }, () => random.below(config.vocabSize));
  }

  /** Seconds of the whole workload. */
  async time(): Promise<number> {
    await this.decoder.prepare(this.workload.prefill);
    const start = performance.now();
    let next = await this.decoder.prefill(this.prompt);
    for (let i = 0; i < this.workload.generated; i++) next = await this.decoder.step(next);
    return (performance.now() - start) / 1000;
  }

  async release(): Promise<void> {
    await this.decoder.release();
  }
}
