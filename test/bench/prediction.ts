// How far the whole-model seconds that parts add up to are from those of whole models.
import { Random } from '../../src/common/random.js';
import type { LayerShape, ModelConfig } from '../../src/formats/hf-config.js';
import { readModelConfig } from '../../src/formats/hf-config.js';
import type { Workload } from '../../src/model/accounting.js';
import { ggufProblems } from '../../src/model/gguf-shapes.js';
import {
  type AttentionVariant,
  enumerateVariants,
  type FfnVariant,
  type LayerVariants,
} from '../../src/model/variants.js';
import { distinctVariants, ROWS_PER_GROUP } from '../../src/search/measure-rows.js';
import { measuringEngine } from '../../src/search/measuring-engine.js';
import { readSpec } from '../../src/search/spec.js';
import type { MeasuredTarget } from '../../src/search/stored-as.js';
import { type LibraryCosts, libraryCosts } from '../../src/target/costs.js';
import { timeInterleaved, type Timings } from '../../src/target/interleave.js';
import { timeRandomModels } from '../../src/target/llama-cpp/time-models.js';
import type { Part, PartTiming } from '../../src/target/onnxruntime.js';
import { median } from '../../src/target/quartiles.js';
import { randomWeights } from '../../src/target/random-weights.js';
import { measuredTable } from '../../src/target/table.js';
import { batchSizes, meanWorkload, runtimeSeconds, throughput } from '../../src/target/workload.js';
import { EXAMPLE_PARENT, EXAMPLE_SPEC } from './example-files.js';
import { type Benchmark, ofSample } from './row.js';

const THREADS = 2;
const ARCHITECTURES = 10;
/** Whole models in turns; odd, for a median. */
const ROUNDS = 9;
const SECONDS_PER_GROUP = 12;
/** So wide that an engine's overhead is little beside its products. */
const WIDE = { hiddenSize: 512, heads: 8, headDim: 64 };
const WIDE_LAYER: LayerShape = { attention: { kind: 'gqa', kvHeads: 8 }, ffn: { kind: 'gated', width: 1408 } };
const WIDE_LAYERS = 4;

/** A parent, what its layers may become, and the engine that runs them. */
interface Subject {
  config: ModelConfig;
  variants: LayerVariants[];
  workload: Workload;
  target: MeasuredTarget;
}

/** The example, or what it would be with few wide layers, at its spec's workload in an engine. */
async function subject(engine: MeasuredTarget['engine'], wide = false): Promise<Subject> {
  const { space, target } = await readSpec(EXAMPLE_SPEC);
  const example = await readModelConfig(EXAMPLE_PARENT);
  const layers = Array.from({ length: WIDE_LAYERS }, () => WIDE_LAYER);
  const config = wide ? { ...example, ...WIDE, layers } : example;
  const common = { workload: target.workload, threads: THREADS };
  return {
    config,
    variants: enumerateVariants(config, space),
    workload: meanWorkload(target.workload, Math.max(...batchSizes(target.workload))),
    target: engine === 'llama.cpp' ? { ...common, engine, precision: 'f32' } : { ...common, engine, device: 'cpu' },
  };
}

/** What the variants take here. */
async function measureParts({ config, variants, workload, target }: Subject): Promise<LibraryCosts> {
  const { stored, timeParts } = measuringEngine(target);
  const distinct = distinctVariants(config, variants);
  const parts: Part[] = [{ half: 'non-block' }, ...distinct.map(([, variant]) => variant)];
  const timings: PartTiming[] = [];
  for (let first = 0; first < parts.length; first += ROWS_PER_GROUP) {
    const group = parts.slice(first, first + ROWS_PER_GROUP);
    timings.push(...(await timeParts(config, group, { workload, threads: THREADS, seconds: SECONDS_PER_GROUP })));
  }
  const [nonBlock, ...rest] = timings;
  if (nonBlock === undefined) throw new Error('nothing was timed');
  const rows = new Map(rest.map((timing, i) => [distinct[i]?.[0] ?? '', timing]));
  const table = measuredTable(nonBlock, rows, { workload, source: 'bench', stored });
  return libraryCosts(config, variants, table, workload);
}

function anyOf<T>(all: readonly T[], random: Random): T {
  const one = all[random.below(all.length)];
  if (one === undefined) throw new Error('a layer without variants');
  return one;
}

interface Pick {
  attention: AttentionVariant;
  ffn: FfnVariant;
}

