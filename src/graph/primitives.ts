import type { DType } from './onnx-proto.js';
import {
  type ConstantData,
  type FileRange,
  type Primitive,
  type PrimitiveParams,
  type Shape,
  sizeOf,
  Value,
} from './value.js';

/** Shape rules are below, one function per primitive. */
function value<P extends Primitive>(
  primitive: P,
  inputs: readonly Value[],
  params: PrimitiveParams[P],
  shape: Shape,
  dtype: DType = 'float32',
): Value {
  return new Value<Primitive>(primitive, inputs, params, shape, dtype);
}

function check(condition: boolean, primitive: Primitive, ...shapes: Shape[]): void {
  if (!condition) {
    throw new Error(`${primitive}: shapes do not fit: ${shapes.map((shape) => `[${shape.join(',')}]`).join(' and ')}`);
  }
}

/** A tensor fed at each run. */
export function input(name: string, shape: Shape, dtype: DType = 'float32'): Value {
  return value('input', [], { name }, shape, dtype);
}

/** A tensor stored in the graph. */
export function constant(data: ConstantData, shape: Shape): Value {
  check(data.length === sizeOf(shape), 'constant', [data.length], shape);
  const dtype = data instanceof Float32Array ? 'float32' : data instanceof Int32Array ? 'int32' : 'int64';
  return value('constant', [], { data }, shape, dtype);
}

/** A float32 number that broadcasts against everything. */
export function scalar(number: number): Value {
  return constant(Float32Array.of(number), []);
}

/** A tensor that stays in its file; F16 and BF16 come out as float32. */
export function external(range: FileRange, shape: Shape, dtype: 'float32' | 'float16' | 'bfloat16'): Value {
  const stored = value('external', [], range, shape, dtype);
  return dtype === 'float32' ? stored : value('cast', [stored], {}, shape);
}

/** The shape two operands broadcast to (NumPy rules). */
export function broadcastShape(a: Shape, b: Shape): Shape {
  const rank = Math.max(a.length, b.length);
  return Array.from({ length: rank }, (_, i) => {
    const x = a[a.length - rank + i] ?? 1;
    const y = b[b.length - rank + i] ?? 1;
    if (x !== y && x !== 1 && y !== 1) {
      throw new Error(`shapes do not broadcast: [${a.join(',')}] and [${b.join(',')}]`);
    }
    return x === 1 ? y : x;
  });
}

const binary =
  (primitive: 'add' | 'sub' | 'mul' | 'div' | 'min') =>
  (a: Value | number, b: Value | number): Value => {
    const x = typeof a === 'number' ? scalar(a) : a;
    const y = typeof b === 'number' ? scalar(b) : b;
    return value(primitive, [x, y], {}, broadcastShape(x.shape, y.shape));
  };
export const add = binary('add');
export const sub = binary('sub');
export const mul = binary('mul');
export const div = binary('div');
/** Elementwise minimum; no gradient. */
export const min = binary('min');

const unary =
  (primitive: 'exp' | 'log' | 'sqrt' | 'sigmoid' | 'abs') =>
  (x: Value): Value =>
    value(primitive, [x], {}, x.shape);
export const exp = unary('exp');
export const log = unary('log');
export const sqrt = unary('sqrt');
export const sigmoid = unary('sigmoid');
/** Absolute value; no gradient. */
export const abs = unary('abs');

/** op(a) @ op(b): 2-D, or with equal leading dimensions. */
export function matmul(a: Value, b: Value, transA = false, transB = false): Value {
  const leading = a.shape.slice(0, -2);
  const [am, ak] = lastTwo(a.shape, transA);
  const [bk, bn] = lastTwo(b.shape, transB);
  check(
    ak === bk && leading.length === b.shape.length - 2 && leading.every((d, i) => d === b.shape[i]),
    'matmul',
    a.shape,
    b.shape,
  );
  return value('matmul', [a, b], { transA, transB }, [...leading, am, bn]);
}

function lastTwo(shape: Shape, transposed: boolean): [number, number] {
  const [rows, columns] = shape.slice(-2);
  if (rows === undefined || columns === undefined) {
    throw new Error(`matmul: needs at least two dimensions, got [${shape.join(',')}]`);
  }
  return transposed ? [columns, rows] : [rows, columns];
}

function axesOf(x: Value, axes: readonly number[] | undefined): number[] {
  const all = axes ?? x.shape.map((_, i) => i);
  return all.map((axis) => (axis < 0 ? axis + x.shape.length : axis)).sort((a, b) => a - b);
}

/** Sum over `axes` (all by default), which stay as dimensions of 1. */
export function sum(x: Value, axes?: readonly number[]): Value {
  const reduced = axesOf(x, axes);
  return value(
    'sum',
    [x],
    { axes: reduced },
    x.shape.map((d, i) => (reduced.includes(i) ? 1 : d)),
  );
}

/** Mean over `axes` (all by default), which stay as dimensions of 1. */
export function mean(x: Value, axes?: readonly number[]): Value {
  const total = sum(x, axes);
  return mul(total, total.size / x.size);
}

export function reshape(x: Value, shape: Shape): Value {
  check(x.size === sizeOf(shape), 'reshape', x.shape, shape);
  return value('reshape', [x], { shape }, shape, x.dtype);
}

