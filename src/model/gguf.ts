import { InputError } from '../common/errors.js';
import { float32, type GgufEntry, int32s, text, uint32 } from '../formats/gguf-entry.js';
import { type GgmlType, GGUF_PRECISIONS, type GgufPrecision, tensorType } from '../formats/gguf-tensor.js';
import type { GgufTensor } from '../formats/gguf-write.js';
import type { LayerShape, ModelConfig } from '../formats/hf-config.js';
import { ggufProblems, isEmpty } from './gguf-shapes.js';
import { EMBEDDING, FINAL_NORM, LINEAR, LM_HEAD, layerTensor, NORM } from './names.js';
import { ropeFrequencies } from './rope.js';
import { modelTensors } from './tensors.js';

/** A model as llama.cpp wants it, but for the tokenizer: `entries` for the file's head, tensors in its order. */
export interface GgufModel {
  entries: GgufEntry[];
  tensors: GgufTensor[];
}

/** llama.cpp's names of a model's tensors. */
const NAMES: Record<string, string> = { [EMBEDDING]: 'token_embd', [FINAL_NORM]: 'output_norm', [LM_HEAD]: 'output' };

/** And of a layer's, by their names within it. A linear replacement is an attention without heads for keys. */
const LAYER_NAMES: Record<string, string> = {
  [NORM.attention]: 'attn_norm',
  'self_attn.q_proj.weight': 'attn_q',
  'self_attn.k_proj.weight': 'attn_k',
  'self_attn.v_proj.weight': 'attn_v',
  'self_attn.o_proj.weight': 'attn_output',
  [LINEAR.attention]: 'attn_output',
  [NORM.ffn]: 'ffn_norm',
  'mlp.gate_proj.weight': 'ffn_gate',
  'mlp.up_proj.weight': 'ffn_up',
  'mlp.down_proj.weight': 'ffn_down',
};

/** llama.cpp rotates neighbours where Hugging Face rotates halves of a head. */
const ROTATED = /\.(q|k)_proj\.weight$/;

/** The tensors of a linear attention. */
const NOTHING = new Set([NORM.attention, LINEAR.attention]);

/** llama.cpp's numbers for what most of a file is. */
const FILE_TYPES: Record<GgmlType, number> = { F32: 0, F16: 1, Q8_0: 7 };

/**
 * What the GGUF of a model holds beside its tokenizer. Alike layers make the architecture `llama`, others `deci`, in
 * which every layer has its own numbers of heads and channels; layers that do nothing are left out.
 *
 * @param read gives a tensor by its name in the model, row-major
 * @throws InputError that names every layer which llama.cpp cannot compute, and why
 */
export function ggufModel(
  config: ModelConfig,
  read: (name: string) => Promise<Float32Array> | Float32Array,
  { name, precision, where }: { name: string; precision: GgufPrecision; where: string },
): GgufModel {
  requireGguf(config, where);
  const written = writtenLayers(config);
  return {
    entries: headEntries({ ...config, layers: written.map(({ shape }) => shape) }, name, precision),
    tensors: [...ropeTensors(config), ...weightTensors(config, written, read, precision)],
  };
}

/** Throws InputError that names every layer which llama.cpp cannot compute, and why. */
export function requireGguf(config: ModelConfig, where: string): void {
  const problems = ggufProblems(config);
  if (problems.length > 0) throw new InputError(`cannot become a GGUF: ${problems.join('; ')}`, where);
}

/** A layer of the file, and which of the model's it is. */
interface WrittenLayer {
  shape: LayerShape;
  index: number;
  /** Its attention is a matrix of zeros. */
  nothing: boolean;
}

/**
 * The layers that do something. llama.cpp derives the size of all heads from the first of them, which must therefore have
 * some: where it has none, a linear attention of zeros, which has heads in name only, does the same.
 */
function writtenLayers({ layers }: ModelConfig): WrittenLayer[] {
  const kept = layers.map((shape, index) => ({ shape, index, nothing: false })).filter(({ shape }) => !isEmpty(shape));
  const [first, ...others] = kept;
  if (first?.shape.attention.kind !== 'no-op') return kept;
  return [{ ...first, shape: { ...first.shape, attention: { kind: 'linear' } }, nothing: true }, ...others];
}

