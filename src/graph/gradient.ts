import {
  add,
  concat,
  constant,
  div,
  exp,
  expand,
  gatherColumns,
  matmul,
  mean,
  mul,
  reshape,
  rotary,
  scalar,
  scatterAdd,
  scatterColumns,
  slice,
  sqrt,
  sub,
  sum,
  transpose,
} from './primitives.js';
import { Recomputation } from './recompute.js';
import { type Primitive, type Shape, sizeOf, topological, type Value } from './value.js';

/** Vector-Jacobian rule: the result's cotangent to one cotangent per operand (undefined: none flows there). */
type Rule<P extends Primitive> = (cotangent: Value, y: Value<P>) => (Value | undefined)[];

/** The i-th operand of a primitive that has at least that many. */
function operand(y: Value, i: number): Value {
  const value = y.inputs[i];
  if (value === undefined) throw new Error(`${y.primitive} has no operand ${i}`);
  return value;
}

/** Sums a cotangent over the dimensions along which the operand was broadcast. */
function unbroadcast(cotangent: Value, shape: Shape): Value {
  const extra = cotangent.shape.length - shape.length;
  const axes = cotangent.shape.flatMap((d, i) => (i < extra || (shape[i - extra] === 1 && d !== 1) ? [i] : []));
  const reduced = axes.length === 0 ? cotangent : sum(cotangent, axes);
  return reduced.shape.length === shape.length ? reduced : reshape(reduced, shape);
}

function zeros(shape: Shape): Value {
  return constant(new Float32Array(sizeOf(shape)), shape);
}

/** 1 / sqrt(mean(x²) + epsilon) over the last axis. */
function inverseRms(x: Value, epsilon: number): Value {
  return div(scalar(1), sqrt(add(mean(mul(x, x), [-1]), epsilon)));
}

const RULES: { readonly [P in Primitive]?: Rule<P> } = {
  add: (g, y) => [unbroadcast(g, operand(y, 0).shape), unbroadcast(g, operand(y, 1).shape)],
  sub: (g, y) => [unbroadcast(g, operand(y, 0).shape), unbroadcast(mul(g, -1), operand(y, 1).shape)],
  mul: (g, y) => {
    const [a, b] = [operand(y, 0), operand(y, 1)];
    return [unbroadcast(mul(g, b), a.shape), unbroadcast(mul(g, a), b.shape)];
  },
  div: (g, y) => {
    const [a, b] = [operand(y, 0), operand(y, 1)];
    const scaled = div(g, b);
    return [unbroadcast(scaled, a.shape), unbroadcast(mul(mul(scaled, y), -1), b.shape)];
  },
  exp: (g, y) => [mul(g, y)],
  log: (g, y) => [div(g, operand(y, 0))],
  sqrt: (g, y) => [div(mul(g, 0.5), y)],
  sigmoid: (g, y) => [mul(g, mul(y, sub(1, y)))],
  matmul: (g, y) => {
    const [a, b] = [operand(y, 0), operand(y, 1)];
    const { transA, transB } = y.params;
    return [
      transA ? matmul(b, g, transB, true) : matmul(g, b, false, !transB),
      transB ? matmul(g, a, true, transA) : matmul(a, g, !transA, false),
    ];
  },
  sum: (g, y) => [expand(g, operand(y, 0).shape)],
  reshape: (g, y) => [reshape(g, operand(y, 0).shape)],
  transpose: (g, y) => [
    transpose(
      g,
      y.params.perm.map((_, i) => y.params.perm.indexOf(i)),
    ),
  ],
  slice: (g, y) => {
    const { shape } = operand(y, 0);
    const { axis, start, end } = y.params;
    const padding = (length: number) => (length === 0 ? [] : [zeros(shape.map((d, i) => (i === axis ? length : d)))]);
    return [concat([...padding(start), g, ...padding((shape[axis] ?? 0) - end)], axis)];
  },
  concat: (g, y) => {
    let start = 0;
    return y.inputs.map((part) => {
      const end = start + (part.shape[y.params.axis] ?? 0);
      const piece = slice(g, y.params.axis, start, end);
      start = end;
      return piece;
    });
  },
  expand: (g, y) => [unbroadcast(g, operand(y, 0).shape)],
  softmax: (g, y) => [mul(y, sub(g, sum(mul(g, y), [-1])))],
  logSoftmax: (g, y) => [sub(g, mul(exp(y), sum(g, [-1])))],
  gather: (g, y) => {
    const rows = operand(y, 1);
    return [scatterAdd(g, rows, operand(y, 0).shape[0] ?? 0), undefined];
  },
  gatherColumns: (g, y) => [scatterColumns(g, operand(y, 1), operand(y, 0).shape[1] ?? 0), undefined],
  scatterColumns: (g, y) => [gatherColumns(g, operand(y, 1)), undefined],
  barrier: (g, y) => y.inputs.map((_, i) => (i === 0 ? g : undefined)),
  // A rotation's transpose is the rotation by the opposite angle.
  rotary: (g, y) => [
    rotary(g, operand(y, 1), operand(y, 2), operand(y, 3), !y.params.inverse),
    undefined,
    undefined,
    undefined,
  ],
  rmsNorm: (g, y) => {
    const [x, scale] = [operand(y, 0), operand(y, 1)];
    const r = inverseRms(x, y.params.epsilon);
    const normalised = mul(x, r);
    const scaled = mul(g, scale);
    return [
      mul(r, sub(scaled, mul(normalised, mean(mul(scaled, normalised), [-1])))),
      unbroadcast(mul(g, normalised), scale.shape),
    ];
  },
};

