import type { DType } from './onnx-proto.js';

export type Shape = readonly number[];

/** Bytes of a tensor inside a file, read in place by the runtime: nothing is copied or converted beforehand. */
export interface FileRange {
  file: string;
  offset: number;
  byteLength: number;
}

export type ConstantData = Float32Array | Int32Array | BigInt64Array;

type None = Record<string, never>;

/**
 * The closed set of primitives, each with its parameters. A primitive has one shape rule (primitives.ts), one emission
 * rule (emit.ts) and, if it can lie between a loss and a parameter, one vector-Jacobian rule (gradient.ts).
 */
export interface PrimitiveParams {
  /** Fed at each run. */
  input: { name: string };
  constant: { data: ConstantData };
  external: FileRange;
  /** To float32. */
  cast: None;
  add: None;
  sub: None;
  mul: None;
  div: None;
  min: None;
  exp: None;
  log: None;
  sqrt: None;
  sigmoid: None;
  abs: None;
  /** 2-D, or equal leading dimensions: op(a) @ op(b), op = transpose of the last two dimensions where asked. */
  matmul: { transA: boolean; transB: boolean };
  /** Keeps the reduced dimensions as 1. */
  sum: { axes: readonly number[] };
  reshape: { shape: Shape };
  transpose: { perm: readonly number[] };
  slice: { axis: number; start: number; end: number };
  concat: { axis: number };
  expand: { shape: Shape };
  /** Over the last axis. */
  softmax: None;
  /** Over the last axis. */
  logSoftmax: None;
  /** (table [V,H], rows [N]) -> [N,H] */
  gather: None;
  /** (values [N,H], rows [N]) -> [count,H]: the transpose of gather. */
  scatterAdd: { count: number };
  /** (ids [N], other [N]) -> [N] float32, 1 where equal */
  equal: None;
  /** Index of the largest along the last axis, int64, the axis dropped. */
  argMax: None;
  /** (x [N,V]) -> [N,k] int64: where the k largest of each row are, largest first. */
  topK: { k: number };
  /** (x [N,V], columns [N,K] int64) -> [N,K]: of each row the named columns. */
  gatherColumns: None;
  /** (values [N,K], columns [N,K] int64) -> [N,width], zero elsewhere: the transpose of gatherColumns. */
  scatterColumns: { width: number };
  /** (x, others…) -> x, computed only when the others are there: keeps the runtime from computing x early, or only once. */
  barrier: None;
  /** (x [B,S,heads*headDim], positions [B,S] int64, cos [P,headDim/2], sin [P,headDim/2]) -> like x. Pairs i with i+headDim/2. */
  rotary: { inverse: boolean };
  /** x * rsqrt(mean(x², last axis) + epsilon) * scale. Inputs (x, scale [H]). Gradient goes to both. */
  rmsNorm: { epsilon: number };
}

export type Primitive = keyof PrimitiveParams;

/** A primitive applied to operands, and at the same time its result: graphs are immutable, shared and acyclic. */
export class Value<P extends Primitive = Primitive> {
  constructor(
    readonly primitive: P,
    readonly inputs: readonly Value[],
    readonly params: PrimitiveParams[P],
    readonly shape: Shape,
    readonly dtype: DType = 'float32',
  ) {}

  /** Elements. */
  get size(): number {
    return sizeOf(this.shape);
  }

  /** Narrows to one primitive, with its parameters. */
  is<Q extends Primitive>(primitive: Q): this is Value<Q> {
    const own: Primitive = this.primitive;
    return own === primitive;
  }
}

export function sizeOf(shape: Shape): number {
  return shape.reduce((product, dimension) => product * dimension, 1);
}

/** Everything that `outputs` reach, operands before results; the order is the same for the same graph. */
export function topological(outputs: readonly Value[]): Value[] {
  const order: Value[] = [];
  const seen = new Set<Value>();
  // An explicit stack: a deep model would overflow the call stack.
  const stack: { value: Value; next: number }[] = [];
  const visit = (value: Value) => {
    if (seen.has(value)) return;
    seen.add(value);
    stack.push({ value, next: 0 });
  };
  for (const output of outputs) {
    visit(output);
    for (let top = stack.at(-1); top !== undefined; top = stack.at(-1)) {
      const operand = top.value.inputs[top.next++];
      if (operand !== undefined) visit(operand);
      else {
        order.push(top.value);
        stack.pop();
      }
    }
  }
  return order;
}
