import type { Workload } from '../model/accounting.js';

/** What a part of a model takes of every run over a batch; parts add up. */
export interface Runtime {
  /** Seconds of one pass over the prompts of the whole batch. */
  prefillSeconds: number;
  /** Seconds of one decode step: a new token for every sequence of the batch. */
  decodeSeconds: number;
}

/** Tokens that a workload handles, read and generated. */
export function workloadTokens({ batch, prefill, generated }: Workload): number {
  return batch * (prefill + generated);
}

/** Seconds of the whole workload: one prefill, then a decode step for each generated token. */
export function runtimeSeconds({ generated }: Workload, { prefillSeconds, decodeSeconds }: Runtime): number {
  return prefillSeconds + generated * decodeSeconds;
}

/** The paper's throughput: all tokens of the workload, read and generated, per second. */
export function throughput(workload: Workload, seconds: number): number {
  return workloadTokens(workload) / seconds;
}
