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
const STEPS = 10;
const MATMULS = 200;

interface Work {
  kind: 'distil' | 'matmul';
  payload: unknown;
}

/** What one process does, one after the other. */
type Share = readonly Work[];

/** An attention and an FFN variant of the example's first layer, on made-up activations: only their size counts. */
async function distilShare(scratch: string, name: string): Promise<Share> {
  const { config } = await openModel(EXAMPLE_PARENT);
  const own = config.layers[0];
  if (own?.attention.kind !== 'gqa' || own.ffn.kind !== 'gated') throw new Error('the example has another first layer');
  const { attention, ffn } = own;
  const file = (kind: string) => path.join(scratch, `${name}-${kind}`);
  const hidden = async (kind: string) => {
    const random = Random.of(1, kind);
    await using writer = await HiddenWriter.create(file(kind));
    const rows = SEQUENCES * SEQUENCE_LENGTH;
    await writer.append(Float32Array.from({ length: rows * config.hiddenSize }, () => random.normal()));
    return file(kind);
  };
  await writeFile(file('channels'), JSON.stringify(Array.from({ length: ffn.width }, () => 1)));
  const shared = {
    parentDir: EXAMPLE_PARENT,
    layer: 0,
    inputFile: await hidden('input'),
    targetFile: await hidden('target'),
    channelsFile: file('channels'),
    sequences: SEQUENCES,
    sequenceLength: SEQUENCE_LENGTH,
    batch: BATCH,
    moments: undefined,
    tokens: STEPS * BATCH * SEQUENCE_LENGTH,
    learningRate: 1e-3,
    seed: 1,
  };
  const halves = [
    { half: 'attention', shape: { kind: 'gqa', kvHeads: attention.kvHeads / 2 } },
    { half: 'ffn', shape: { kind: 'gated', width: ffn.width / 2 } },
  ] as const;
  return halves.map(({ half, shape }): Work => {
    const output = { file: file(half), artifact: half };
    return { kind: 'distil', payload: { ...shared, half, shape, variant: half, output } satisfies DistilPayload };
  });
}

async function matmulShare(): Promise<Share> {
  const { config } = await openModel(EXAMPLE_PARENT);
  const ffn = config.layers[0]?.ffn;
  const n = ffn?.kind === 'gated' ? ffn.width : config.hiddenSize;
  const payload: MatmulPayload = { m: BATCH * SEQUENCE_LENGTH, k: config.hiddenSize, n, times: MATMULS };
  return [{ kind: 'matmul', payload }];
}

async function doShare(child: PoolChild, share: Share): Promise<void> {
  for (const { kind, payload } of share) {
    const reply = await child.run({ id: kind, kind, payload }, () => undefined, new AbortController().signal);
    if (reply.type !== 'finished') throw new Error(`a process for ${kind}: ${JSON.stringify(reply)}`);
  }
}

/** Seconds of two shares by one process over those by two at the same time. */
async function speedup(children: readonly PoolChild[], shares: readonly Share[]): Promise<number> {
  const [first] = children;
  const alone = await secondsOf(async () => {
    for (const share of shares) if (first !== undefined) await doShare(first, share);
  });
  const together = await secondsOf(() => Promise.all(children.map((child, i) => doShare(child, shares[i] ?? []))));
  return alone / together;
}

async function distilScaling(scratch: string): Promise<Measurement> {
  const matmuls = [await matmulShare(), await matmulShare()];
  const distil = [await distilShare(scratch, 'first'), await distilShare(scratch, 'second')];
  const children = [new PoolChild({ entry: WORKER }), new PoolChild({ entry: WORKER })];
  try {
    const never = new AbortController().signal;
    // Both at once: a child says only once that it is ready.
    const deaths = await Promise.all(children.map((child) => child.started(never)));
    for (const died of deaths) if (died !== undefined) throw new Error(died);
    const ratios: number[] = [];
    for (let pair = 0; pair <= PAIRS; pair++) {
      const bare = await speedup(children, matmuls);
      const ratio = (await speedup(children, distil)) / bare;
      // In the first pair the processes still warm up.
      if (pair > 0) ratios.push(ratio);
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
        'speed-up of distil tasks (an attention and an FFN variant of the example, steps of 1024 tokens) by two ' +
        'single-threaded processes over one, divided by that of bare MatMuls of the same FFN',
      measure: () => distilScaling(scratch),
    },
  ];
}
