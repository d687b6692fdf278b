import type { AttentionShape, FfnShape, ModelConfig } from '../formats/hf-config.js';
import { type Half, LINEAR, NORM } from './names.js';
import { subblockTensors, type TensorShape } from './tensors.js';

/** Weights of one subblock by their names within the layer, row-major, matrices [out, in]. */
export type SubblockTensors = Record<string, Float32Array>;

/**
 * A variant of one subblock of the parent, before any training. `read` gives the parent's tensors by their names within
 * the layer; `absMean` is, per FFN channel of the layer, the mean |activation| (see `channelContributions`).
 */
export async function initialTensors(
  config: ModelConfig,
  layer: number,
  half: Half,
  shape: AttentionShape | FfnShape,
  read: (name: string) => Promise<Float32Array>,
  absMean: ArrayLike<number>,
): Promise<SubblockTensors> {
  const parent = config.layers[layer];
  if (parent === undefined) throw new Error(`no layer ${layer}`);
  const readAll = async (names: readonly TensorShape[]) => {
    const tensors: SubblockTensors = {};
    for (const { name } of names) tensors[name] = await read(name);
    return tensors;
  };
  if (half === 'attention') {
    const tensors = await readAll(subblockTensors(config, 'attention', parent.attention));
    return initialiseAttention(config, parent.attention, shape as AttentionShape, tensors);
  }
  const tensors = await readAll(subblockTensors(config, 'ffn', parent.ffn));
  return initialiseFfn(config, parent.ffn, shape as FfnShape, tensors, absMean);
}

/**
 * The attention variant that comes closest to the parent's without training (Puzzle paper, appendix A): fewer KV heads are
 * the means of the heads they replace; a linear layer is W_v then W_o, as if each token attended to itself alone.
 * A linear layer has no bias, so those of the parent are left out of it.
 */
export function initialiseAttention(
  config: ModelConfig,
  parent: AttentionShape,
  child: AttentionShape,
  tensors: SubblockTensors,
): SubblockTensors {
  if (child.kind === 'no-op') return {};
  if (parent.kind !== 'gqa') return copyOf(parent, child, tensors);
  return child.kind === 'linear'
    ? linearAttention(config, parent.kvHeads, tensors)
    : poolKeyValueHeads(config, parent.kvHeads, child.kvHeads, tensors);
}

/**
 * The FFN variant that comes closest to the parent's without training: a narrower one keeps the channels that contribute
 * most (`absMean`, see `channelContributions`); a linear layer is W_up then W_down, the gate left out.
 */
export function initialiseFfn(
  config: ModelConfig,
  parent: FfnShape,
  child: FfnShape,
  tensors: SubblockTensors,
  absMean: ArrayLike<number>,
): SubblockTensors {
  if (child.kind === 'no-op') return {};
  if (parent.kind !== 'gated') return copyOf(parent, child, tensors);
  if (child.kind === 'linear') return linearFfn(config, parent.width, tensors);
  if (child.width === parent.width) return { ...tensors };
  if (absMean.length !== parent.width) throw new Error(`${absMean.length} means for ${parent.width} channels`);
  const contributions = channelContributions(absMean, tensorOf(tensors, 'mlp.down_proj.weight'));
  return sliceChannels(config, parent.width, keptChannels(contributions, child.width), tensors);
}

/**
 * How much each FFN channel matters: mean |activation| (`absMean`, over calibration tokens, after gate times up) times the
 * norm of its column of W_down [hiddenSize, width], which is the mean L2 change of the output when it is removed.
 */
export function channelContributions(absMean: ArrayLike<number>, down: Float32Array): Float64Array {
  const width = absMean.length;
  const squares = new Float64Array(width);
  down.forEach((value, i) => {
    squares[i % width] = get(squares, i % width) + value * value;
  });
  return squares.map((square, channel) => get(absMean, channel) * Math.sqrt(square));
}

/** The `count` channels that contribute most, the greatest first, equals by index: fewer are always the first of more. */
export function keptChannels(contributions: Float64Array, count: number): number[] {
  if (count > contributions.length) throw new Error(`${count} of ${contributions.length} channels cannot be kept`);
  if (contributions.some(Number.isNaN)) throw new Error('the contribution of a channel is not a number');
  const channels = Array.from(contributions.keys());
  // A stable sort keeps equals in the order of their indices.
  return channels.sort((a, b) => Math.sign(get(contributions, b) - get(contributions, a))).slice(0, count);
}

function poolKeyValueHeads(
  { headDim, hiddenSize }: ModelConfig,
  parentHeads: number,
  childHeads: number,
  tensors: SubblockTensors,
): SubblockTensors {
  const pooled = { ...tensors };
  if (childHeads === parentHeads) return pooled;
  if (parentHeads % childHeads !== 0) throw new Error(`${parentHeads} KV heads cannot be pooled to ${childHeads}`);
  for (const projection of ['self_attn.k_proj', 'self_attn.v_proj']) {
    const matrix = tensorOf(tensors, `${projection}.weight`);
    pooled[`${projection}.weight`] = meanOfHeads(matrix, parentHeads / childHeads, headDim * hiddenSize);
    const bias = tensors[`${projection}.bias`];
    if (bias !== undefined) pooled[`${projection}.bias`] = meanOfHeads(bias, parentHeads / childHeads, headDim);
  }
  return pooled;
}

