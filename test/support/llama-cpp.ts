import { join } from 'node:path';
import { messageOf } from '../../src/common/errors.js';
import type { GgufPrecision } from '../../src/formats/gguf-tensor.js';
import { input, logSoftmax } from '../../src/graph/primitives.js';
import { int64, Session } from '../../src/graph/session.js';
import { forward } from '../../src/model/forward.js';
import { checkpointWeights } from '../../src/model/weights.js';
import type { Model } from '../../src/search/context.js';
import { writeModelGguf } from '../../src/search/export-gguf.js';
import { findLlamaCpp } from '../../src/target/llama-cpp/addon.js';
import { LlamaCpp } from '../../src/target/llama-cpp/client.js';
import { temporaryFolder } from './model-folder.js';

type Test = Parameters<typeof temporaryFolder>[0];

/** For a suite's `skip` option: why llama.cpp cannot run here, or false. */
export function skipWithoutLlamaCpp(): string | false {
  try {
    findLlamaCpp();
    return false;
  } catch (error) {
    return messageOf(error);
  }
}

/** A model as its GGUF in llama.cpp, in a process that ends with the test. */
export async function inLlamaCpp(
  test: Test,
  model: Model,
  { precision = 'f32', exact = true }: { precision?: GgufPrecision; exact?: boolean } = {},
): Promise<{ llama: LlamaCpp; model: number }> {
  const file = join(await temporaryFolder(test), 'model.gguf');
  await writeModelGguf(model, file, { name: 'test', precision });
  const llama = LlamaCpp.start();
  test.after(() => llama.end());
  const capacity = model.config.maxPositionEmbeddings;
  return { llama, model: await llama.ask('open', { file, sequences: 1, capacity, threads: 1, exact }) };
}

/** Ours: log-probabilities of the whole vocabulary after each of `ids`. */
export async function logProbabilities({ config, checkpoint }: Model, ids: readonly number[]): Promise<number[][]> {
  const batch = { config, batch: 1, sequence: ids.length };
  const { logits } = forward(batch, checkpointWeights(checkpoint), input('ids', [ids.length], 'int64'));
  const session = await Session.create({ all: logSoftmax(logits) });
  const { all } = await session.run({ ids: int64(ids, [ids.length]) });
  await session.release();
  const values = Array.from(all?.data ?? [], Number);
  return ids.map((_, row) => values.slice(row * config.vocabSize, (row + 1) * config.vocabSize));
}

/** The largest difference between two tables of the same size. */
export function largestDifference(a: readonly number[][], b: readonly number[][]): number {
  if (a.length !== b.length) return NaN;
  return Math.max(...a.flatMap((row, i) => row.map((value, j) => Math.abs(value - (b[i]?.[j] ?? NaN)))));
}
