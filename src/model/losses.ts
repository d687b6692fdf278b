import {
  add,
  constant,
  div,
  exp,
  gatherColumns,
  log,
  logSoftmax,
  mean,
  mul,
  reshape,
  scalar,
  scatterColumns,
  sqrt,
  sub,
  sum,
  topK,
} from '../graph/primitives.js';
import type { Value } from '../graph/value.js';

/** Negative log-likelihood of each target: logits [N,V], int64 targets [N] or [N,1] to [N,1] nats. */
export function tokenNll(logits: Value, targets: Value): Value {
  return mul(gatherColumns(logSoftmax(logits), reshape(targets, [targets.size, 1])), -1);
}

/** KL(parent || child) of each row of two logits [N,V]: [N,1] nats. */
export function tokenKl(parent: Value, child: Value): Value {
  const logP = logSoftmax(parent);
  return sum(mul(exp(logP), sub(logP, logSoftmax(child))), [-1]);
}

/** Below every probability of a float32 softmax: keeps the logarithm of an empty rest finite. */
const NO_PROBABILITY = 1e-30;

/**
 * KL(parent || child) of each row of two logits [N,V], all tokens but the parent's `k` likeliest taken as one: [N,1] nats.
 * With p, q the probabilities and r(p) = the sum of p outside the k: sum over the k of p log(p/q), + r(p) log(r(p)/r(q)).
 * At most the full KL, and equal to it for k = V.
 */
export function topKKl(parent: Value, child: Value, k: number): Value {
  const [rows = 0, vocabulary = 0] = parent.shape;
  if (k >= vocabulary) return tokenKl(parent, child);
  const columns = topK(parent, k);
  const among = scatterColumns(constant(new Float32Array(rows * k).fill(1), [rows, k]), columns, vocabulary);
  const outside = sub(1, among);
  const split = (logits: Value) => {
    const logs = logSoftmax(logits);
    // Summed, not 1 minus the others: what little is left would be lost to rounding.
    const rest = log(add(sum(mul(exp(logs), outside), [-1]), NO_PROBABILITY));
    return { top: gatherColumns(logs, columns), rest };
  };
  const [p, q] = [split(parent), split(child)];
  const top = sum(mul(exp(p.top), sub(p.top, q.top)), [-1]);
  return add(top, mul(exp(p.rest), sub(p.rest, q.rest)));
}

/** 1 - cos(a, b) of each row: [N,H] and [N,H] to [N,1]. */
export function cosineDistance(a: Value, b: Value): Value {
  const dot = (x: Value, y: Value) => sum(mul(x, y), [-1]);
  // The small number keeps rows of zeros from dividing by zero.
  return sub(scalar(1), div(dot(a, b), sqrt(add(mul(dot(a, a), dot(b, b)), 1e-12))));
}

/** The paper's blockwise loss: MSE(parent, child) / MSE(parent, 0), shape []. */
export function normalisedMse(parent: Value, child: Value): Value {
  const error = sub(parent, child);
  return reshape(div(mean(mul(error, error)), mean(mul(parent, parent))), []);
}
