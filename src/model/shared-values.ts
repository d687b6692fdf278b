import { cholesky, meanDiagonal, product, productTransposed, solveUpper, withDiagonal } from '../common/cholesky.js';
import { heldTrace, principalSubspace } from '../common/principal.js';

/** Keeps factors of matrices without full rank apart from zero, relative to the mean of their diagonal. */
export const JITTER = 1e-6;

export interface ValueHeads {
  headDim: number;
  /** Columns of `rows`: the hidden size, and one more for biases. */
  width: number;
  /** Per KV head C, [headDim, headDim] lower triangular: C Cᵀ = Σ OᵀO over its query heads' output columns O. */
  factors: Float64Array[];
  /** Cᵀ V of each head, [kvHeads * headDim, width]: in these coordinates an error is as long as it is in the output. */
  rows: Float64Array;
  /** Σ over tokens of what `rows` give times itself, [kvHeads * headDim, kvHeads * headDim]. */
  gram: Float64Array;
  /** Its trace. */
  energy: number;
}

export interface SharedValue {
  /** The value projection that a group shares, [headDim, width]. */
  rows: Float64Array;
  /** Per head R, [headDim, headDim]: its own values are near R times the shared ones. */
  maps: Float64Array[];
  /** Σ over tokens of the squared error in the output, if each head attended to one token alone. */
  lost: number;
}

/**
 * @param value [kvHeads * headDim, width]
 * @param output of each KV head's query heads, stacked: [rows, headDim] each
 * @param root L with L Lᵀ = the Gram matrix of the inputs, [width, width]
 */
export function valueHeads(
  value: Float64Array,
  outputs: readonly Float64Array[],
  root: Float64Array,
  { headDim, width }: { headDim: number; width: number },
): ValueHeads {
  const rows = new Float64Array(value.length);
  const factors = outputs.map((output, head) => {
    const count = output.length / headDim;
    const columns = transposed(output, count, headDim);
    const metric = productTransposed(columns, columns, [headDim, count, headDim]);
    const factor = cholesky(
      withDiagonal(metric, headDim, JITTER * meanDiagonal(metric, headDim) + Number.MIN_VALUE),
      headDim,
    );
    const own = value.subarray(head * headDim * width, (head + 1) * headDim * width);
    rows.set(product(transposed(factor, headDim, headDim), own, [headDim, headDim, width]), head * headDim * width);
    return factor;
  });
  const count = value.length / width;
  const seen = product(rows, root, [count, width, width]);
  const gram = productTransposed(seen, seen, [count, width, count]);
  return { headDim, width, factors, rows, gram, energy: meanDiagonal(gram, count) * count };
}

/** The headDim dimensions that hold most of what the values of a group of heads give to the output. */
export function sharedValue(
  { headDim, width, factors, rows, gram }: ValueHeads,
  group: readonly number[],
): SharedValue {
  const size = group.length * headDim;
  const all = factors.length * headDim;
  const from = group.flatMap((head) => Array.from({ length: headDim }, (_, i) => head * headDim + i));
  const block = Float64Array.from(
    { length: size * size },
    (_, i) => gram[(from[Math.floor(i / size)] ?? 0) * all + (from[i % size] ?? 0)] ?? 0,
  );
  const basis = principalSubspace(block, size, headDim);
  const stacked = new Float64Array(size * width);
  from.forEach((row, i) => {
    stacked.set(rows.subarray(row * width, (row + 1) * width), i * width);
  });
  const shared = product(transposed(basis, size, headDim), stacked, [headDim, size, width]);
  const maps = group.map((head, i) => {
    const map = basis.slice(i * headDim * headDim, (i + 1) * headDim * headDim);
    solveUpper(factors[head] ?? new Float64Array(), headDim, map, headDim);
    return map;
  });
  return { rows: shared, maps, lost: meanDiagonal(block, size) * size - heldTrace(block, basis, size, headDim) };
}

export function transposed(matrix: Float64Array, rows: number, columns: number): Float64Array {
  const result = new Float64Array(matrix.length);
  for (let i = 0; i < rows; i++) {
    for (let j = 0; j < columns; j++) result[j * rows + i] = matrix[i * columns + j] ?? 0;
  }
  return result;
}
