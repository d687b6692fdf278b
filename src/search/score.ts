import type { AttentionShape, FfnShape } from '../formats/hf-config.js';
import { input, mul, sum } from '../graph/primitives.js';
import { float32, int64, Session } from '../graph/session.js';
import type { Value } from '../graph/value.js';
import { causalAttention, head, layerBlock } from '../model/blocks.js';
import { cosineDistance, tokenKl, tokenNll } from '../model/losses.js';
import type { Half } from '../model/names.js';
import { checkpointWeights, layerWeights } from '../model/weights.js';
import { type Model, openModel, type TaskAnswer } from './context.js';
import { readTokens, type TokenFile } from './data.js';
import { replacedLayer } from './distil.js';
import { HiddenReader } from './hidden-file.js';
import { variantWeights } from './library.js';

/** One variant to be scored in the full parent. Paths are absolute. */
export interface ScorePayload {
  parentDir: string;
  layer: number;
  half: Half;
  shape: AttentionShape | FfnShape;
  /** The trained tensors; undefined for a no-op. */
  variantFile: string | undefined;
  /** The parent's stream before this subblock, and after the last layer. */
  inputFile: string;
  finalFile: string;
  tokens: TokenFile;
  sequences: number;
}

/** Means over tokens of the full parent with one variant swapped in. */
export interface Score {
  /** KL(parent || child), nats/token. */
  kl: number;
  /** Language-model loss, nats/token. */
  lmLoss: number;
  /** 1 - cosine of the last hidden states. */
  cosine: number;
}

/** Logits held at a time: bounds the memory whatever the vocabulary. */
const MAX_LOGITS = 2 ** 22;

/** How many whole sequences fit in a window. */
function windowSequences(sequenceLength: number, vocabulary: number): number {
  return Math.max(1, Math.floor(MAX_LOGITS / (sequenceLength * vocabulary)));
}

/** Replace-one-block: starts at layer l from the parent's stored activations and runs the rest of the parent. */
export async function scoreTask(payload: ScorePayload, { signal }: { signal: AbortSignal }): Promise<TaskAnswer> {
  const parent = await openModel(payload.parentDir);
  const { hiddenSize, vocabSize } = parent.config;
  const { sequenceLength } = payload.tokens;
  const ids = await readTokens(payload.tokens);
  await using inputs = await HiddenReader.open(payload.inputFile, hiddenSize);
  await using finals = await HiddenReader.open(payload.finalFile, hiddenSize);
  const perWindow = windowSequences(sequenceLength, vocabSize);
  const totals = { kl: 0, lmLoss: 0, cosine: 0 };
  let session: Session | undefined;
  let compiled = 0;
  try {
    for (let first = 0; first < payload.sequences; first += perWindow) {
      signal.throwIfAborted();
      const rows = Math.min(perWindow, payload.sequences - first) * sequenceLength;
      const start = first * sequenceLength;
      if (session === undefined || rows !== compiled) {
        await session?.release();
        session = await Session.create(await program(parent, payload, rows));
        compiled = rows;
      }
      const { targets, weights } = nextTokens(ids.subarray(start, start + rows), sequenceLength);
      const results = await session.run({
        x: float32(await inputs.read(start, rows), [rows, hiddenSize]),
        final: float32(await finals.read(start, rows), [rows, hiddenSize]),
        targets: int64(targets, [rows]),
        weights: float32(weights, [rows, 1]),
      });
      for (const name of ['kl', 'lmLoss', 'cosine'] as const) totals[name] += Number(results[name]?.data[0]);
    }
  } finally {
    await session?.release();
  }
  const tokens = payload.sequences * sequenceLength;
  // The last token of a sequence has no next one to predict.
  const predicted = payload.sequences * (sequenceLength - 1);
  const score: Score = { kl: totals.kl / tokens, lmLoss: totals.lmLoss / predicted, cosine: totals.cosine / tokens };
  const finite = Object.values(score).every(Number.isFinite);
  return { result: finite ? score : { failed: 'its score is not a finite number' }, tokens };
}

/** Each token's successor within its sequence, weight 0 where there is none. */
export function nextTokens(ids: Int32Array, sequenceLength: number): { targets: Int32Array; weights: Float32Array } {
  const isLast = (i: number) => i % sequenceLength === sequenceLength - 1;
  return {
    targets: ids.map((_, i) => (isLast(i) ? 0 : (ids[i + 1] ?? 0))),
    weights: Float32Array.from(ids, (_, i) => (isLast(i) ? 0 : 1)),
  };
}

async function program(parent: Model, payload: ScorePayload, rows: number): Promise<Record<string, Value>> {
  const { config, checkpoint } = parent;
  const { layer, half, shape, tokens } = payload;
  const { sequenceLength } = tokens;
  const weights = checkpointWeights(checkpoint);
  const core = causalAttention({ config, batch: rows / sequenceLength, sequence: sequenceLength });
  const replacement = { half, shape, weights: await variantWeights(payload.variantFile) };
  let x = replacedLayer(parent, layer, replacement, input('x', [rows, config.hiddenSize]), sequenceLength);
  for (const [index, later] of config.layers.entries()) {
    if (index > layer) x = layerBlock(config, later, layerWeights(weights, index), core, x);
  }
  const final = input('final', [rows, config.hiddenSize]);
  const logits = head(config, weights, x);
  const counted = input('weights', [rows, 1]);
  const nll = tokenNll(logits, input('targets', [rows], 'int64'));
  return {
    kl: sum(tokenKl(head(config, weights, final), logits)),
    lmLoss: sum(mul(nll, counted)),
    cosine: sum(cosineDistance(final, x)),
  };
}
