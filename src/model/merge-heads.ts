import { cholesky, meanDiagonal, product, withDiagonal } from '../common/cholesky.js';
import type { ModelConfig } from '../formats/hf-config.js';
import { groupHeads } from './head-groups.js';
import type { SubblockTensors } from './initialise.js';
import { keyHeads, sharedKey, turnQuery } from './shared-keys.js';
import { JITTER, sharedValue, valueHeads } from './shared-values.js';

/**
 * Attention with fewer KV heads, near the parent in what it computes rather than in its weights. Heads that resemble one
 * another are grouped, and the query heads put in the order of the groups. The values of a group live in the headDim
 * dimensions that matter most to its output, and the output projection reads them from there. Its keys are, for each
 * rotary frequency, one complex row times a complex factor per head; the factor commutes with the rotation and goes to
 * the queries of that head. Both are the best of their rank for the inputs whose Gram matrix is given.
 *
 * @param gram Σ x xᵀ of the normed inputs [width, width]: the hidden size, and a constant 1 where attention has biases
 */
export function mergeHeads(
  config: ModelConfig,
  [parentHeads, childHeads]: readonly [number, number],
  tensors: SubblockTensors,
  gram: Float64Array,
): SubblockTensors {
  const { heads, headDim, hiddenSize, attentionBias } = config;
  const width = hiddenSize + (attentionBias ? 1 : 0);
  const size = { headDim, width };
  const [query, key, value] = ['q', 'k', 'v'].map((name) => augmented(tensors, `self_attn.${name}_proj`, size)) as [
    Float64Array,
    Float64Array,
    Float64Array,
  ];
  const columns = outputColumns(config, tensors);
  const perGroup = heads / parentHeads;
  const root = cholesky(withDiagonal(gram, width, JITTER * meanDiagonal(gram, width)), width);
  const queriesOf = (head: number) => Array.from({ length: perGroup }, (_, i) => head * perGroup + i);
  const outputs = Array.from({ length: parentHeads }, (_, head) =>
    Float64Array.from(queriesOf(head).flatMap((q) => [...(columns[q] ?? [])])),
  );
  const values = valueHeads(value, outputs, root, size);
  const keys = keyHeads(key, query, root, size);
  const all = Array.from({ length: parentHeads }, (_, head) => head);
  const [valueScale, keyScale] = [sharedValue(values, all).lost, sharedKey(keys, all).lost];
  const groups = groupHeads(parentHeads, childHeads, (a, b) => {
    const part = (lost: number, of: number) => (of > 0 ? lost / of : 0);
    return part(sharedValue(values, [a, b]).lost, valueScale) + part(sharedKey(keys, [a, b]).lost, keyScale);
  });

  const merged = { q: new Float64Array(query.length), k: new Float64Array(0), v: new Float64Array(0) };
  merged.k = new Float64Array(childHeads * headDim * width);
  merged.v = new Float64Array(childHeads * headDim * width);
  const output = new Float32Array(hiddenSize * heads * headDim);
  let place = 0;
  groups.forEach((group, child) => {
    const [shared, sharedKeys] = [sharedValue(values, group), sharedKey(keys, group)];
    const own = group.map((head) => value.subarray(head * headDim * width, (head + 1) * headDim * width));
    const scale = Math.sqrt(own.reduce((total, rows) => total + squared(rows), 0) / group.length / squared(shared.rows));
    const sound = Number.isFinite(scale) && scale > 0 ? scale : 1;
    merged.v.set(shared.rows.map((entry) => entry * sound), child * headDim * width);
    merged.k.set(sharedKeys.rows, child * headDim * width);
    group.forEach((head, member) => {
      for (const q of queriesOf(head)) {
        const rows = query.subarray(q * headDim * width, (q + 1) * headDim * width);
        const turned = turnQuery(rows, sharedKeys.phases[member] ?? new Float64Array(), headDim, width);
        merged.q.set(turned, place * headDim * width);
        const map = (shared.maps[member] ?? new Float64Array()).map((entry) => entry / sound);
        const block = product(columns[q] ?? new Float64Array(), map, [hiddenSize, headDim, headDim]);
        block.forEach((entry, at) => {
          output[Math.floor(at / headDim) * heads * headDim + place * headDim + (at % headDim)] = entry;
        });
        place += 1;
      }
    });
  });
  return {
    ...tensors,
    ...separate('self_attn.q_proj', merged.q, width, hiddenSize),
    ...separate('self_attn.k_proj', merged.k, width, hiddenSize),
    ...separate('self_attn.v_proj', merged.v, width, hiddenSize),
    'self_attn.o_proj.weight': output,
  };
}

function squared(values: Float64Array): number {
  return values.reduce((total, value) => total + value * value, 0);
}

/** A projection as rows [out, width], its bias as their last column. */
function augmented(tensors: SubblockTensors, name: string, { width }: { width: number }): Float64Array {
  const weight = tensors[`${name}.weight`] ?? new Float32Array();
  const bias = tensors[`${name}.bias`];
  if (bias === undefined) return Float64Array.from(weight);
  return Float64Array.from({ length: bias.length * width }, (_, i) => {
    const [row, column] = [Math.floor(i / width), i % width];
    return (column === width - 1 ? bias[row] : weight[row * (width - 1) + column]) ?? 0;
  });
}

/** The inverse of `augmented`. */
function separate(name: string, rows: Float64Array, width: number, hiddenSize: number): SubblockTensors {
  const count = rows.length / width;
  const weight = Float32Array.from(
    { length: count * hiddenSize },
    (_, i) => rows[Math.floor(i / hiddenSize) * width + (i % hiddenSize)] ?? 0,
  );
  if (width === hiddenSize) return { [`${name}.weight`]: weight };
  const bias = Float32Array.from({ length: count }, (_, row) => rows[(row + 1) * width - 1] ?? 0);
  return { [`${name}.weight`]: weight, [`${name}.bias`]: bias };
}

/** The columns of the output projection that read one query head: [hiddenSize, headDim] each. */
function outputColumns({ heads, headDim, hiddenSize }: ModelConfig, tensors: SubblockTensors): Float64Array[] {
  const output = tensors['self_attn.o_proj.weight'] ?? new Float32Array();
  return Array.from({ length: heads }, (_, head) =>
    Float64Array.from(
      { length: hiddenSize * headDim },
      (_, i) => output[Math.floor(i / headDim) * heads * headDim + head * headDim + (i % headDim)] ?? 0,
    ),
  );
}
