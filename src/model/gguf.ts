import { InputError } from '../common/errors.js';
import { float32, type GgufEntry, int32s, text, uint32 } from '../formats/gguf-entry.js';
import { type GgmlType, type Precision, PRECISIONS, tensorType } from '../formats/gguf-tensor.js';
import type { GgufTensor } from '../formats/gguf-write.js';
import type { LayerShape, ModelConfig } from '../formats/hf-config.js';
import { ggufProblems, isEmpty } from './gguf-shapes.js';
import { EMBEDDING, FINAL_NORM, LINEAR, LM_HEAD, NORM } from './names.js';
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
  { name, precision, where }: { name: string; precision: Precision; where: string },
): GgufModel {
  const problems = ggufProblems(config);
  if (problems.length > 0) throw new InputError(`cannot become a GGUF: ${problems.join('; ')}`, where);
  return {
    entries: headEntries(config, name, precision),
    tensors: [...ropeTensors(config), ...weightTensors(config, read, precision)],
  };
}

function headEntries(config: ModelConfig, name: string, precision: Precision): GgufEntry[] {
  const layers = config.layers.filter((layer) => !isEmpty(layer));
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
    uint32('general.file_type', FILE_TYPES[PRECISIONS[precision]]),
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
  read: (name: string) => Promise<Float32Array> | Float32Array,
  precision: Precision,
): GgufTensor[] {
  const written = { ...config, layers: config.layers.filter((layer) => !isEmpty(layer)) };
  const sources = modelTensors(config);
  // Left-out layers have no tensors: the tensors of both lists correspond, only the numbers of layers differ.
  return modelTensors(written).map(({ name, shape }, index): GgufTensor => {
    const source = sources[index]?.name ?? '';
    const data = ROTATED.test(source)
      ? async () => interleaveHalves(await read(source), shape, config.headDim)
      : () => read(source);
    return { name: ggufName(name), type: tensorType(shape, precision), shape, data };
  });
}

function ggufName(name: string): string {
  const [, layer, within] = /^model\.layers\.(\d+)\.(.+)$/.exec(name) ?? [];
  const known = layer === undefined ? NAMES[name] : LAYER_NAMES[within ?? ''];
  if (known === undefined) throw new Error(`llama.cpp has no name for ${name}`);
  return layer === undefined ? `${known}.weight` : `blk.${layer}.${known}.weight`;
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