function headEntries(config: ModelConfig, name: string, precision: GgufPrecision): GgufEntry[] {
  const { layers } = config;
  const [first] = layers;
  const alike = first !== undefined && layers.every((layer) => sameShape(layer, first)) && isPlain(first);
  const arch = alike ? 'llama' : 'deci';
  const perLayer = (key: string, of: (layer: LayerShape) => number): GgufEntry =>
    alike ? uint32(`${arch}.${key}`, of(first)) : int32s(`${arch}.${key}`, layers.map(of));
  const { heads, headDim, ropeScaling } = config;
  return [
    text('general.architecture', arch),
    text('general.type', 'model'),
    text('general.name', name),
    uint32('general.file_type', FILE_TYPES[GGUF_PRECISIONS[precision]]),
    uint32(`${arch}.vocab_size`, config.vocabSize),
    uint32(`${arch}.context_length`, config.maxPositionEmbeddings),
    uint32(`${arch}.embedding_length`, config.hiddenSize),
    uint32(`${arch}.block_count`, layers.length),
    perLayer('feed_forward_length', ({ ffn }) => (ffn.kind === 'gated' ? ffn.width : 0)),
    perLayer('attention.head_count', ({ attention }) => (attention.kind === 'no-op' ? 0 : heads)),
    perLayer('attention.head_count_kv', ({ attention }) => (attention.kind === 'gqa' ? attention.kvHeads : 0)),
    uint32(`${arch}.attention.key_length`, headDim),
    uint32(`${arch}.attention.value_length`, headDim),
    float32(`${arch}.attention.layer_norm_rms_epsilon`, config.rmsNormEps),
    uint32(`${arch}.rope.dimension_count`, headDim),
    float32(`${arch}.rope.freq_base`, config.ropeTheta),
    ...(ropeScaling?.type === 'linear'
      ? [text(`${arch}.rope.scaling.type`, 'linear'), float32(`${arch}.rope.scaling.factor`, ropeScaling.factor)]
      : []),
  ];
}

function isPlain({ attention, ffn }: LayerShape): boolean {
  return attention.kind === 'gqa' && ffn.kind === 'gated';
}

function sameShape(a: LayerShape, b: LayerShape): boolean {
  return JSON.stringify([a.attention, a.ffn]) === JSON.stringify([b.attention, b.ffn]);
}

/** By what llama.cpp divides the frequency of each rotated pair, for a scaling that it does not know by name. */
function ropeTensors({ headDim, ropeTheta, ropeScaling }: ModelConfig): GgufTensor[] {
  if (ropeScaling?.type !== 'llama3') return [];
  const plain = ropeFrequencies(headDim, ropeTheta, null);
  const scaled = ropeFrequencies(headDim, ropeTheta, ropeScaling);
  const factors = Float32Array.from(plain, (frequency, i) => frequency / (scaled[i] ?? NaN));
  return [{ name: 'rope_freqs.weight', type: 'F32', shape: [factors.length], data: () => factors }];
}

function weightTensors(
  config: ModelConfig,
  written: readonly WrittenLayer[],
  read: (name: string) => Promise<Float32Array> | Float32Array,
  precision: GgufPrecision,
): GgufTensor[] {
  return modelTensors({ ...config, layers: written.map(({ shape }) => shape) }).map(({ name, shape }): GgufTensor => {
    const [, number, within = ''] = /^model\.layers\.(\d+)\.(.+)$/.exec(name) ?? [];
    const type = tensorType(shape, precision);
    const layer = written[Number(number)];
    if (layer === undefined) return { name: `${known(NAMES, name)}.weight`, type, shape, data: () => read(name) };
    const source = layerTensor(layer.index, within);
    const data = () => {
      if (layer.nothing && NOTHING.has(within)) return new Float32Array(shape.reduce((size, n) => size * n, 1));
      return read(source);
    };
    return {
      ...{ name: `blk.${number}.${known(LAYER_NAMES, within)}.weight`, type, shape },
      data: ROTATED.test(within) ? async () => interleaveHalves(await data(), shape, config.headDim) : data,
    };
  });
}

function known(names: Readonly<Record<string, string>>, name: string): string {
  const found = names[name];
  if (found === undefined) throw new Error(`llama.cpp has no name for ${name}`);
  return found;
}

/** Rows of [heads * headDim, inputs]: those of each head's two halves take turns. */
function interleaveHalves(weight: Float32Array, [rows = 0, inputs = 0]: readonly number[], headDim: number) {
  const result = new Float32Array(weight.length);
  const half = headDim / 2;
  for (let row = 0; row < rows; row++) {
    const within = row % headDim;
    const to = row - within + (within < half ? 2 * within : 2 * (within - half) + 1);
    result.set(weight.subarray(row * inputs, (row + 1) * inputs), to * inputs);
  }
  return result;
}
