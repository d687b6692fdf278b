import { type LayerShape, type ModelConfig, parseModelConfig } from '../../src/formats/hf-config.js';
import { memoryBytes, modelCosts } from '../../src/model/accounting.js';
import type { RunState, StageState } from '../../src/run/state.js';
import type { EvaluationResult } from '../../src/search/evaluate/stage.js';
import type { ReportPieces } from '../../src/search/report.js';
import type { Speedup } from '../../src/target/speedup.js';

const PARENT = parseModelConfig(
  {
    model_type: 'llama',
    hidden_size: 64,
    intermediate_size: 160,
    num_hidden_layers: 5,
    num_attention_heads: 8,
    num_key_value_heads: 4,
    vocab_size: 512,
    torch_dtype: 'float16',
  },
  'config.json',
);

const CHILD_LAYERS: LayerShape[] = [
  { attention: { kind: 'gqa', kvHeads: 4 }, ffn: { kind: 'gated', width: 160 } },
  { attention: { kind: 'gqa', kvHeads: 1 }, ffn: { kind: 'gated', width: 80 } },
  { attention: { kind: 'linear' }, ffn: { kind: 'gated', width: 40 } },
  { attention: { kind: 'no-op' }, ffn: { kind: 'linear' } },
  { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'no-op' } },
];

const WORKLOAD = { batch: 32, prefill: 128, generated: 128 };

function speedupOf(parent: number, speedup: number, workload = WORKLOAD): Speedup {
  const spread = (median: number) => ({ low: 0.97 * median, median, high: 1.02 * median });
  return {
    ...{ workload, threads: 2, n: 7, speedup },
    parentTokensPerSecond: spread(parent),
    childTokensPerSecond: spread(parent * speedup),
    speedupLow: speedup - 0.05,
    speedupHigh: speedup + 0.04,
  };
}

/** What an evaluation of `child` might have given. */
export function exampleEvaluation(parent: ModelConfig, child: ModelConfig, kept = 0.99): EvaluationResult {
  const both = (sum: number) => ({ sum, normalised: sum - 0.01 });
  const estimate = (value: number) => ({ value, standardError: 0.004 });
  const accuracies = { parent: 0.9, child: 0.9 * kept, chance: 0.35 };
  const accuracy = {
    ...accuracies,
    difference: estimate(accuracies.child - accuracies.parent),
    kept: estimate(kept),
    keptAboveChance: estimate((accuracies.child - accuracies.chance) / (accuracies.parent - accuracies.chance)),
  };
  const task = (name: string, chance: number, right: number) => ({
    ...{ name, chance, items: 500, parent: both(right), child: both(right * kept) },
    difference: { sum: estimate(right * (kept - 1)), normalised: estimate(right * (kept - 1)) },
  });
  const bytes = (config: ModelConfig) =>
    memoryBytes(modelCosts(config, { weights: config.dtype, context: 256 }), WORKLOAD);
  return {
    text: { tokens: 16_320, parentPerplexity: 4.1234, childPerplexity: 4.2345, kl: 0.0321, topOneAgreement: 0.912 },
    tasks: [task('agreement', 0.5, 0.95), task('counting', 0.2, 0.85)],
    accuracy: { sum: accuracy, normalised: accuracy },
    speedup: speedupOf(12_345, 2.2),
    memory: {
      parentBytes: bytes(parent),
      childBytes: bytes(child),
      childLargestBatch: { batch: 70, bytes: bytes(parent) - 1000 },
    },
  };
}

const done = (seconds: number, tokens: number): StageState => {
  return { state: 'done', done: 1, total: 1, seconds, tokens, etaSeconds: 0 };
};

const STATE: RunState = {
  state: 'running',
  stage: 'export',
  stages: {
    space: done(1.5, 0),
    distil: done(180.25, 800_000),
    score: done(40.5, 81_920),
    measure: done(35, 0),
    solve: done(0.05, 0),
    uptrain: done(90, 300_000),
    evaluate: done(55, 18_080),
  },
  planned: [],
  waiting: {},
  stoppedAfter: null,
  progress: 0.99,
  etaSeconds: 1,
  seconds: 402.5,
  apartSeconds: 0,
  tasks: { finished: 60, failed: 1, retried: 0 },
  error: null,
  warnings: ['layer 3 ffn ffn-10% is left out: the loss is not finite'],
  header: {},
};

/** Pieces of a report on a made-up run: every kind of variant, two baselines, a warning. */
export function exampleReportPieces(): ReportPieces {
  const child = { ...PARENT, layers: CHILD_LAYERS };
  const narrow = {
    ...PARENT,
    layers: PARENT.layers.map(({ attention }): LayerShape => ({ attention, ffn: { kind: 'gated', width: 24 } })),
  };
  const run = '/runs/example';
  return {
    name: 'example',
    paths: { run, report: `${run}/report.json`, parent: '/models/parent', child: `${run}/child` },
    parent: PARENT,
    child: { dir: `${run}/child`, config: child, evaluation: exampleEvaluation(PARENT, child) },
    scores: [
      { attention: { kv4: 0, kv1: 0.02 }, ffn: { 'ffn-100%': 0 } },
      { attention: { kv1: 0.0125 }, ffn: { 'ffn-50%': 0.0025 } },
      { attention: { linear: 0.031 }, ffn: { 'ffn-25%': 0.009 } },
      { attention: { 'no-op': 0.125 }, ffn: { linear: 0.0625 } },
      { attention: { kv2: 0.0005 }, ffn: { 'no-op': 0.25 } },
    ],
    solution: {
      status: 'optimal',
      architecture: [
        { attention: 'kv4', ffn: 'ffn-100%', score: 0 },
        { attention: 'kv1', ffn: 'ffn-50%', score: 0.015 },
        { attention: 'linear', ffn: 'ffn-25%', score: 0.04 },
        { attention: 'no-op', ffn: 'linear', score: 0.1875 },
        { attention: 'kv2', ffn: 'no-op', score: 0.2505 },
      ],
      ...{ objective: 0.493, bound: 0.493, gap: 0, nodes: 12, milliseconds: 3.5, margin: 0.02 },
      totals: {
        ...{ throughput: 26_000, generatedThroughput: 13_000, latency: 0.315 },
        ...{ timeToFirstToken: 0.1, timePerOutputToken: 0.002, memory: 1e6, parameters: 1e5, kvCache: 5e5 },
      },
      parent: {
        ...{ throughput: 11_900, generatedThroughput: 5950, latency: 0.69 },
        ...{ timeToFirstToken: 0.25, timePerOutputToken: 0.004, memory: 2e6, parameters: 2e5, kvCache: 1e6 },
      },
      workload: { batch: 32, prefill: 128, generated: 128 },
      limits: [
        { metric: 'throughput', text: 'throughput >= 2.17x', reached: 2.18, binding: true, shadowPrice: 0.4 },
        { metric: 'memory', text: 'memory <= 60%', reached: 0.5, binding: false, shadowPrice: 0 },
      ],
      binding: ['throughput'],
    },
    state: STATE,
    baselines: [
      {
        ...{
          name: 'uniform width',
          dir: `${run}/baselines/uniform-width`,
          config: narrow,
          uptrainTokens: 300_000,
          predictedThroughput: 25_000,
        },
        evaluation: exampleEvaluation(PARENT, narrow, 0.93),
      },
    ],
  };
}