/** The primitives that a gradient can flow through. */
export const DIFFERENTIABLE = Object.keys(RULES) as Primitive[];

function applyRule(cotangent: Value, y: Value): (Value | undefined)[] {
  // The table's index and the value's primitive agree by construction; TypeScript cannot see that.
  const rule = RULES[y.primitive] as Rule<Primitive> | undefined;
  if (rule === undefined) {
    throw new Error(`${y.primitive} has no gradient rule but lies between the loss and a parameter`);
  }
  return rule(cotangent, y);
}

/**
 * Reverse-mode differentiation: the gradient of a one-element `loss` with respect to each of `parameters`, as values of
 * the same graph. Only the paths from a parameter to the loss are differentiated, so frozen weights cost nothing.
 *
 * With `held`, only those values stay in memory between the forward and the backward pass; the others are computed again.
 */
export function gradients(loss: Value, parameters: readonly Value[], held?: ReadonlySet<Value>): Value[] {
  if (loss.size !== 1) throw new Error(`the loss must have one element, its shape is [${loss.shape.join(',')}]`);
  const order = topological([loss]);
  const active = new Set<Value>(parameters);
  for (const value of order) {
    if (value.inputs.some((operand) => active.has(operand))) active.add(value);
  }
  const cotangents = new Map<Value, Value>([[loss, constant(Float32Array.of(1), loss.shape)]]);
  const recomputation = held === undefined ? undefined : new Recomputation(held, order);
  for (const value of order.reverse()) {
    const cotangent = cotangents.get(value);
    if (cotangent === undefined || !active.has(value) || value.inputs.length === 0) continue;
    recomputation?.enter(value);
    const contributions = applyRule(cotangent, recomputation?.again(value) ?? value);
    value.inputs.forEach((operand, i) => {
      const contribution = contributions[i];
      if (contribution === undefined || !active.has(operand)) return;
      const before = cotangents.get(operand);
      const sum = before === undefined ? contribution : add(before, contribution);
      cotangents.set(operand, sum);
      recomputation?.leave(operand, sum);
    });
  }
  return parameters.map((parameter) => cotangents.get(parameter) ?? zeros(parameter.shape));
}
