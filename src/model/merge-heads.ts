import { cholesky, meanDiagonal, product, withDiagonal } from '../common/cholesky.js';
import type { ModelConfig } from '../formats/hf-config.js';
import { groupHeads, type PairCost } from './head-groups.js';
import type { SubblockTensors } from './initialise.js';
import { type KeyHeads, keyHeads, sharedKey, turnQuery } from './shared-keys.js';
import { JITTER, sharedValue, type ValueHeads, valueHeads } from './shared-values.js';

/** The projections of one attention as rows [out, width], a bias as the last column. */
interface Projections {
  width: number;
  query: Float64Array;
  key: Float64Array;
  value: Float64Array;
  /** Of each query head the columns of the output projection that read it, [hiddenSize, headDim]. */
  outputs: Float64Array[];
}

/**
 * Attention with fewer KV heads, near the parent in what it computes rather than in its weights. The heads of a group
 * share one; the query heads come to stand in the order of the groups. The values of a group live in the headDim
 * dimensions that matter most to its output, and the output projection reads them from there. Its keys are, for each
 * rotary frequency, one complex row times a complex factor per head; the factor commutes with the rotation and goes to
 * the queries of that head. Both are the best of their rank for the inputs whose Gram matrix is given.
 */
export class HeadMerger {
  private constructor(
    private readonly config: ModelConfig,
    private readonly tensors: SubblockTensors,
    private readonly parent: Projections,
    private readonly values: ValueHeads,
    private readonly keys: KeyHeads,
    private readonly parentHeads: number,
  ) {}

  /**
   * @param tensors of the parent's attention
   * @param gram Σ x xᵀ of the normed inputs [width, width]: the hidden size, and a constant 1 where attention has biases
   */
  static of(config: ModelConfig, parentHeads: number, tensors: SubblockTensors, gram: Float64Array): HeadMerger {
    const parent = readProjections(config, tensors);
    const { width } = parent;
    const size = { headDim: config.headDim, width };
    const root = cholesky(withDiagonal(gram, width, JITTER * meanDiagonal(gram, width)), width);
    const outputs = Array.from({ length: parentHeads }, (_, head) =>
      stacked(queriesOf(head, config.heads / parentHeads).map((q) => parent.outputs[q] ?? new Float64Array())),
    );
    const values = valueHeads(parent.value, outputs, root, size);
    const keys = keyHeads(parent.key, parent.query, root, size);
    return new HeadMerger(config, tensors, parent, values, keys, parentHeads);
  }

  /** Ways to group the heads, no two the same: neighbours, those with like keys, those with like values. */
  groupings(childHeads: number): number[][][] {
    const { keys, values, parentHeads } = this;
    const costs: PairCost[] = [
      () => 0,
      (a, b) => sharedKey(keys, [a, b]).lost / keys.energy,
      (a, b) => sharedValue(values, [a, b]).lost / values.energy,
    ];
    const found = costs.map((costOf) => groupHeads(parentHeads, childHeads, costOf));
    return [...new Map(found.map((groups) => [JSON.stringify(groups), groups])).values()];
  }

  /** The tensors of the attention whose heads are merged so. */
  merged(groups: readonly (readonly number[])[]): SubblockTensors {
    const { config, parent, values, keys, parentHeads } = this;
    const [{ headDim, hiddenSize, heads }, { width }] = [config, parent];
    const parts: Record<'queries' | 'keys' | 'values' | 'outputs', Float64Array[]> = {
      ...{ queries: [], keys: [], values: [], outputs: [] },
    };
    for (const group of groups) {
      const [value, key] = [sharedValue(values, group), sharedKey(keys, group)];
      const own = group.map((head) => headRows(parent.value, head, headDim * width));
      const scale = likeTheirs(value.rows, own);
      parts.values.push(value.rows.map((entry) => entry * scale));
      parts.keys.push(key.rows);
      group.forEach((head, member) => {
        const phases = key.phases[member] ?? new Float64Array();
        const map = (value.maps[member] ?? new Float64Array()).map((entry) => entry / scale);
        for (const q of queriesOf(head, heads / parentHeads)) {
          parts.queries.push(turnQuery(headRows(parent.query, q, headDim * width), phases, headDim, width));
          const output = parent.outputs[q] ?? new Float64Array();
          parts.outputs.push(product(output, map, [hiddenSize, headDim, headDim]));
        }
      });
    }
    return {
      ...this.tensors,
      ...separate('self_attn.q_proj', stacked(parts.queries), config),
      ...separate('self_attn.k_proj', stacked(parts.keys), config),
      ...separate('self_attn.v_proj', stacked(parts.values), config),
      'self_attn.o_proj.weight': sideBySide(parts.outputs, config),
    };
  }
}

