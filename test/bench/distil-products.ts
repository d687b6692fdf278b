// The matrix products of blockwise distillation, counted and done bare.
import type { AttentionShape, FfnShape, ModelConfig } from '../../src/formats/hf-config.js';
import { input, matmul } from '../../src/graph/primitives.js';
import { Session, zeros } from '../../src/graph/session.js';
import type { Half } from '../../src/model/names.js';
import { subblockTensors } from '../../src/model/tensors.js';

/** `times` products op(a) @ op(b): [m,k] x [k,n], `stack` of them at once. */
export interface Product {
  stack: number;
  m: number;
  k: number;
  n: number;
  transA: boolean;
  transB: boolean;
  times: number;
}

/** 2mkn of each. */
export function flopsOf(products: readonly Product[]): number {
  return products.reduce((sum, { stack, m, k, n, times }) => sum + 2 * stack * m * k * n * times, 0);
}

/** Products of one pass: forward, and, for a step, backward to inputs and, where trained, to weights. */
interface Pass {
  backward: boolean;
  times: number;
}

/** What an attention or FFN variant of a layer, B sequences of S tokens, multiplies in passes forward, or there and back. */
export function variantProducts(
  config: ModelConfig,
  { half, shape }: { half: Half; shape: AttentionShape | FfnShape },
  { batch, sequence }: { batch: number; sequence: number },
  pass: Pass,
): Product[] {
  const rows = batch * sequence;
  const own = config.layers[0]?.ffn;
  if (half === 'ffn') return weightProducts(config, 'ffn', shape as FfnShape, rows, pass, true);
  // Decoupled: the loss is at the end of the layer, behind the parent's own FFN, which is not trained.
  const behind = own === undefined ? [] : weightProducts(config, 'ffn', own, rows, pass, false);
  const attention = shape as AttentionShape;
  const scores = attention.kind === 'gqa' ? scoreProducts(config, attention.kvHeads, batch, sequence, pass) : [];
  return [...weightProducts(config, 'attention', attention, rows, pass, true), ...scores, ...behind];
}

function weightProducts<H extends Half>(
  config: ModelConfig,
  half: H,
  shape: H extends 'ffn' ? FfnShape : AttentionShape,
  rows: number,
  { backward, times }: Pass,
  trained: boolean,
): Product[] {
  const tensors =
    half === 'ffn'
      ? subblockTensors(config, 'ffn', shape as FfnShape)
      : subblockTensors(config, 'attention', shape as AttentionShape);
  return tensors.flatMap(({ shape: [outputs = 0, inputs] }) => {
    if (inputs === undefined) return [];
    const one = { stack: 1, transA: false, transB: false, times };
    const products: Product[] = [{ ...one, m: rows, k: inputs, n: outputs, transB: true }];
    if (backward) products.push({ ...one, m: rows, k: outputs, n: inputs });
    if (backward && trained) products.push({ ...one, m: outputs, k: rows, n: inputs, transA: true });
    return products;
  });
}

/** Scores and mixing, the full S²: two products forward, four backward. Queries that share a KV head are stacked. */
function scoreProducts(
  { heads, headDim }: ModelConfig,
  kvHeads: number,
  batch: number,
  sequence: number,
  { backward, times }: Pass,
): Product[] {
  const stacked = (heads / kvHeads) * sequence;
  const one = { stack: batch * kvHeads, transA: false, transB: false, times };
  const scores = { ...one, m: stacked, k: headDim, n: sequence, transB: true };
  const mixing = { ...one, m: stacked, k: sequence, n: headDim };
  const ofKeys = { ...one, m: sequence, k: stacked, n: headDim, transA: true };
  // Backward: weights as scores, queries as mixing, keys and values alike.
  return backward ? [scores, mixing, scores, mixing, ofKeys, ofKeys] : [scores, mixing];
}

/** Does products bare, on one thread: each shape has a graph of its own, compiled ahead. */
export class BareProducts {
  private constructor(private readonly runs: readonly { session: Session; run: () => Promise<void> }[]) {}

  static async create(products: readonly Product[]): Promise<BareProducts> {
    const merged = new Map<string, Product>();
    for (const product of products) {
      const key = JSON.stringify({ ...product, times: 0 });
      merged.set(key, { ...product, times: product.times + (merged.get(key)?.times ?? 0) });
    }
    return new BareProducts(await Promise.all([...merged.values()].map(bare)));
  }

  async run(): Promise<void> {
    for (const { run } of this.runs) await run();
  }

  async release(): Promise<void> {
    for (const { session } of this.runs) await session.release();
  }
}

async function bare({ stack, m, k, n, transA, transB, times }: Product) {
  const stacked = (rows: number, columns: number) => (stack === 1 ? [rows, columns] : [stack, rows, columns]);
  const shapes = { a: transA ? stacked(k, m) : stacked(m, k), b: transB ? stacked(n, k) : stacked(k, n) };
  const session = await Session.create({ c: matmul(input('a', shapes.a), input('b', shapes.b), transA, transB) });
  const filled = (shape: number[]) => {
    const tensor = zeros(shape);
    (tensor.data as Float32Array).fill(0.5);
    return tensor;
  };
  const feeds = { a: filled(shapes.a), b: filled(shapes.b) };
  const into = { c: zeros(stacked(m, n)) };
  const run = async () => {
    for (let i = 0; i < times; i++) await session.run(feeds, into);
  };
  return { session, run };
}
