import type { Workload } from '../../model/accounting.js';
import { alternate, type Speedup, type SpeedupOptions } from '../speedup.js';
import { runtimeSeconds } from '../workload.js';
import { withLlamaCpp } from './time-models.js';

/**
 * Measures parent and child in llama.cpp, with its default KV cache and attention, on batched sequences of random tokens, in
 * alternating pairs after one warm-up each. Prefill and decode step are timed as they are for the costs of parts.
 *
 * @param files GGUF files of parent and child
 * @param vocabSize of the smaller vocabulary: tokens are drawn from these
 */
export function measureSpeedupInLlamaCpp(
  files: { parent: string; child: string },
  vocabSize: number,
  workload: Workload,
  options: SpeedupOptions,
): Promise<Speedup> {
  const { batch, prefill, generated } = workload;
  const room = { sequences: batch, capacity: prefill + generated, threads: options.threads, exact: false };
  return withLlamaCpp(async (llama) => {
    const served = async (file: string) => {
      const model = await llama.ask('open', { file, ...room });
      return async (): Promise<number> => {
        const [seconds] = await llama.ask('round', { models: [model], lengths: workload, vocabSize });
        if (seconds === undefined) throw new Error('nothing was timed');
        return runtimeSeconds(workload, { prefillSeconds: seconds.prefill, decodeSeconds: seconds.decode });
      };
    };
    return alternate(await served(files.parent), await served(files.child), workload, options);
  });
}
