import type { ModelConfig } from '../formats/hf-config.js';
import { add, concat, constant, mean, mul, reshape, slice, sum } from '../graph/primitives.js';
import type { Objective } from '../graph/trainer.js';
import { topological, type Value } from '../graph/value.js';
import { head, type Weights } from '../model/blocks.js';
import { forward } from '../model/forward.js';
import { cosineDistance, tokenKl, tokenNll, topKKl } from '../model/losses.js';
import type { UptrainLoss } from './spec-schema.js';

/** Some rows of a batch, as the head sees them: logits [R,V] of both, the next token [R,1] of each, 0 where there is none [R,1]. */
interface LogitRows {
  teacher: Value;
  student: Value;
  next: Value;
  hasNext: Value;
}

/** Losses of every row: [R,1] nats. */
const TOKEN_LOSSES = {
  /** KL(parent || child), over the `topK` likeliest tokens of the parent and all others as one, or over all. */
  kl: ({ teacher, student }: LogitRows, topK: number | undefined) =>
    topK === undefined ? tokenKl(teacher, student) : topKKl(teacher, student, topK),
  /** The text itself, without the parent. */
  lm: ({ student, next, hasNext }: LogitRows) => mul(tokenNll(student, next), hasNext),
} as const;

type TokenLoss = keyof typeof TOKEN_LOSSES;

export interface ObjectiveSettings {
  loss: readonly UptrainLoss[];
  /** Tokens that the KL of the loss tells apart; undefined: all. The KL that is reported is always the full one. */
  topK?: number | undefined;
  /** Sequences, and tokens in each. */
  batch: number;
  sequence: number;
  /** Hold only the hidden states between layers for the backward pass. */
  recompute: boolean;
  /** Rows of logits in memory at a time: further ones are computed after them, and again in the backward pass. */
  headRows: number;
}

/** A model inside the graph. */
export interface GraphModel {
  config: ModelConfig;
  weights: Weights;
}

/**
 * Global knowledge distillation: the sum of the chosen losses, each a mean over tokens, and as an extra the full `kl`.
 * The heads run over a bounded number of rows at a time, whatever the vocabulary, and once more in the backward pass.
 */
export function uptrainObjective(
  parent: GraphModel,
  child: GraphModel,
  ids: Value,
  settings: ObjectiveSettings,
): Objective {
  const { batch, sequence, loss, topK, recompute, headRows } = settings;
  const states = ({ config, weights }: GraphModel) => forward({ config, batch, sequence }, weights, ids).hidden;
  const [teacher, student] = [states(parent), states(child)];
  const rows = batch * sequence;
  const { next, hasNext } = nextTokens(ids, batch, sequence);
  const chunks = Array.from({ length: Math.ceil(rows / headRows) }, (_, i): LogitRows => {
    const part = (x: Value) => slice(x, 0, i * headRows, Math.min(rows, (i + 1) * headRows));
    const logits = ({ config, weights }: GraphModel, hidden: readonly Value[]) =>
      head(config, weights, part(last(hidden)));
    return {
      teacher: logits(parent, teacher),
      student: logits(child, student),
      next: part(next),
      hasNext: part(hasNext),
    };
  });
  const sums = new Map<string, Value[]>();
  /** Mean over all tokens that are `counted`. */
  const tokenMean = (name: TokenLoss, k: number | undefined, counted: number) => {
    const parts = chunks.map((logits) => sum(TOKEN_LOSSES[name](logits, k)));
    sums.set(`${name} ${String(k)}`, parts);
    return reshape(mul(parts.reduce(add), 1 / counted), []);
  };
  const kl = tokenMean('kl', undefined, rows);
  const terms: Record<UptrainLoss, () => Value> = {
    kl: () => (topK === undefined ? kl : tokenMean('kl', topK, rows)),
    lm: () => tokenMean('lm', undefined, batch * (sequence - 1)),
    cosine: () => hiddenDistance(teacher, student),
  };
  const total = loss.map((name) => terms[name]()).reduce(add);
  const held = heldValues([...teacher, ...student], [...sums.values()].flat(), recompute, chunks.length > 1);
  return { loss: total, extras: { kl }, ...(held === undefined ? {} : { held }) };
}

function last(hidden: readonly Value[]): Value {
  const value = hidden.at(-1);
  if (value === undefined) throw new Error('a forward program has at least the embedding');
  return value;
}

/** int64 [rows,1]: the token after each, and whether the sequence has one. */
function nextTokens(ids: Value, batch: number, sequence: number): { next: Value; hasNext: Value } {
  const rows = batch * sequence;
  const rotated = rows > 1 ? concat([slice(ids, 0, 1, rows), slice(ids, 0, 0, 1)], 0) : ids;
  const inside = Float32Array.from({ length: rows }, (_, i) => Number((i + 1) % sequence !== 0));
  return { next: reshape(rotated, [rows, 1]), hasNext: constant(inside, [rows, 1]) };
}

/** Mean over tokens and layers of 1 - cos(parent, child). */
function hiddenDistance(teacher: readonly Value[], student: readonly Value[]): Value {
  const distances = student.slice(1).map((hidden, i) => {
    const target = teacher[i + 1];
    if (target === undefined) throw new Error('parent and child differ in depth');
    return mean(cosineDistance(target, hidden));
  });
  return reshape(mul(distances.reduce(add), 1 / distances.length), []);
}

/** What is not computed twice; undefined: nothing is. */
function heldValues(
  hidden: readonly Value[],
  sums: readonly Value[],
  recompute: boolean,
  chunked: boolean,
): ReadonlySet<Value> | undefined {
  if (recompute) return new Set([...hidden, ...sums]);
  return chunked ? new Set([...topological(hidden), ...sums]) : undefined;
}
