import type { ModelConfig } from '../formats/hf-config.js';
import { input, mul, sum } from '../graph/primitives.js';
import { float32, int64, type Session, type Tensor } from '../graph/session.js';
import type { Value } from '../graph/value.js';
import { head } from '../model/blocks.js';
import { cosineDistance, tokenKl, tokenNll } from '../model/losses.js';
import { checkpointWeights } from '../model/weights.js';
import {
  bySize,
  type Candidate,
  carry,
  cut,
  inSession,
  readStream,
  type Stream,
  type Window,
} from './candidate-streams.js';
import { openModel, type TaskAnswer } from './context.js';
import { readTokens, type TokenFile } from './data.js';

/** Candidates to be scored together. Paths are absolute. */
export interface ScorePayload {
  parentDir: string;
  candidates: Candidate[];
  /** The parent's stream after the last layer. */
  finalFile: string;
  tokens: TokenFile;
  sequences: number;
  window: ScoringWindow;
}

/** How much is held at a time. */
export interface ScoringWindow {
  /** Sequences that are carried through the parent. */
  sequences: number;
  /** Rows that go through the head. */
  headRows: number;
}

/** Means over tokens of a candidate beside the parent. */
export interface Score {
  /** KL(parent || candidate), nats/token. */
  kl: number;
  /** Language-model loss, nats/token. */
  lmLoss: number;
  /** 1 - cosine of the last hidden states. */
  cosine: number;
}
const LOSSES = ['kl', 'lmLoss', 'cosine'] as const satisfies (keyof Score)[];

/** Bytes of hidden states that a process holds: of all its candidates, over one window of sequences. */
const MAX_STREAM_BYTES = 128 * 2 ** 20;
/** Of small models more would fit, but they are more to lose when a process dies, and fewer to share out. */
const MAX_CANDIDATES = 8;
/** Tokens that go through a subblock together: enough to keep the matrix products efficient. */
const CHUNK_TOKENS = 1024;
/** Logits of one model held at a time: bounds the memory whatever the vocabulary. */
const MAX_LOGITS = 2 ** 20;

/**
 * How many candidates are scored by one task, and over how many sequences they are carried at a time. It follows from
 * the sizes alone, so that no score depends on what else there is to be scored, or by how many processes.
 */
export function scoringWindow(
  { hiddenSize, vocabSize }: Pick<ModelConfig, 'hiddenSize' | 'vocabSize'>,
  sequenceLength: number,
  sequences: number,
): { candidates: number; window: ScoringWindow } {
  const fitting = MAX_STREAM_BYTES / (Float32Array.BYTES_PER_ELEMENT * hiddenSize * sequenceLength);
  const candidates = Math.min(MAX_CANDIDATES, Math.max(1, Math.floor(fitting / sequences)));
  const window = {
    sequences: Math.min(sequences, Math.max(1, Math.floor(fitting / candidates))),
    headRows: Math.max(1, Math.floor(MAX_LOGITS / vocabSize)),
  };
  return { candidates, window };
}

/** Scores candidates: answers with a list of answers, one for each. */
export async function scoreTask(payload: ScorePayload, { signal }: { signal: AbortSignal }): Promise<TaskAnswer> {
  const { candidates, sequences } = payload;
  const parent = await openModel(payload.parentDir);
  const { sequenceLength } = payload.tokens;
  const ids = await readTokens(payload.tokens);
  const totals = candidates.map((): Score => ({ kl: 0, lmLoss: 0, cosine: 0 }));
  const chunkRows = Math.max(1, Math.floor(CHUNK_TOKENS / sequenceLength)) * sequenceLength;
  for (const { first, count } of cut(0, sequences * sequenceLength, payload.window.sequences * sequenceLength)) {
    const window: Window = { parent, sequenceLength, chunks: cut(first, count, chunkRows), signal };
    const streams = await carry(window, candidates);
    const finals = await readStream(window, payload.finalFile);
    await addLosses(window, { finals, streams, ids, headRows: payload.window.headRows }, totals);
  }
  const tokens = sequences * sequenceLength;
  // The last token of a sequence has no next one to predict.
  const predicted = sequences * (sequenceLength - 1);
  const answers = totals.map(({ kl, lmLoss, cosine }): TaskAnswer => {
    const score: Score = { kl: kl / tokens, lmLoss: lmLoss / predicted, cosine: cosine / tokens };
    const finite = Object.values(score).every(Number.isFinite);
    return { result: finite ? score : { failed: 'its score is not a finite number' }, tokens };
  });
  return { result: answers };
}