/** Any variant for each half of each layer, all equally likely, of the architectures that the engine runs. */
function randomArchitecture({ config, variants, target }: Subject, random: Random): Pick[] {
  for (;;) {
    const picks = variants.map(({ attention, ffn }) => ({
      attention: anyOf(attention, random),
      ffn: anyOf(ffn, random),
    }));
    if (target.engine !== 'llama.cpp' || ggufProblems(withLayers(config, picks)).length === 0) return picks;
  }
}

function withLayers(config: ModelConfig, picks: readonly Pick[]): ModelConfig {
  return { ...config, layers: picks.map(({ attention, ffn }) => ({ attention: attention.shape, ffn: ffn.shape })) };
}

/** Seconds of the workload that the parts of an architecture add up to. */
function predictedSeconds({ nonBlock, layers }: LibraryCosts, picks: readonly Pick[]): number {
  const halves = layers.flatMap((layer, i) => [
    layer.attention.find(({ name }) => name === picks[i]?.attention.name),
    layer.ffn.find(({ name }) => name === picks[i]?.ffn.name),
  ]);
  return [nonBlock, ...halves].reduce((sum, part) => sum + (part?.seconds ?? NaN), 0);
}

/** Whole models in turns. */
function timeModels({ workload, target }: Subject, configs: readonly ModelConfig[]): Promise<Timings[]> {
  const options = { workload, threads: THREADS, seconds: Infinity, rounds: ROUNDS, minRounds: ROUNDS };
  if (target.engine === 'llama.cpp') return timeRandomModels(configs, { ...options, precision: target.precision });
  return timeInterleaved(
    configs.map((config) => ({ config, weights: randomWeights(config, 0) })),
    options,
  );
}

/** Seconds of the whole workload in each round. */
function secondsByRound(workload: Workload, { prefill, decode }: Timings): number[] {
  return prefill.map((prefillSeconds, i) =>
    runtimeSeconds(workload, { prefillSeconds, decodeSeconds: decode[i] ?? NaN }),
  );
}

async function predictionErrors(of: Subject): Promise<number[]> {
  const costs = await measureParts(of);
  const architectures = Array.from({ length: ARCHITECTURES }, (_, i) =>
    randomArchitecture(of, Random.of(1, 'architecture', i)),
  );
  const parent = of.variants.map(({ attention: [attention], ffn: [ffn] }): Pick => {
    if (attention === undefined || ffn === undefined) throw new Error('a layer without variants');
    return { attention, ffn };
  });
  const all = [parent, ...architectures];
  const timings = await timeModels(
    of,
    all.map((picks) => withLayers(of.config, picks)),
  );
  const [parentSeconds = [], ...rest] = timings.map((one) => secondsByRound(of.workload, one));
  const tokens = (seconds: number) => throughput(of.workload, seconds).toFixed(0);
  const parentPredicted = predictedSeconds(costs, parent);
  process.stderr.write(
    `  parent: ${tokens(parentPredicted)} tokens/s predicted, ${tokens(median(parentSeconds))} measured\n`,
  );
  return rest.map((seconds, i) => {
    const predictedSec = predictedSeconds(costs, architectures[i] ?? []);
    const predicted = predictedSec / parentPredicted;
    const measured = median(seconds.map((one, round) => one / (parentSeconds[round] ?? NaN)));
    process.stderr.write(
      `  architecture ${i}: ${predicted.toFixed(3)} of the parent's seconds predicted, ${measured.toFixed(3)} measured; ` +
        `${tokens(predictedSec)} tokens/s predicted, ${tokens(median(seconds))} measured\n`,
    );
    return 100 * Math.abs(predicted / measured - 1);
  });
}

const WHAT =
  `seconds of the spec's workload relative to the parent's, sum of the measured parts against whole models in turns with it: ` +
  `|predicted / measured - 1| of ${ARCHITECTURES} random architectures, ${ROUNDS} rounds, ${THREADS} threads`;

export const PREDICTION_BENCHMARKS: Benchmark[] = [
  {
    name: 'prediction-error-percent',
    unit: '%',
    what: `of the example in ONNX Runtime: ${WHAT}`,
    measure: async () => ofSample(await predictionErrors(await subject('onnxruntime'))),
  },
  {
    name: 'llama-prediction-error-percent',
    unit: '%',
    what: `of the example in llama.cpp: ${WHAT}`,
    measure: async () => ofSample(await predictionErrors(await subject('llama.cpp'))),
  },
  {
    name: 'llama-prediction-512-error-percent',
    unit: '%',
    what: `of ${WIDE_LAYERS} layers of ${WIDE.hiddenSize} channels in llama.cpp: ${WHAT}`,
    measure: async () => ofSample(await predictionErrors(await subject('llama.cpp', true))),
  },
];
