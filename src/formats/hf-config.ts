import { join } from 'node:path';
import type { Dtype } from './safetensors-header.js';
import { Fields } from './fields.js';
import { readJsonFile } from './json-file.js';
import { blocksToJson, parseBlocks } from './nemotron-blocks.js';
import { parseRope, ropeScalingToJson, type RopeScaling } from './rope-config.js';
import { requireSupported } from './supported.js';

export type { RopeScaling } from './rope-config.js';

/** `gqa`: softmax attention with this many key-value heads. `linear`: one square matrix. `no-op`: nothing at all. */
export type AttentionShape = { kind: 'gqa'; kvHeads: number } | { kind: 'linear' } | { kind: 'no-op' };

/** `gated`: SwiGLU with this many channels. `linear`: one square matrix. `no-op`: nothing at all. */
export type FfnShape = { kind: 'gated'; width: number } | { kind: 'linear' } | { kind: 'no-op' };

export interface LayerShape {
  attention: AttentionShape;
  ffn: FfnShape;
}

/** A Llama-like model: the shared dimensions, and the shape of every layer (all equal in a homogeneous model). */
export interface ModelConfig {
  family: 'llama';
  hiddenSize: number;
  heads: number;
  headDim: number;
  vocabSize: number;
  rmsNormEps: number;
  ropeTheta: number;
  ropeScaling: RopeScaling | null;
  maxPositionEmbeddings: number;
  tieWordEmbeddings: boolean;
  /** Biases on all four attention projections. */
  attentionBias: boolean;
  /** Biases on all three FFN projections. */
  mlpBias: boolean;
  bosTokenId: number | null;
  eosTokenIds: number[];
  /** What the weights are stored as, by the config; the tensors themselves have the last word. */
  dtype: Dtype;
  layers: LayerShape[];
  /** The file's own fields, for what is carried over unread. */
  raw: Record<string, unknown>;
}

export const MAX_CONFIG_BYTES = 16 * 1024 * 1024;
export const MAX_LAYERS = 4096;
export const MAX_HEADS = 65_536;
export const MAX_WIDTH = 2 ** 24;
export const MAX_VOCABULARY = 2 ** 24;
const MAX_POSITIONS = 2 ** 31;

export const DTYPES = { float32: 'F32', float16: 'F16', bfloat16: 'BF16' } as const satisfies Record<string, Dtype>;
const DTYPE_NAMES = Object.keys(DTYPES) as (keyof typeof DTYPES)[];

/** Reads `config.json` of a model folder. */
export async function readModelConfig(dir: string): Promise<ModelConfig> {
  const path = join(dir, 'config.json');
  return parseModelConfig(await readJsonFile(path, MAX_CONFIG_BYTES), path);
}

/**
 * Parses a Hugging Face `config.json` of model type `llama`, or `nemotron-nas` with its per-layer `block_configs`.
 * Absent fields take the defaults of the format. Throws InputError that names each field which is unreadable or asks
 * for something unsupported, its value, and what is supported.
 */
export function parseModelConfig(json: unknown, where: string): ModelConfig {
  const fields = new Fields(json, where);
  const modelType = requireSupported(fields, where);
  const hiddenSize = fields.integer('hidden_size', { max: MAX_WIDTH });
  const heads = fields.integer('num_attention_heads', { max: MAX_HEADS });
  const layerCount = fields.integer('num_hidden_layers', { max: MAX_LAYERS });
  const vocabSize = fields.integer('vocab_size', { max: MAX_VOCABULARY });
  return {
    family: 'llama',
    hiddenSize,
    heads,
    headDim: parseHeadDim(fields, hiddenSize, heads),
    vocabSize,
    rmsNormEps: fields.positive('rms_norm_eps', { max: 1, absent: 1e-6 }),
    ...parseRope(fields),
    maxPositionEmbeddings: fields.integer('max_position_embeddings', { max: MAX_POSITIONS, absent: 2048 }),
    tieWordEmbeddings: fields.flag('tie_word_embeddings'),
    attentionBias: fields.flag('attention_bias'),
    mlpBias: fields.flag('mlp_bias'),
    bosTokenId: fields.has('bos_token_id') ? fields.integer('bos_token_id', { min: 0, max: vocabSize - 1 }) : null,
    eosTokenIds: parseEos(fields, vocabSize),
    dtype: DTYPES[fields.oneOf(fields.has('dtype') ? 'dtype' : 'torch_dtype', DTYPE_NAMES, 'float32')],
    layers:
      modelType === 'nemotron-nas'
        ? parseBlocks(fields, where, layerCount, { heads, hiddenSize, maxWidth: MAX_WIDTH })
        : uniformLayers(fields, layerCount, heads),
    raw: json as Record<string, unknown>,
  };
}

