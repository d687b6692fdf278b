// Whether a deeper parent needs more memory: the same search on random parents that differ in their number of layers.
import { mkdir, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Random } from '../../src/common/random.js';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { modelTensors } from '../../src/model/tensors.js';
import { EXAMPLE_VOCABULARY, writeModelFolder } from '../support/model-folder.js';
import { EXAMPLE_TEXT, PUZZLE } from './example-files.js';
import { requireSeen, runWatched } from './process-tree.js';
import { type Benchmark, single } from './row.js';

const [SHALLOW, DEEP] = [16, 64];
const TOKENS = 2000;
const PROCESSES = 2;
const SAMPLE_MS = 200;

const SPEC = {
  parent: 'parent',
  data: { text: EXAMPLE_TEXT },
  space: {
    attention: { kvHeads: [4, 2], linear: false, noOp: false },
    ffn: { percents: [50, 25], linear: false, noOp: false },
  },
  distil: { tokens: TOKENS, distinctTokens: TOKENS },
  score: { tokens: TOKENS },
  uptrain: { tokens: 0 },
  ...{ processes: PROCESSES, threads: PROCESSES },
};

function configOf(layers: number): ModelConfig {
  return {
    ...{ family: 'llama', hiddenSize: 512, heads: 8, headDim: 64, vocabSize: EXAMPLE_VOCABULARY },
    ...{ rmsNormEps: 1e-5, ropeTheta: 10_000, ropeScaling: null, maxPositionEmbeddings: 2048 },
    ...{ tieWordEmbeddings: true, attentionBias: false, mlpBias: false, bosTokenId: 0, eosTokenIds: [1] },
    dtype: 'BF16',
    layers: Array.from({ length: layers }, () => ({
      attention: { kind: 'gqa', kvHeads: 8 },
      ffn: { kind: 'gated', width: 1024 },
    })),
    raw: {},
  };
}

/** Seeded normal numbers; all layers have the same. */
function weightsOf(config: ModelConfig): Map<string, Float32Array> {
  const known = new Map<string, Float32Array>();
  return new Map(
    modelTensors(config).map(({ name, shape }) => {
      const ofAnyLayer = name.replace(/\.layers\.\d+\./, '.layers.');
      const random = Random.of(1, ofAnyLayer);
      const length = shape.reduce((product, size) => product * size, 1);
      const data =
        known.get(ofAnyLayer) ??
        Float32Array.from({ length }, () => (random.normal() * 0.4) / Math.sqrt(shape[1] ?? 1));
      known.set(ofAnyLayer, data);
      return [name, data];
    }),
  );
}

/** Writes a parent and a spec into `folder`; returns the spec's path. */
export async function writeDepthSearch(folder: string, layers: number): Promise<string> {
  const parent = path.join(folder, SPEC.parent);
  await mkdir(parent, { recursive: true });
  const config = configOf(layers);
  await writeModelFolder(parent, config, weightsOf(config));
  const spec = path.join(folder, 'depth.puzzle.json');
  await writeFile(spec, JSON.stringify(SPEC));
  return spec;
}

/** The largest sum of resident memory of a search up to its scores, over all of its processes, in MiB. */
async function peakOfSearch(folder: string, layers: number): Promise<number> {
  const spec = await writeDepthSearch(folder, layers);
  const { peakMib } = await runWatched([PUZZLE, 'search', spec, '--until', 'score'], SAMPLE_MS);
  return requireSeen(peakMib);
}

/** Both rows share the searches, which the first that is wanted runs. `scratch` is an empty folder. */
export function depthBenchmarks(scratch: string): Benchmark[] {
  const peaks = new Map<number, Promise<number>>();
  const peakOf = (layers: number) => {
    const peak = peaks.get(layers) ?? peakOfSearch(path.join(scratch, `depth-${layers}`), layers);
    peaks.set(layers, peak);
    return peak;
  };
  const measured = `largest sum of resident memory over all processes of distil and score (two variants per kind, ${TOKENS} tokens, ${PROCESSES} processes), looked at every ${SAMPLE_MS} ms, of a random parent of hidden size 512`;
  return [
    {
      name: 'depth-memory-ratio',
      unit: 'ratio',
      what: `${measured}: ${DEEP} layers over ${SHALLOW}`,
      measure: async () => {
        const shallow = await peakOf(SHALLOW);
        return single((await peakOf(DEEP)) / shallow);
      },
    },
    {
      name: 'depth-peak-mib',
      unit: 'MiB',
      what: `${measured}: ${DEEP} layers`,
      measure: async () => single(await peakOf(DEEP)),
    },
  ];
}
