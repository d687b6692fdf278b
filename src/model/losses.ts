import { add, div, exp, logSoftmax, mean, mul, oneHot, reshape, scalar, sqrt, sub, sum } from '../graph/primitives.js';
import type { Value } from '../graph/value.js';

/** Negative log-likelihood of each target: logits [N,V], int64 targets [N] to [N,1] nats. */
export function tokenNll(logits: Value, targets: Value): Value {
  const vocabulary = logits.shape.at(-1) ?? 0;
  return mul(sum(mul(logSoftmax(logits), oneHot(targets, vocabulary)), [-1]), -1);
}

/** KL(parent || child) of each row of two logits [N,V]: [N,1] nats. */
export function tokenKl(parent: Value, child: Value): Value {
  const logP = logSoftmax(parent);
  return sum(mul(exp(logP), sub(logP, logSoftmax(child))), [-1]);
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
