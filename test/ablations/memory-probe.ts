// A process of its own: what a model really holds in memory while it serves a batch. Prints one JSON object.
import { argv } from 'node:process';
import type { Workload } from '../../src/model/accounting.js';
import { BYTES_PER_VALUE, parameterCount, SERVED_DTYPE } from '../../src/model/accounting.js';
import { Decoder } from '../../src/model/decoder.js';
import { modelTensors } from '../../src/model/tensors.js';
import { checkpointWeights } from '../../src/model/weights.js';
import { openModel } from '../../src/search/context.js';

export interface HeldMemory {
  /** The weights in the precision they are computed with, and the KV cache's tensors as they were allocated. */
  weightBytes: number;
  cacheBytes: number;
  /** By how much the resident memory of the process has grown, buffers of the runtime included. */
  residentBytes: number;
}

const STEPS = 4;

const [dir = '', text = ''] = argv.slice(2);
const { batch, prefill, generated } = JSON.parse(text) as Workload;
const { config, checkpoint } = await openModel(dir);
const decode = async (size: number) => {
  const options = { batch: size, capacity: prefill + generated, threads: 2 };
  const decoder = new Decoder(config, checkpointWeights(checkpoint), options);
  let next = await decoder.prefill(new Array<number>(size * prefill).fill(1));
  for (let step = 0; step < STEPS; step++) next = await decoder.step(next);
  return decoder;
};
const before = process.memoryUsage.rss();
const decoder = await decode(batch);
const held: HeldMemory = {
  weightBytes: parameterCount(modelTensors(config)) * BYTES_PER_VALUE[SERVED_DTYPE],
  cacheBytes: decoder.cacheBytes,
  residentBytes: process.memoryUsage.rss() - before,
};
await decoder.release();
process.stdout.write(JSON.stringify(held));