/** Adds the losses of every stream beside the parent's on the tokens of a window to the stream's totals. */
async function addLosses(
  { parent: { config, checkpoint }, sequenceLength, chunks, signal }: Window,
  { finals, streams, ids, headRows }: { finals: Stream; streams: readonly Stream[]; ids: Int32Array; headRows: number },
  totals: readonly Score[],
): Promise<void> {
  const { hiddenSize, vocabSize } = config;
  const weights = checkpointWeights(checkpoint);
  // Here a row needs no other of its sequence.
  const pieces = chunks.flatMap((chunk, index) => cut(0, chunk.count, headRows).map((rows) => ({ ...rows, index })));
  for (const [count, ofSize] of bySize(pieces)) {
    const size = [count, hiddenSize];
    const addOfSize = async (heads: Session, losses: Session) => {
      const logits = async (x: Tensor) => only(await heads.run({ x }), 'logits');
      for (const { first, index } of ofSize) {
        const rows = (stream: Stream) =>
          float32(at(stream, index).subarray(first * hiddenSize, (first + count) * hiddenSize), size);
        const parent = rows(finals);
        const shared = {
          ...{ parent, parentLogits: await logits(parent) },
          ...nextTokens(ids, at(chunks, index).first + first, count, sequenceLength),
        };
        for (const [i, stream] of streams.entries()) {
          signal.throwIfAborted();
          const candidate = rows(stream);
          const lost = await losses.run({ ...shared, candidate, candidateLogits: await logits(candidate) });
          for (const name of LOSSES) at(totals, i)[name] += Number(only(lost, name).data[0]);
        }
      }
    };
    await inSession({ logits: head(config, weights, input('x', size)) }, (heads) =>
      inSession(lossSums(count, hiddenSize, vocabSize), (losses) => addOfSize(heads, losses)),
    );
  }
}

/** The sums over rows of what a candidate loses, from hidden states and logits of both. */
function lossSums(rows: number, hiddenSize: number, vocabSize: number): Record<keyof Score, Value> {
  const logits = input('candidateLogits', [rows, vocabSize]);
  const nll = tokenNll(logits, input('targets', [rows], 'int64'));
  return {
    kl: sum(tokenKl(input('parentLogits', [rows, vocabSize]), logits)),
    lmLoss: sum(mul(nll, input('weights', [rows, 1]))),
    cosine: sum(cosineDistance(input('parent', [rows, hiddenSize]), input('candidate', [rows, hiddenSize]))),
  };
}

/** The successor of each token within its sequence, weight 0 where there is none. */
function nextTokens(
  ids: Int32Array,
  first: number,
  count: number,
  sequenceLength: number,
): { targets: Tensor; weights: Tensor } {
  const rows = Array.from({ length: count }, (_, i) => first + i);
  const isLast = (row: number) => row % sequenceLength === sequenceLength - 1;
  return {
    targets: int64(
      rows.map((row) => (isLast(row) ? 0 : (ids[row + 1] ?? 0))),
      [count],
    ),
    weights: float32(
      Float32Array.from(rows, (row) => (isLast(row) ? 0 : 1)),
      [count, 1],
    ),
  };
}

function at<T>(list: readonly T[], index: number): T {
  const item = list[index];
  if (item === undefined) throw new Error(`nothing at ${index} of ${list.length}`);
  return item;
}

function only(tensors: Readonly<Record<string, Tensor>>, name: string): Tensor {
  const tensor = tensors[name];
  if (tensor === undefined) throw new Error(`no result "${name}"`);
  return tensor;
}
