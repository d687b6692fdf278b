import path from 'node:path';
import { InputError } from '../common/errors.js';
import { abs, input, sum } from '../graph/primitives.js';
import { float32, int64, Session, type Tensor } from '../graph/session.js';
import type { Value } from '../graph/value.js';
import { attentionHalf, causalAttention, embed, ffnActivation, ffnHalf } from '../model/blocks.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import { writeDirectory, writeJson } from '../run/artifacts.js';
import type { Stage } from '../run/events.js';
import { taskKey } from '../run/task-key.js';
import type { Model, SearchContext } from './context.js';
import { type PackedData, readTokens, type Split } from './data.js';
import { HiddenReader, HiddenWriter } from './hidden-file.js';

/** The parent's hidden states on one split, layer by layer, in the run directory. */
export interface Activations {
  /** Tokens, a multiple of the sequence length. */
  tokens: number;
  sequenceLength: number;
  /** The stream after the embedding and after each layer: layers + 1 files. */
  hidden: string[];
  /** The stream between the attention and the FFN of each layer. */
  middle: string[];
  /** Per layer, a JSON file with the mean |activation| of every FFN channel of the parent; empty for a no-op FFN. */
  channels: string[];
}

/** What the activations of a split are for. */
const STAGE_OF = { train: 'distil', validation: 'score', test: 'evaluate' } as const satisfies Record<Split, Stage>;

/** The largest finite F16: what hidden states are stored as. */
const MAX_F16 = 65_504;

/** Sequences run together: bounds the memory of a window of activations. */
const WINDOW_SEQUENCES = 8;

/**
 * Layer streaming: each layer runs over all tokens from the stored hidden states of the one before, so that one layer
 * and one window of activations are in memory, whatever the depth.
 */
export async function streamActivations(
  context: SearchContext,
  data: PackedData,
  split: Split,
  maxTokens: number,
): Promise<Activations> {
  const { run, parent } = context;
  const { sequenceLength, sequences: available } = data.splits[split];
  const sequences = Math.min(available, Math.ceil(maxTokens / sequenceLength));
  if (split === 'train' && sequences < 2) {
    throw new InputError(
      `too little text: distillation needs two sequences of ${sequenceLength} tokens, one of them held out; add text or shorten the sequences`,
      [context.spec.data.text].flat().join(', '),
    );
  }
  const result: Activations = {
    tokens: sequences * sequenceLength,
    sequenceLength,
    hidden: [],
    middle: [],
    channels: [],
  };
  const layers = parent.config.layers.length;
  for (let layer = -1; layer < layers; layer++) {
    const key = taskKey('activations', {
      threads: context.threads,
      parent: context.parentHash,
      data: data.key,
      split,
      sequences,
      layer,
    });
    const artifact = `activations/${split}/layer${layer}-${key.slice(0, 8)}`;
    const label = layer < 0 ? `activations (${split}): embedding` : `activations (${split}): layer ${layer}`;
    await run.checkpoint();
    await run.once(key, { stage: STAGE_OF[split], kind: 'activations', label }, async () => {
      await writeDirectory(run.path(artifact), async (dir) => {
        if (layer < 0) await embedTokens(context, data, split, sequences, dir);
        else await runLayer(context, layer, result.hidden[layer] ?? '', sequences, sequenceLength, dir);
      });
      return { artifact };
    });
    const file = (name: string) => path.join(run.path(artifact), name);
    result.hidden.push(file('out.f16'));
    if (layer < 0) continue;
    result.middle.push(file('middle.f16'));
    result.channels.push(file('channels.json'));
  }
  return result;
}

async function embedTokens(
  context: SearchContext,
  data: PackedData,
  split: Split,
  sequences: number,
  dir: string,
): Promise<void> {
  const { sequenceLength } = data.splits[split];
  const tokens = await readTokens(data.splits[split]);
  const weights = checkpointWeights(context.parent.checkpoint);
  await using writer = await HiddenWriter.create(path.join(dir, 'out.f16'));
  await inWindows(sequences, sequenceLength, context.threads, {
    program: (rows) => ({ out: embed(weights, input('ids', [rows], 'int64')) }),
    run: async (session, first, rows) => {
      const { out } = await session.run({ ids: int64(tokens.subarray(first, first + rows), [rows]) });
      await writer.append(sound(floats(out), 'the embedding', context.parent));
    },
  });
  await writer.sync();
}

async function runLayer(
  context: SearchContext,
  layer: number,
  hidden: string,
  sequences: number,
  sequenceLength: number,
  dir: string,
): Promise<void> {
  const { config, checkpoint } = context.parent;
  const shape = config.layers[layer];
  if (shape === undefined) throw new Error(`no layer ${layer}`);
  const weights = layerWeights(checkpointWeights(checkpoint), layer);
  await using reader = await HiddenReader.open(hidden, config.hiddenSize);
  await using middleWriter = await HiddenWriter.create(path.join(dir, 'middle.f16'));
  await using outWriter = await HiddenWriter.create(path.join(dir, 'out.f16'));
  const width = shape.ffn.kind === 'gated' ? shape.ffn.width : 0;
  const totals = new Float64Array(width);
  await inWindows(sequences, sequenceLength, context.threads, {
    program: (rows) => {
      const x = input('x', [rows, config.hiddenSize]);
      const core = causalAttention({ config, batch: rows / sequenceLength, sequence: sequenceLength });
      const middle = attentionHalf(config, shape.attention, weights, core, x);
      const outputs: Record<string, Value> = { middle, out: ffnHalf(config, shape.ffn, weights, middle) };
      if (width > 0) outputs['channels'] = sum(abs(ffnActivation(config, weights, middle)), [0]);
      return outputs;
    },
    run: async (session, first, rows) => {
      await context.run.checkpoint();
      const { middle, out, channels } = await session.run({
        x: float32(await reader.read(first, rows), [rows, config.hiddenSize]),
      });
      await middleWriter.append(sound(floats(middle), `the attention of layer ${layer}`, context.parent));
      await outWriter.append(sound(floats(out), `layer ${layer}`, context.parent));
      if (channels !== undefined) floats(channels).forEach((value, i) => (totals[i] = (totals[i] ?? 0) + value));
    },
  });
  for (const file of [middleWriter, outWriter]) await file.sync();
  await writeJson(
    path.join(dir, 'channels.json'),
    [...totals].map((total) => total / (sequences * sequenceLength)),
  );
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
  sequences: number,
  sequenceLength: number,
  threads: number,
  work: {
    program: (rows: number) => Record<string, Value>;
    run: (session: Session, firstRow: number, rows: number) => Promise<void>;
  },
): Promise<void> {
  let session: Session | undefined;
  let compiled = 0;
  try {
    for (let first = 0; first < sequences; first += WINDOW_SEQUENCES) {
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
