import type { AttentionShape, FfnShape } from '../formats/hf-config.js';
import { input } from '../graph/primitives.js';
import { float32, Session } from '../graph/session.js';
import type { Value } from '../graph/value.js';
import { attentionHalf, causalAttention, ffnHalf, type Weights } from '../model/blocks.js';
import { type Half, HALVES } from '../model/names.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import type { Model } from './context.js';
import { HiddenReader } from './hidden-file.js';
import { variantWeights } from './library.js';

/** A subblock that stands in the place of the parent's. */
export interface Replacement {
  layer: number;
  half: Half;
  shape: AttentionShape | FfnShape;
  /** The trained tensors, absolute; undefined for a no-op. */
  file: string | undefined;
}

/** The parent with some subblocks replaced: at least one, each at most once. */
export interface Candidate {
  /** The parent's stream before the first of them, absolute. */
  inputFile: string;
  replacements: Replacement[];
}

/** Rows of the token file. */
export interface Rows {
  first: number;
  count: number;
}

/** Hidden states, [count, H] for each chunk. */
export type Stream = Float32Array[];

/** What is carried together. */
export interface Window {
  parent: Model;
  sequenceLength: number;
  /** Whole sequences each. */
  chunks: readonly Rows[];
  signal: AbortSignal;
}

/** `count` rows from `first` on, in pieces of `size`; the last one may be smaller. */
export function cut(first: number, count: number, size: number): Rows[] {
  return Array.from({ length: Math.ceil(count / size) }, (_, i) => ({
    first: first + i * size,
    count: Math.min(size, count - i * size),
  }));
}

/** Pieces of the same size together, for each of which one program is compiled. */
export function bySize<T extends Rows>(pieces: readonly T[]): Map<number, T[]> {
  const sizes = [...new Set(pieces.map(({ count }) => count))];
  return new Map(sizes.map((size) => [size, pieces.filter(({ count }) => count === size)]));
}

export async function inSession<T>(
  outputs: Readonly<Record<string, Value>>,
  use: (session: Session) => Promise<T>,
): Promise<T> {
  const session = await Session.create(outputs);
  try {
    return await use(session);
  } finally {
    await session.release();
  }
}

export async function readStream({ parent, chunks }: Window, file: string): Promise<Stream> {
  await using reader = await HiddenReader.open(file, parent.config.hiddenSize);
  const stream: Stream = [];
  for (const { first, count } of chunks) stream.push(await reader.read(first, count));
  return stream;
}

/**
 * The streams of all candidates after the last layer. They go through the parent together, subblock by subblock, each
 * from its first replacement on: one subblock is in memory at a time, and is loaded once for all of them.
 */
export async function carry(window: Window, candidates: readonly Candidate[]): Promise<Stream[]> {
  const { config, checkpoint } = window.parent;
  const weights = checkpointWeights(checkpoint);
  const open = new Map<Candidate, Stream>();
  for (const [layer, shapes] of config.layers.entries()) {
    for (const half of HALVES) {
      const replaced = candidates.flatMap((candidate) =>
        candidate.replacements
          .filter((replacement) => replacement.layer === layer && replacement.half === half)
          .map((replacement) => ({ candidate, replacement })),
      );
      const changed = new Set(replaced.map(({ candidate }) => candidate));
      const unchanged = [...open].filter(([candidate]) => !changed.has(candidate)).map(([, stream]) => stream);
      await through(window, { half, shape: shapes[half], weights: layerWeights(weights, layer) }, unchanged);
      for (const { candidate, replacement } of replaced) {
        const stream = open.get(candidate) ?? (await readStream(window, candidate.inputFile));
        open.set(candidate, stream);
        await through(window, { ...replacement, weights: await variantWeights(replacement.file) }, [stream]);
      }
    }
  }
  return candidates.map((candidate) => {
    const stream = open.get(candidate);
    if (stream === undefined) throw new Error('a candidate replaces nothing');
    return stream;
  });
}

/** A subblock with its weights. */
interface Subblock {
  half: Half;
  shape: AttentionShape | FfnShape;
  weights: Weights;
}

/** Sends streams through a subblock: each chunk is replaced by what comes out. */
async function through(window: Window, subblock: Subblock, streams: readonly Stream[]): Promise<void> {
  if (streams.length === 0 || subblock.shape.kind === 'no-op') return;
  const { parent, chunks, signal } = window;
  const indexed = chunks.map((rows, index) => ({ ...rows, index }));
  for (const [count, ofSize] of bySize(indexed)) {
    const size = [count, parent.config.hiddenSize];
    await inSession({ out: output(window, subblock, input('x', size)) }, async (session) => {
      // What went in is where the next result comes out.
      let spare: Float32Array = new Float32Array(count * parent.config.hiddenSize);
      for (const stream of streams) {
        for (const { index } of ofSize) {
          signal.throwIfAborted();
          const x = stream[index] ?? spare;
          await session.run({ x: float32(x, size) }, { out: float32(spare, size) });
          stream[index] = spare;
          spare = x;
        }
      }
    });
  }
}

/** x [rows, H] through a subblock and its residual. */
function output({ parent: { config }, sequenceLength }: Window, { half, shape, weights }: Subblock, x: Value): Value {
  if (half === 'ffn') return ffnHalf(config, shape as FfnShape, weights, x);
  const core = causalAttention({ config, batch: (x.shape[0] ?? 0) / sequenceLength, sequence: sequenceLength });
  return attentionHalf(config, shape as AttentionShape, weights, core, x);
}
