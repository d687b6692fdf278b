import type { AttentionShape, FfnShape } from '../../formats/hf-config.js';
import { input, reshape, sum } from '../../graph/primitives.js';
import { float32, int64, Session, type Tensors } from '../../graph/session.js';
import type { Value } from '../../graph/value.js';
import { attentionHalf, causalAttention, embed, ffnHalf, head, layerBlock, type Weights } from '../../model/blocks.js';
import { tokenKl } from '../../model/losses.js';
import { checkpointWeights, layerWeights } from '../../model/weights.js';
import { type Model, openModel, type TaskAnswer } from '../context.js';
import { readTokens, type TokenFile } from '../data.js';
import { HiddenReader } from '../hidden-file.js';
import { variantWeights } from '../library.js';

/** One half of one layer of a child; the parent's own weights where `library` is undefined. */
export interface RealisedHalf<Shape> {
  shape: Shape;
  /** The trained tensors of the block library; its file is undefined for a no-op. */
  library: { file: string | undefined } | undefined;
}

export interface RealisedLayer {
  attention: RealisedHalf<AttentionShape>;
  ffn: RealisedHalf<FfnShape>;
}

/** Where a child begins to differ from its parent, and what the parent has there; files of the first sequences on. */
export interface StoredStart {
  /** Layers before this one are the parent's; so is the attention of this one where `half` is ffn. */
  layer: number;
  half: 'attention' | 'ffn';
  inputFile: string;
  /** The parent's stream after the last layer. */
  finalFile: string;
}

/** A child that exists nowhere but as a choice per layer, to be run on some sequences. Paths are absolute. */
export interface RealisePayload {
  parentDir: string;
  layers: RealisedLayer[];
  tokens: TokenFile;
  first: number;
  sequences: number;
  /** Undefined: parent and child are run from the embedding on. */
  start: StoredStart | undefined;
}

/** KL(parent || child), nats/token, of each sequence. */
export interface Realised {
  kl: number[];
}

/** Logits held at a time: bounds the memory whatever the vocabulary. */
const MAX_LOGITS = 2 ** 22;

/** The KL of any architecture, straight from the parent's and the library's files: nothing is assembled on disk. */
export async function realiseTask(payload: RealisePayload, { signal }: { signal: AbortSignal }): Promise<TaskAnswer> {
  const parent = await openModel(payload.parentDir);
  const { sequenceLength } = payload.tokens;
  const kl: number[] = [];
  await using source = await openSource(parent, payload);
  const perWindow = Math.max(1, Math.floor(MAX_LOGITS / (sequenceLength * parent.config.vocabSize)));
  let session: Session | undefined;
  let compiled = 0;
  try {
    for (let done = 0; done < payload.sequences; done += perWindow) {
      signal.throwIfAborted();
      const sequences = Math.min(perWindow, payload.sequences - done);
      if (session === undefined || sequences !== compiled) {
        await session?.release();
        session = undefined;
        session = await Session.create({ kl: await program(parent, payload, sequences) });
        compiled = sequences;
      }
      const { kl: sums } = await session.run(await source.window(payload.first + done, sequences));
      for (const total of sums?.data ?? []) kl.push(Number(total) / sequenceLength);
    }
  } finally {
    await session?.release();
  }
  const result: Realised | { failed: string } = kl.every(Number.isFinite)
    ? { kl }
    : { failed: 'its KL is not a finite number' };
  return { result, tokens: payload.sequences * sequenceLength };
}

interface Source extends AsyncDisposable {
  /** What the program is fed for some sequences. */
  window: (first: number, sequences: number) => Promise<Tensors>;
}

async function openSource({ config }: Model, { tokens, start }: RealisePayload): Promise<Source> {
  const { sequenceLength } = tokens;
  const nothing = () => Promise.resolve();
  if (start === undefined) {
    const ids = await readTokens(tokens);
    return {
      window: (first, sequences) => {
        const rows = sequences * sequenceLength;
        const begin = first * sequenceLength;
        return Promise.resolve({ ids: int64(ids.subarray(begin, begin + rows), [rows]) });
      },
      [Symbol.asyncDispose]: nothing,
    };
  }
  const files = { x: start.inputFile, final: start.finalFile };
  const readers = await Promise.all(
    Object.entries(files).map(
      async ([name, file]) => [name, await HiddenReader.open(file, config.hiddenSize)] as const,
    ),
  );
  return {
    window: async (first, sequences) => {
      const rows = sequences * sequenceLength;
      const read = async ([name, reader]: (typeof readers)[number]) =>
        [name, float32(await reader.read(first * sequenceLength, rows), [rows, config.hiddenSize])] as const;
      return Object.fromEntries(await Promise.all(readers.map(read)));
    },
    [Symbol.asyncDispose]: async () => {
      for (const [, reader] of readers) await reader[Symbol.asyncDispose]();
    },
  };
}

/** The sums of KL over the tokens of each sequence: [sequences, 1]. */
async function program(parent: Model, payload: RealisePayload, sequences: number): Promise<Value> {
  const { config } = parent;
  const { start } = payload;
  const sequence = payload.tokens.sequenceLength;
  const rows = sequences * sequence;
  const weights = checkpointWeights(parent.checkpoint);
  const core = causalAttention({ config, batch: sequences, sequence });
  const entering =
    start === undefined ? embed(weights, input('ids', [rows], 'int64')) : input('x', [rows, config.hiddenSize]);
  let x = entering;
  for (const [layer, { attention, ffn }] of payload.layers.entries()) {
    if (start !== undefined && layer < start.layer) continue;
    const own = layerWeights(weights, layer);
    const enters = start !== undefined && layer === start.layer ? start.half : 'attention';
    if (enters === 'attention') x = attentionHalf(config, attention.shape, await halfWeights(attention, own), core, x);
    x = ffnHalf(config, ffn.shape, await halfWeights(ffn, own), x);
  }
  const final =
    start === undefined
      ? config.layers.reduce(
          (y, shape, layer) => layerBlock(config, shape, layerWeights(weights, layer), core, y),
          entering,
        )
      : input('final', [rows, config.hiddenSize]);
  const kl = tokenKl(head(config, weights, final), head(config, weights, x));
  return sum(reshape(kl, [sequences, sequence]), [1]);
}

async function halfWeights({ library }: RealisedHalf<unknown>, own: Weights): Promise<Weights> {
  return library === undefined ? own : variantWeights(library.file);
}
