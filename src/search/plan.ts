import { memoryBytes, modelCosts, nonBlockCosts } from '../model/accounting.js';
import { HALVES } from '../model/names.js';
import type { LayerVariants, Variant } from '../model/variants.js';
import type { Stage } from '../run/events.js';
import { batchSizes } from '../target/workload.js';
import { type Model, type SearchContext, timedWorkload } from './context.js';
import { stepBytes } from './footprint.js';
import type { Spec } from './spec.js';

// How long a search takes, before it begins. Two things take time: arithmetic, and moving what it works on through
// memory, which weighs more the smaller a model is. The rates are such that searches of 260,000 and of 4 million
// parameters come out about right on two ordinary cores. Only progress and ETA depend on any of this.

const FLOPS_PER_CORE = 100e9;
const BYTES_PER_CORE = 2.5e9;
/** A training step costs about three forward passes; of what it moves, one moves about a third. */
const TRAINING = 3;
/** Shares of the parent's work that fall to a variant in training, a variant being scored, and the child. */
const VARIANT_SHARE = 0.7;
const TAIL_SHARE = 0.55;
const CHILD_SHARE = 0.6;
/** Of one small task: its graph is built and compiled, its activations are read. */
const SECONDS_PER_TASK = 0.25;
/** Architectures are measured on half of the scored tokens, and are smaller than the parent. */
const SEARCHED_SHARE = 0.4;
/** Pairs of a layer that near-optimal solutions use. */
const USED_PAIRS = 3;
const SECONDS_PER_MEASURED_ROW = 3.5;
/** Of the text of a task: bytes that make a token, and how often a context is read, for its several choices. */
const BYTES_PER_TOKEN = 4;
const READINGS = 1.3;

/** What the time of a search depends on, beside the variants. */
export interface Plan extends Pick<SearchContext, 'budgets' | 'threads'> {
  spec: Pick<Spec, 'target' | 'distil' | 'search' | 'evaluate'>;
  parent: Pick<Model, 'config'>;
  /** Size of the task files. */
  taskBytes: number;
}

/** How many workloads every row is measured at. */
function workloads({ workload }: Spec['target']): number {
  return batchSizes(workload).length * (workload.mix?.length ?? 1);
}

/** Roughly how long each stage will take, in seconds: an estimate, for the progress of the whole run. */
export function planSeconds(
  { spec, parent: { config }, budgets, threads, taskBytes }: Plan,
  variants: readonly LayerVariants[],
) {
  const { sequenceLength } = budgets;
  const { target, distil, search, evaluate } = spec;
  const options = { weights: 'F32', context: sequenceLength } as const;
  const flops = modelCosts(config, options).flopsPerToken;
  const moved = stepBytes(config, sequenceLength);
  const movedInLayers = moved.layers.reduce((sum, bytes) => sum + bytes, 0);
  const seconds = (work: Work) => work.flops / (FLOPS_PER_CORE * threads) + work.bytes / (BYTES_PER_CORE * threads);

  /** Per token: a forward pass of the parent, and a training step on one of its layers. */
  const forward = seconds({ flops, bytes: (movedInLayers + moved.logits) / TRAINING });
  const layerStep = seconds({
    flops: (TRAINING * (flops - nonBlockCosts(config, options).flopsPerToken)) / variants.length,
    bytes: movedInLayers / variants.length,
  });
  const workload = timedWorkload(spec);
  const context = workload.prefill + workload.generated;
  const decodeBytes = memoryBytes(modelCosts(config, { weights: 'F32', context }), workload) * workload.generated;
  const decode = seconds({ flops: flops * workload.batch * context, bytes: decodeBytes / 2 });

  const all = variants.flatMap((layer) => HALVES.flatMap((half) => [...layer[half].slice(1)]));
  const trained = all.filter(({ shape }) => shape.kind !== 'no-op').length;
  // The parent's and the variant's forward pass, and sums of products that take about as long as one of them.
  const closedFormTokens = distil.start === 'closed-form' ? budgets.closedFormTokens : 0;
  const tasks = (count: number) => (count * SECONDS_PER_TASK) / threads;
  // Each is trained, then scored.
  const trainedTogether = tasks(2) + (budgets.coupledTokens + closedFormTokens) * layerStep;
  const couple = USED_PAIRS * variants.length * (trainedTogether + budgets.scoreTokens * forward * TAIL_SHARE);
  const read = budgets.testTokens + (READINGS * taskBytes) / BYTES_PER_TOKEN;
  return {
    space: 2,
    distil: tasks(all.length) + trained * (budgets.distilTokens * VARIANT_SHARE + closedFormTokens) * layerStep,
    score: tasks(all.length) + all.length * budgets.scoreTokens * forward * TAIL_SHARE,
    measure: target.engine === 'onnxruntime' ? rows(variants) * workloads(target) * SECONDS_PER_MEASURED_ROW : 0.1,
    ...(distil.coupled ? { couple } : {}),
    solve: search.interactions ? 0.5 + search.evaluations * SEARCHED_SHARE * budgets.scoreTokens * forward : 0.5,
    assemble: 0.5,
    uptrain: budgets.uptrainTokens * forward * (1 + TRAINING * CHILD_SHARE),
    evaluate: 1 + (read * forward + (evaluate.pairs + 1) * decode) * (1 + CHILD_SHARE),
    export: 0.5,
  } satisfies Partial<Record<Stage, number>>;
}

interface Work {
  flops: number;
  bytes: number;
}

/** What is measured: every distinct variant that does something, and what is no layer's. */
function rows(variants: readonly LayerVariants[]): number {
  const all = variants.flatMap(({ attention, ffn }): Variant[] => [...attention, ...ffn]);
  const costly = all.filter(({ shape }) => shape.kind !== 'no-op');
  return new Set(costly.map(({ half, name }) => `${half}/${name}`)).size + 1;
}
