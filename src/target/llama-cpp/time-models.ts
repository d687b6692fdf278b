import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import type { GgufPrecision } from '../../formats/gguf-tensor.js';
import type { ModelConfig } from '../../formats/hf-config.js';
import type { Workload } from '../../model/accounting.js';
import { repeatRounds, type RoundOptions, type Timings } from '../interleave.js';
import { LlamaCpp } from './client.js';
import { writeRandomGguf } from './random-gguf.js';

export interface LlamaTimingOptions extends RoundOptions {
  workload: Workload;
  threads: number;
  precision: GgufPrecision;
}

/** Runs `work` with a folder that is gone afterwards. */
export async function inScratch<T>(work: (dir: string) => Promise<T>): Promise<T> {
  const dir = await mkdtemp(join(tmpdir(), 'puzzle-gguf-'));
  try {
    return await work(dir);
  } finally {
    await rm(dir, { recursive: true, force: true });
  }
}

/** Runs `work` with llama.cpp in a process of its own, which ends with it. */
export async function withLlamaCpp<T>(work: (llama: LlamaCpp) => Promise<T>): Promise<T> {
  const llama = LlamaCpp.start();
  try {
    return await work(llama);
  } finally {
    await llama.end();
  }
}

/**
 * Times models of random weights in llama.cpp, with its default KV cache and attention, on batched sequences of random
 * tokens: in each round every model in turn. A first round is not counted.
 */
export function timeRandomModels(configs: readonly ModelConfig[], options: LlamaTimingOptions): Promise<Timings[]> {
  const { workload, threads, precision } = options;
  const { batch, prefill, generated } = workload;
  const room = { sequences: batch, capacity: prefill + generated, threads, exact: false };
  return inScratch((dir) =>
    withLlamaCpp(async (llama) => {
      const models: number[] = [];
      for (const [i, config] of configs.entries()) {
        const file = join(dir, `${i}.gguf`);
        await writeRandomGguf(config, file, precision);
        models.push(await llama.ask('open', { file, ...room }));
      }
      const vocabSize = Math.min(...configs.map((config) => config.vocabSize));
      const once = () => llama.ask('round', { models, lengths: workload, vocabSize });
      const timings = configs.map((): Timings => ({ prefill: [], decode: [] }));
      await once();
      await repeatRounds(options, async () => {
        for (const [i, seconds] of (await once()).entries()) {
          timings[i]?.prefill.push(seconds.prefill);
          timings[i]?.decode.push(seconds.decode);
        }
      });
      return timings;
    }),
  );
}
