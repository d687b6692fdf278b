import path from 'node:path';
import { InputError } from '../common/errors.js';
import { abs, input, sum } from '../graph/primitives.js';
import { float32, int64, Session, type Tensor } from '../graph/session.js';
import type { Value } from '../graph/value.js';
import { attentionHalf, causalAttention, embed, ffnActivation, ffnHalf } from '../model/blocks.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import { writeDirectory, writeJson } from '../run/artifacts.js';
import { type Model, openModel, type TaskAnswer } from './context.js';
import { readTokens, type TokenFile } from './data.js';
import { HiddenReader, HiddenWriter } from './hidden-file.js';

/** The parent's stream after its embedding or after one of its layers. Paths are absolute. */
export interface ActivationsPayload {
  parentDir: string;
  work: Embedding | OneLayer;
  /** Of the text, so many from its beginning. */
  sequences: number;
  threads: number;
  output: { dir: string; artifact: string };
}

interface Embedding {
  text: TokenFile;
}

interface OneLayer {
  layer: number;
  sequenceLength: number;
  /** The stream that enters the layer. */
  hidden: string;
  /** Where the mean |activation| of every channel of its FFN goes. */
  channelsFile: string;
}

/** The largest finite F16: what hidden states are stored as. */
const MAX_F16 = 65_504;

/** Sequences run together: bounds the memory of a window of activations. */
const WINDOW_SEQUENCES = 8;

/** Writes the stream as `out.f16` into the folder that it answers with, and of a layer the one in its middle as `middle.f16`. */
export async function activationsTask(
  payload: ActivationsPayload,
  { signal }: { signal: AbortSignal },
): Promise<TaskAnswer> {
  const { work, output } = payload;
  const pass: Pass = { ...payload, parent: await openModel(payload.parentDir), signal };
  await writeDirectory(output.dir, async (dir) => {
    if ('text' in work) await embedTokens(pass, work, dir);
    else await writeJson(work.channelsFile, await runLayer(pass, work, dir));
  });
  return { artifact: output.artifact };
}

interface Pass {
  parent: Model;
  sequences: number;
  threads: number;
  signal: AbortSignal;
}

async function embedTokens(pass: Pass, { text }: Embedding, dir: string): Promise<void> {
  const { parent } = pass;
  const tokens = await readTokens(text);
  const weights = checkpointWeights(parent.checkpoint);
  await using writer = await HiddenWriter.create(path.join(dir, 'out.f16'));
  await inWindows(pass, text.sequenceLength, {
    program: (rows) => ({ out: embed(weights, input('ids', [rows], 'int64')) }),
    run: async (session, first, rows) => {
      const { out } = await session.run({ ids: int64(tokens.subarray(first, first + rows), [rows]) });
      await writer.append(sound(floats(out), 'the embedding', parent));
    },
  });
  await writer.sync();
}

/** Returns the mean |activation| of every channel of the layer's FFN. */
async function runLayer(pass: Pass, { layer, sequenceLength, hidden }: OneLayer, dir: string): Promise<number[]> {
  const { parent, sequences } = pass;
  const { config, checkpoint } = parent;
  const shape = config.layers[layer];
  if (shape === undefined) throw new Error(`no layer ${layer}`);
  const weights = layerWeights(checkpointWeights(checkpoint), layer);
  await using reader = await HiddenReader.open(hidden, config.hiddenSize);
  await using middleWriter = await HiddenWriter.create(path.join(dir, 'middle.f16'));
  await using outWriter = await HiddenWriter.create(path.join(dir, 'out.f16'));
  const width = shape.ffn.kind === 'gated' ? shape.ffn.width : 0;
  const totals = new Float64Array(width);
  await inWindows(pass, sequenceLength, {
    program: (rows) => {
      const x = input('x', [rows, config.hiddenSize]);
      const core = causalAttention({ config, batch: rows / sequenceLength, sequence: sequenceLength });
      const middle = attentionHalf(config, shape.attention, weights, core, x);
      const outputs: Record<string, Value> = { middle, out: ffnHalf(config, shape.ffn, weights, middle) };
      if (width > 0) outputs['channels'] = sum(abs(ffnActivation(config, weights, middle)), [0]);
      return outputs;
    },
    run: async (session, first, rows) => {
      const { middle, out, channels } = await session.run({
        x: float32(await reader.read(first, rows), [rows, config.hiddenSize]),
      });
      await middleWriter.append(sound(floats(middle), `the attention of layer ${layer}`, parent));
      await outWriter.append(sound(floats(out), `layer ${layer}`, parent));
      if (channels !== undefined) floats(channels).forEach((value, i) => (totals[i] = (totals[i] ?? 0) + value));
    },
  });
  for (const file of [middleWriter, outWriter]) await file.sync();
  return [...totals].map((total) => total / (sequences * sequenceLength));
}

function floats(tensor: Tensor | undefined): Float32Array {
  if (!(tensor?.data instanceof Float32Array)) throw new Error('expected a float32 tensor');
  return tensor.data;
}

/** The values, unless damaged weights have made some of them NaN, infinite or larger than F16 holds. */
function sound(values: Float32Array, source: string, { dir }: Model): Float32Array {
  const bad = values.find((value) => !(Math.abs(value) <= MAX_F16));
  if (bad === undefined) return values;
  const why = Number.isFinite(bad) ? 'more than F16 can store, which is not supported' : 'its weights are damaged';
  throw new InputError(`${source} of the parent gives ${bad} for some token: ${why}`, dir);
}

/** Runs a program over all sequences, a window at a time; the last window may be shorter and gets its own session. */
async function inWindows(
  { sequences, threads, signal }: Pass,
  sequenceLength: number,
  work: {
    program: (rows: number) => Record<string, Value>;
    run: (session: Session, firstRow: number, rows: number) => Promise<void>;
  },
): Promise<void> {
  let session: Session | undefined;
  let compiled = 0;
  try {
    for (let first = 0; first < sequences; first += WINDOW_SEQUENCES) {
      signal.throwIfAborted();
      const rows = Math.min(WINDOW_SEQUENCES, sequences - first) * sequenceLength;
      if (session === undefined || rows !== compiled) {
        await session?.release();
        session = undefined;
        session = await Session.create(work.program(rows), { threads });
        compiled = rows;
      }
      await work.run(session, first * sequenceLength, rows);
    }
  } finally {
    await session?.release();
  }
}