/** Dimension i of the result is dimension perm[i] of `x`. */
export function transpose(x: Value, perm: readonly number[]): Value {
  const shape = perm.map((axis) => x.shape[axis] ?? -1);
  check(new Set(perm).size === x.shape.length && !shape.includes(-1), 'transpose', x.shape, perm);
  return value('transpose', [x], { perm }, shape, x.dtype);
}

/** Elements start..end-1 along `axis`. */
export function slice(x: Value, axis: number, start: number, end: number): Value {
  const length = x.shape[axis] ?? 0;
  check(start >= 0 && start < end && end <= length, 'slice', x.shape, [axis, start, end]);
  if (end - start === length) return x;
  return value(
    'slice',
    [x],
    { axis, start, end },
    x.shape.map((d, i) => (i === axis ? end - start : d)),
    x.dtype,
  );
}

export function concat(parts: readonly Value[], axis: number): Value {
  const [first] = parts;
  if (first === undefined) throw new Error('concat: nothing to join');
  if (parts.length === 1) return first;
  const total = parts.reduce((length, part) => length + (part.shape[axis] ?? 0), 0);
  return value(
    'concat',
    parts,
    { axis },
    first.shape.map((d, i) => (i === axis ? total : d)),
    first.dtype,
  );
}

function sameShape(a: Shape, b: Shape): boolean {
  return a.length === b.length && a.every((d, i) => d === b[i]);
}

/** Repeats `x` to `shape` by broadcasting. */
export function expand(x: Value, shape: Shape): Value {
  if (sameShape(x.shape, shape)) return x;
  check(sizeOf(broadcastShape(x.shape, shape)) === sizeOf(shape), 'expand', x.shape, shape);
  return value('expand', [x], { shape }, shape);
}

/** Softmax over the last axis. */
export function softmax(x: Value): Value {
  return value('softmax', [x], {}, x.shape);
}

/** Logarithm of the softmax over the last axis. */
export function logSoftmax(x: Value): Value {
  return value('logSoftmax', [x], {}, x.shape);
}

/** Rows of `table` [V,H] at int64 `rows` [N]: [N,H]. */
export function gather(table: Value, rows: Value): Value {
  return value('gather', [table, rows], {}, [...rows.shape, ...table.shape.slice(1)]);
}

/** [count,H] whose row r is the sum of the rows of `values` [N,H] with rows[i] = r. */
export function scatterAdd(values: Value, rows: Value, count: number): Value {
  return value('scatterAdd', [values, rows], { count }, [count, ...values.shape.slice(1)]);
}

/** float32, 1 where two integer tensors agree; no gradient. */
export function equal(a: Value, b: Value): Value {
  return value('equal', [a, b], {}, broadcastShape(a.shape, b.shape));
}

/** int64 index of the largest element of the last axis, which is dropped; no gradient. */
export function argMax(x: Value): Value {
  return value('argMax', [x], {}, x.shape.slice(0, -1), 'int64');
}

/** int64 [N,k]: the columns of the k largest elements of each row of `x` [N,V], largest first; no gradient. */
export function topK(x: Value, k: number): Value {
  check(x.shape.length === 2 && k >= 1 && k <= (x.shape[1] ?? 0), 'topK', x.shape, [k]);
  return value('topK', [x], { k }, [x.shape[0] ?? 0, k], 'int64');
}

/** Of each row of `x` [N,V] the elements in int64 `columns` [N,K]: [N,K]. */
export function gatherColumns(x: Value, columns: Value): Value {
  check(x.shape.length === 2 && columns.shape.length === 2, 'gatherColumns', x.shape, columns.shape);
  check(x.shape[0] === columns.shape[0], 'gatherColumns', x.shape, columns.shape);
  return value('gatherColumns', [x, columns], {}, columns.shape);
}

/** [N,width] with `values` [N,K] added up in int64 `columns` [N,K] of their rows, zero elsewhere. */
export function scatterColumns(values: Value, columns: Value, width: number): Value {
  check(sameShape(values.shape, columns.shape), 'scatterColumns', values.shape, columns.shape);
  return value('scatterColumns', [values, columns], { width }, [values.shape[0] ?? 0, width]);
}

/** `x`, but computed only after `others`: what depends on it is neither computed early nor merged with its like. */
export function barrier(x: Value, others: readonly Value[]): Value {
  return others.length === 0 ? x : value('barrier', [x, ...others], {}, x.shape, x.dtype);
}

/** Rotary position embedding of x [B,S,heads*headDim] at int64 positions [B,S]; cos and sin are [P,headDim/2]. */
export function rotary(x: Value, positions: Value, cos: Value, sin: Value, inverse = false): Value {
  check(x.shape.length === 3 && (x.shape[2] ?? 0) % (2 * (cos.shape[1] ?? 1)) === 0, 'rotary', x.shape, cos.shape);
  return value('rotary', [x, positions, cos, sin], { inverse }, x.shape);
}

/** Root-mean-square normalisation over the last axis: x * rsqrt(mean(x²) + epsilon) * scale [H]. */
export function rmsNorm(x: Value, scale: Value, epsilon: number): Value {
  check(scale.shape.length === 1 && scale.shape[0] === x.shape.at(-1), 'rmsNorm', x.shape, scale.shape);
  return value('rmsNorm', [x, scale], { epsilon }, x.shape);
}
