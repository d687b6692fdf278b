// How distil scales over processes.
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { Random } from '../../src/common/random.js';
import { type DistilPayload } from '../../src/search/distil.js';
import { openModel } from '../../src/search/context.js';
import { HiddenWriter } from '../../src/search/hidden-file.js';
import { PoolChild } from '../../src/worker/pool-child.js';
import { EXAMPLE_PARENT } from './example-files.js';
import { PAIRS, secondsOf } from './pairs.js';
import { type Benchmark, type Measurement, ofSample } from './row.js';
import type { MatmulPayload } from './scaling-worker.js';

const WORKER = new URL('./scaling-worker.ts', import.meta.url);
const SEQUENCE_LENGTH = 256;
const SEQUENCES = 32;
/** Sequences per step: 1024 tokens, as by default. */
const BATCH = 4;
const STEPS = 12;
const MATMULS = 800;

interface Work {
  kind: 'distil' | 'matmul';
  payload: unknown;
}

/** Two tasks of the distil stage that take about the same time, on made-up activations: their sizes are what counts. */
async function distilWork(scratch: string): Promise<[Work, Work]> {
  const { config } = await openModel(EXAMPLE_PARENT);
  const own = config.layers[0];
  if (own?.attention.kind !== 'gqa' || own.ffn.kind !== 'gated') throw new Error('the example has another first layer');
  const hidden = async (name: string) => {
    const random = Random.of(1, name);
    const file = path.join(scratch, name);
    const writer = await HiddenWriter.create(file);
    const rows = SEQUENCES * SEQUENCE_LENGTH * config.hiddenSize;
    await writer.append(Float32Array.from({ length: rows }, () => random.normal()));
    await writer.close();
    return file;
  };
  const channelsFile = path.join(scratch, 'channels.json');
  await writeFile(channelsFile, JSON.stringify(Array.from({ length: own.ffn.width }, () => 1)));
  const shared = {
    parentDir: EXAMPLE_PARENT,
    layer: 0,
    half: 'ffn' as const,
    shape: { kind: 'gated' as const, width: own.ffn.width / 2 },
    inputFile: await hidden('input'),
    targetFile: await hidden('target'),
    channelsFile,
    sequences: SEQUENCES,
    sequenceLength: SEQUENCE_LENGTH,
    batch: BATCH,
    tokens: STEPS * BATCH * SEQUENCE_LENGTH,
    learningRate: 1e-3,
    seed: 1,
  };
  const task = (variant: string): Work => {
    const output = { file: path.join(scratch, variant), artifact: variant };
    return { kind: 'distil', payload: { ...shared, variant, output } satisfies DistilPayload };
  };
  return [task('first'), task('second')];
}

async function matmulWork(): Promise<[Work, Work]> {
  const { config } = await openModel(EXAMPLE_PARENT);
  const ffn = config.layers[0]?.ffn;
  const n = ffn?.kind === 'gated' ? ffn.width : config.hiddenSize;
  const payload: MatmulPayload = { m: BATCH * SEQUENCE_LENGTH, k: config.hiddenSize, n, times: MATMULS };
  return [
    { kind: 'matmul', payload },
    { kind: 'matmul', payload },
  ];
}

type Children = readonly [PoolChild, PoolChild];

async function doWork(child: PoolChild, { kind, payload }: Work): Promise<void> {
  const id = kind;
  const reply = await child.run({ id, kind, payload }, () => undefined, new AbortController().signal);
  if (reply.type !== 'finished') throw new Error(`a ${kind} process: ${JSON.stringify(reply)}`);
}

/** Seconds of two pieces of work by one process over those by two. */
async function speedup([first, second]: Children, [one, other]: readonly [Work, Work]): Promise<number> {
  const alone = await secondsOf(async () => {
    await doWork(first, one);
    await doWork(first, other);
  });
  const together = await secondsOf(() => Promise.all([doWork(first, one), doWork(second, other)]));
  return alone / together;
}

async function distilScaling(scratch: string): Promise<Measurement> {
  const matmuls = await matmulWork();
  const distil = await distilWork(scratch);
  const children = [new PoolChild({ entry: WORKER }), new PoolChild({ entry: WORKER })] as const;
  try {
    const never = new AbortController().signal;
    for (const child of children) {
      const died = await child.started(never);
      if (died !== undefined) throw new Error(died);
    }
    const ratios: number[] = [];
    for (let pair = 0; pair <= 3; pair++) {
      const bare = await speedup(children, matmuls);
      const ratio = (await speedup(children, distil)) / bare;
      // In the first pair the processes still warm up.
      if (pair > 0) ratios.push(ratio); if (pair>=0) console.error(bare, ratio*bare, ratio);
    }
    return ofSample(ratios);
  } finally {
    await Promise.all(children.map((child) => child.end()));
  }
}

export function scalingBenchmarks(scratch: string): Benchmark[] {
  return [
    {
      name: 'distil-scaling',
      unit: 'ratio',
      what:
        'speed-up of two distil tasks (half the width of an FFN of the example, steps of 1024 tokens) by two single-threaded ' +
        'processes over one, divided by that of bare MatMuls of the same FFN',
      measure: () => distilScaling(scratch),
    },
  ];
}