/** Means of `group` consecutive heads of `headSize` values each. */
function meanOfHeads(values: Float32Array, group: number, headSize: number): Float32Array {
  return Float32Array.from({ length: values.length / group }, (_, i) => {
    const first = Math.floor(i / headSize) * group * headSize + (i % headSize);
    let total = 0;
    for (let member = 0; member < group; member++) total += get(values, first + member * headSize);
    return total / group;
  });
}

function linearAttention(
  { heads, headDim, hiddenSize }: ModelConfig,
  kvHeads: number,
  tensors: SubblockTensors,
): SubblockTensors {
  const output = tensorOf(tensors, 'self_attn.o_proj.weight');
  const value = tensorOf(tensors, 'self_attn.v_proj.weight');
  // Repeating each value head for its queries is the same as adding up the output columns of those queries.
  const [inputs, width] = [heads * headDim, kvHeads * headDim];
  const grouped = new Float64Array(hiddenSize * width);
  output.forEach((entry, i) => {
    const [out, column] = [Math.floor(i / inputs), i % inputs];
    const kvHead = Math.floor(column / headDim / (heads / kvHeads));
    const to = out * width + kvHead * headDim + (column % headDim);
    grouped[to] = get(grouped, to) + entry;
  });
  const matrix = multiply(grouped, value, hiddenSize, width, hiddenSize);
  return withNorm(tensors, NORM.attention, LINEAR.attention, matrix);
}

function linearFfn({ hiddenSize }: ModelConfig, width: number, tensors: SubblockTensors): SubblockTensors {
  const down = tensorOf(tensors, 'mlp.down_proj.weight');
  const up = tensorOf(tensors, 'mlp.up_proj.weight');
  return withNorm(tensors, NORM.ffn, LINEAR.ffn, multiply(down, up, hiddenSize, width, hiddenSize));
}

/** A narrower FFN: rows of gate and up, columns of down; their biases with them, but for that of down, which no channel owns. */
export function sliceChannels(
  { hiddenSize }: ModelConfig,
  width: number,
  kept: readonly number[],
  tensors: SubblockTensors,
): SubblockTensors {
  const sliced = { ...tensors };
  for (const projection of ['mlp.gate_proj', 'mlp.up_proj']) {
    sliced[`${projection}.weight`] = rowsOf(tensorOf(tensors, `${projection}.weight`), hiddenSize, kept);
    const bias = tensors[`${projection}.bias`];
    if (bias !== undefined) sliced[`${projection}.bias`] = rowsOf(bias, 1, kept);
  }
  const down = tensorOf(tensors, 'mlp.down_proj.weight');
  const columns = Float32Array.from({ length: hiddenSize * kept.length }, (_, i) => {
    const channel = kept[i % kept.length] ?? 0;
    return get(down, Math.floor(i / kept.length) * width + channel);
  });
  return { ...sliced, 'mlp.down_proj.weight': columns };
}

function rowsOf(matrix: Float32Array, rowSize: number, rows: readonly number[]): Float32Array {
  const result = new Float32Array(rows.length * rowSize);
  rows.forEach((row, i) => {
    result.set(matrix.subarray(row * rowSize, (row + 1) * rowSize), i * rowSize);
  });
  return result;
}

/** a [rows, inner] times b [inner, columns], summed in float64. */
function multiply(
  a: Float32Array | Float64Array,
  b: Float32Array,
  rows: number,
  inner: number,
  columns: number,
): Float32Array {
  const result = new Float32Array(rows * columns);
  const sums = new Float64Array(columns);
  for (let row = 0; row < rows; row++) {
    sums.fill(0);
    // Row by row of b, so that memory is read in order.
    for (let k = 0; k < inner; k++) {
      const factor = get(a, row * inner + k);
      const start = k * columns;
      for (let column = 0; column < columns; column++) {
        sums[column] = get(sums, column) + factor * get(b, start + column);
      }
    }
    result.set(sums, row * columns);
  }
  return result;
}

function withNorm(tensors: SubblockTensors, norm: string, name: string, matrix: Float32Array): SubblockTensors {
  return { [norm]: tensorOf(tensors, norm), [name]: matrix };
}

/** A parent without heads or channels has no variants but itself and none. */
function copyOf(
  parent: AttentionShape | FfnShape,
  child: AttentionShape | FfnShape,
  tensors: SubblockTensors,
): SubblockTensors {
  if (parent.kind !== child.kind) throw new Error(`a ${parent.kind} subblock has no ${child.kind} variant`);
  return { ...tensors };
}

function tensorOf(tensors: SubblockTensors, name: string): Float32Array {
  const values = tensors[name];
  if (values === undefined) throw new Error(`the parent's subblock has no ${name}`);
  return values;
}

function get(values: ArrayLike<number>, index: number): number {
  return values[index] ?? 0;
}