/** The query heads that read a KV head. */
function queriesOf(head: number, perHead: number): number[] {
  return Array.from({ length: perHead }, (_, i) => head * perHead + i);
}

/** What makes shared rows as large as the heads' own on average: training moves all of them at one rate. */
function likeTheirs(shared: Float64Array, own: readonly Float64Array[]): number {
  const squares = (values: Float64Array) => values.reduce((total, value) => total + value * value, 0);
  const scale = Math.sqrt(own.reduce((total, rows) => total + squares(rows), 0) / own.length / squares(shared));
  return Number.isFinite(scale) && scale > 0 ? scale : 1;
}

function headRows(rows: Float64Array, head: number, size: number): Float64Array {
  return rows.subarray(head * size, (head + 1) * size);
}

function stacked(parts: readonly Float64Array[]): Float64Array {
  const result = new Float64Array(parts.reduce((total, { length }) => total + length, 0));
  let at = 0;
  for (const part of parts) {
    result.set(part, at);
    at += part.length;
  }
  return result;
}

function readProjections(config: ModelConfig, tensors: SubblockTensors): Projections {
  const { heads, headDim, hiddenSize } = config;
  const output = tensors['self_attn.o_proj.weight'] ?? new Float32Array();
  const outputs = Array.from({ length: heads }, (_, head) =>
    Float64Array.from(
      { length: hiddenSize * headDim },
      (_, i) => output[Math.floor(i / headDim) * heads * headDim + head * headDim + (i % headDim)] ?? 0,
    ),
  );
  return {
    ...{ width: widthOf(config), outputs },
    query: augmented(tensors, 'self_attn.q_proj', config),
    key: augmented(tensors, 'self_attn.k_proj', config),
    value: augmented(tensors, 'self_attn.v_proj', config),
  };
}

function widthOf({ hiddenSize, attentionBias }: ModelConfig): number {
  return hiddenSize + (attentionBias ? 1 : 0);
}

/** A projection as rows [out, width], its bias as their last column; one that the tensors lack is 0. */
function augmented(tensors: SubblockTensors, name: string, config: ModelConfig): Float64Array {
  const [width, { hiddenSize }] = [widthOf(config), config];
  const [weight, bias] = [tensors[`${name}.weight`] ?? new Float32Array(), tensors[`${name}.bias`]];
  return Float64Array.from({ length: (weight.length / hiddenSize) * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return (column === hiddenSize ? bias?.[row] : weight[row * hiddenSize + column]) ?? 0;
  });
}

/** The inverse of `augmented`. */
function separate(name: string, rows: Float64Array, config: ModelConfig): SubblockTensors {
  const [width, { hiddenSize, attentionBias }] = [widthOf(config), config];
  const count = rows.length / width;
  const weight = Float32Array.from(
    { length: count * hiddenSize },
    (_, i) => rows[Math.floor(i / hiddenSize) * width + (i % hiddenSize)] ?? 0,
  );
  const bias = Float32Array.from({ length: count }, (_, row) => rows[(row + 1) * width - 1] ?? 0);
  return { [`${name}.weight`]: weight, ...(attentionBias ? { [`${name}.bias`]: bias } : {}) };
}

/** Blocks of columns [hiddenSize, headDim] as one projection [hiddenSize, heads * headDim]. */
function sideBySide(blocks: readonly Float64Array[], { headDim, hiddenSize }: ModelConfig): Float32Array {
  const columns = blocks.length * headDim;
  return Float32Array.from({ length: hiddenSize * columns }, (_, i) => {
    const [row, column] = [Math.floor(i / columns), i % columns];
    return blocks[Math.floor(column / headDim)]?.[row * headDim + (column % headDim)] ?? 0;
  });
}
