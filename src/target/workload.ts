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

/** Tokens that a workload generates, without those that it reads. */
export function generatedTokens({ batch, generated }: Workload): number {
  return batch * generated;
}

/** Seconds of the whole workload: one prefill, then a decode step for each generated token. */
export function runtimeSeconds({ generated }: Workload, { prefillSeconds, decodeSeconds }: Runtime): number {
  return prefillSeconds + generated * decodeSeconds;
}

/** The paper's throughput: all tokens of the workload, read and generated, per second. */
export function throughput(workload: Workload, seconds: number): number {
  return workloadTokens(workload) / seconds;
}

/** One of several kinds of requests, and how common it is beside the others. */
export interface RequestKind {
  weight: number;
  prefill: number;
  generated: number;
}

/** What a target is to serve: one kind of request or a mixture of several, in a batch of this size or one of these. */
export interface Service {
  batch: number | readonly number[];
  prefill: number;
  generated: number;
  /** In place of `prefill` and `generated`. */
  mix?: readonly RequestKind[] | undefined;
}

/** The batch sizes to choose from, each once, the smallest first. */
export function batchSizes({ batch }: Service): number[] {
  return [...new Set([batch].flat())].sort((a, b) => a - b);
}

/** What is to be timed at one batch size, with shares that add up to 1. */
export function workloadKinds(
  { prefill, generated, mix }: Service,
  batch: number,
): { share: number; workload: Workload }[] {
  const kinds = mix ?? [{ weight: 1, prefill, generated }];
  const total = kinds.reduce((sum, { weight }) => sum + weight, 0);
  return kinds.map((kind) => ({
    share: kind.weight / total,
    workload: { batch, prefill: kind.prefill, generated: kind.generated },
  }));
}

/**
 * The workload that a mixture comes to: a batch of which each kind has its share. Tokens, KV cache and seconds are linear in
 * the shares, so that what is said of the mean holds for the mixture.
 */
export function meanWorkload(service: Service, batch: number): Workload {
  const kinds = workloadKinds(service, batch);
  const mean = (key: 'prefill' | 'generated') =>
    kinds.reduce((sum, { share, workload }) => sum + share * workload[key], 0);
  return { batch, prefill: mean('prefill'), generated: mean('generated') };
}

/** In whole tokens, at least one of prompt: what a machine can be given. */
export function wholeWorkload({ batch, prefill, generated }: Workload): Workload {
  return { batch, prefill: Math.max(1, Math.round(prefill)), generated: Math.round(generated) };
}

/** The runtime of a mixture, of each kind's by its share: what a decode step takes on average, counted by steps. */
export function meanRuntime(kinds: readonly { share: number; workload: Workload; runtime: Runtime }[]): Runtime {
  const sum = (of: (kind: (typeof kinds)[number]) => number) => kinds.reduce((total, kind) => total + of(kind), 0);
  const steps = sum(({ share, workload }) => share * workload.generated);
  const decoding = sum(({ share, workload, runtime }) => share * workload.generated * runtime.decodeSeconds);
  return {
    prefillSeconds: sum(({ share, runtime }) => share * runtime.prefillSeconds),
    decodeSeconds: steps === 0 ? 0 : decoding / steps,
  };
}
