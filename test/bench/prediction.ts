// How far the whole-model seconds that parts add up to are from those of whole models.
import { Random } from '../../src/common/random.js';
import type { LayerShape, ModelConfig } from '../../src/formats/hf-config.js';
import { readModelConfig } from '../../src/formats/hf-config.js';
import type { Workload } from '../../src/model/accounting.js';
import { enumerateVariants, type LayerVariants } from '../../src/model/variants.js';
import { distinctVariants, ROWS_PER_GROUP } from '../../src/search/measure.js';
import { readSpec } from '../../src/search/spec.js';
import { timeInterleaved, type Timings } from '../../src/target/interleave.js';
import { type Part, timeParts } from '../../src/target/onnxruntime.js';
import { median } from '../../src/target/quartiles.js';
import { randomWeights } from '../../src/target/random-weights.js';
import { type CostTable, measuredTable, tableRow } from '../../src/target/table.js';
import { batchSizes, meanWorkload, type Runtime, runtimeSeconds } from '../../src/target/workload.js';
import { EXAMPLE_PARENT, EXAMPLE_SPEC } from './example-files.js';
import { type Benchmark, ofSample } from './row.js';

const THREADS = 2;
const ARCHITECTURES = 10;
/** Whole models in turns; odd, for a median. */
const ROUNDS = 9;
const SECONDS_PER_GROUP = 12;

/** The example's parent, its variants, and what they take here. */
interface Measured {
  config: ModelConfig;
  variants: LayerVariants[];
  workload: Workload;
  table: CostTable;
}

async function measureExample(): Promise<Measured> {
  const { space, target } = await readSpec(EXAMPLE_SPEC);
  const workload = meanWorkload(target.workload, Math.max(...batchSizes(target.workload)));
  const config = await readModelConfig(EXAMPLE_PARENT);
  const variants = enumerateVariants(config, space);
  const parts: [string, Part][] = [['non-block', { half: 'non-block' }], ...distinctVariants(config, variants)];
  const timings: Awaited<ReturnType<typeof timeParts>> = [];
  for (let first = 0; first < parts.length; first += ROWS_PER_GROUP) {
    const group = parts.slice(first, first + ROWS_PER_GROUP).map(([, part]) => part);
    timings.push(...(await timeParts(config, group, { workload, threads: THREADS, seconds: SECONDS_PER_GROUP })));
  }
  const [nonBlock, ...rest] = timings;
  if (nonBlock === undefined) throw new Error('nothing was timed');
  const rows = rest.map((timing, i): [string, typeof timing] => [parts[i + 1]?.[0] ?? '', timing]);
  return { config, variants, workload, table: measuredTable(nonBlock, new Map(rows), { workload, source: 'bench' }) };
}

/** Any variant for each half of each layer, all equally likely. */
function randomArchitecture(variants: readonly LayerVariants[], random: Random): LayerShape[] {
  const anyOf = <T>(all: readonly T[]): T => {
    const one = all[random.below(all.length)];
    if (one === undefined) throw new Error('a layer without variants');
    return one;
  };
  return variants.map(({ attention, ffn }) => ({ attention: anyOf(attention).shape, ffn: anyOf(ffn).shape }));
}

/** Seconds of a workload that the parts of a model add up to. */
function predictedSeconds({ config, variants, workload, table }: Measured, layers: readonly LayerShape[]): number {
  const rows: Runtime[] = layers.flatMap(({ attention, ffn }) => [
    tableRow(table, config, { half: 'attention', name: '', shape: attention }),
    tableRow(table, config, { half: 'ffn', name: '', shape: ffn }),
  ]);
  if (variants.length !== layers.length) throw new Error('an architecture has a choice for every layer');
  return [table.nonBlock, ...rows].reduce((sum, row) => sum + runtimeSeconds(workload, row), 0);
}

/** The median over rounds of what `child` takes of what `parent` takes in the same round. */
function ratioOf(workload: Workload, child: Timings, parent: Timings): number {
  const seconds = ({ prefill, decode }: Timings, round: number) =>
    runtimeSeconds(workload, { prefillSeconds: prefill[round] ?? NaN, decodeSeconds: decode[round] ?? NaN });
  return median(child.prefill.map((_, round) => seconds(child, round) / seconds(parent, round)));
}

async function predictionErrors(): Promise<number[]> {
  const measured = await measureExample();
  const { config, variants, workload } = measured;
  const parent = { config, weights: randomWeights(config, 0) };
  const errors: number[] = [];
  for (let i = 0; i < ARCHITECTURES; i++) {
    const child = { ...config, layers: randomArchitecture(variants, Random.of(1, 'architecture', i)) };
    const [parentTimings, childTimings] = await timeInterleaved(
      [parent, { config: child, weights: randomWeights(child, 0) }],
      { workload, threads: THREADS, seconds: Infinity, rounds: ROUNDS, minRounds: ROUNDS },
    );
    if (parentTimings === undefined || childTimings === undefined) throw new Error('nothing was timed');
    const ratio = ratioOf(workload, childTimings, parentTimings);
    const predicted = predictedSeconds(measured, child.layers) / predictedSeconds(measured, config.layers);
    process.stderr.write(
      `  architecture ${i}: predicted ${predicted.toFixed(3)}, measured ${ratio.toFixed(3)} of the parent's seconds\n`,
    );
    errors.push(100 * Math.abs(predicted / ratio - 1));
  }
  return errors;
}

export const PREDICTION_BENCHMARKS: Benchmark[] = [
  {
    name: 'prediction-error-percent',
    unit: '%',
    what:
      `seconds of the spec's workload relative to the parent's, sum of the measured parts against whole models in turns with it: ` +
      `|predicted / measured - 1| of ${ARCHITECTURES} random architectures of the example, ${ROUNDS} rounds each, ${THREADS} threads`,
    measure: async () => ofSample(await predictionErrors()),
  },
];