function parseHeadDim(fields: Fields, hiddenSize: number, heads: number): number {
  if (!fields.has('head_dim') && hiddenSize % heads !== 0) {
    throw fields.error('num_attention_heads', `it must divide hidden_size, ${hiddenSize}, where head_dim is absent`);
  }
  const headDim = fields.integer('head_dim', { max: MAX_WIDTH, absent: hiddenSize / heads });
  if (headDim % 2 !== 0) throw fields.error('head_dim', `heads of ${headDim} dimensions cannot be rotated in pairs`);
  return headDim;
}

function parseEos(fields: Fields, vocabSize: number): number[] {
  if (!fields.has('eos_token_id')) return [];
  if (!Array.isArray(fields.get('eos_token_id'))) {
    return [fields.integer('eos_token_id', { min: 0, max: vocabSize - 1 })];
  }
  return fields.list('eos_token_id').map((id) => {
    if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < vocabSize) return id;
    throw fields.error('eos_token_id', `token ids from 0 to ${vocabSize - 1} are expected`);
  });
}

function uniformLayers(fields: Fields, count: number, heads: number): LayerShape[] {
  const kvHeads = fields.integer('num_key_value_heads', { max: heads, absent: heads });
  if (heads % kvHeads !== 0) {
    throw fields.error('num_key_value_heads', `it must divide num_attention_heads, ${heads}`);
  }
  const width = fields.integer('intermediate_size', { max: MAX_WIDTH });
  return Array.from({ length: count }, () => ({
    attention: { kind: 'gqa', kvHeads },
    ffn: { kind: 'gated', width },
  }));
}

/** Fields of the parent's file that say in another way what is written here, or where the parent came from. */
const NOT_CARRIED = new Set(['dtype', 'rope_parameters', 'layer_types', 'head_dim', '_name_or_path']);

/**
 * `config.json` of this model in the nemotron-nas dialect, keys in alphabetical order. What the file it came from says
 * beyond that (initialiser range, padding token, …) is carried over. `parseModelConfig` reads it back to the same model.
 */
export function toNemotronNas(config: ModelConfig): Record<string, unknown> {
  const { hiddenSize, heads, headDim, dtype, eosTokenIds } = config;
  const carried = Object.entries(config.raw).filter(([key]) => !NOT_CARRIED.has(key));
  const written: Record<string, unknown> = {
    architectures: ['DeciLMForCausalLM'],
    attention_bias: config.attentionBias,
    auto_map: {
      AutoConfig: 'configuration_decilm.DeciLMConfig',
      AutoModelForCausalLM: 'modeling_decilm.DeciLMForCausalLM',
    },
    block_configs: blocksToJson(config.layers, { heads, hiddenSize, maxWidth: MAX_WIDTH }),
    bos_token_id: config.bosTokenId,
    eos_token_id: eosTokenIds.length > 1 ? eosTokenIds : (eosTokenIds[0] ?? null),
    ...(headDim * heads === hiddenSize ? {} : { head_dim: headDim }),
    hidden_act: 'silu',
    hidden_size: hiddenSize,
    intermediate_size: null,
    max_position_embeddings: config.maxPositionEmbeddings,
    mlp_bias: config.mlpBias,
    model_type: 'nemotron-nas',
    num_attention_heads: heads,
    num_hidden_layers: config.layers.length,
    num_key_value_heads: null,
    rms_norm_eps: config.rmsNormEps,
    rope_scaling: ropeScalingToJson(config.ropeScaling),
    rope_theta: config.ropeTheta,
    tie_word_embeddings: config.tieWordEmbeddings,
    torch_dtype: DTYPE_NAMES.find((name) => DTYPES[name] === dtype),
    vocab_size: config.vocabSize,
  };
  const all = [...carried, ...Object.entries(written)];
  return Object.fromEntries([...new Map(all)].sort(([a], [b]) => (a < b ? -1 : 1)));
}
