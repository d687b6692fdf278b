import { InputError } from '../common/errors.js';
import { Fields } from './fields.js';
import type { AttentionShape, FfnShape, LayerShape } from './hf-config.js';
import { quoteValue } from './quote.js';

/**
 * `block_configs` of the nemotron-nas dialect: per layer, what stands in the place of the parent's attention and FFN.
 * Attention gives query heads per KV head, not KV heads; an FFN gives a multiplier from which its width follows.
 */
export interface BlockContext {
  heads: number;
  hiddenSize: number;
  maxWidth: number;
}

const WIDTH_STEP = 256;
const MAX_MULTIPLIER = 1024;

const ATTENTION_KEYS = new Set(['n_heads_in_group', 'no_op', 'replace_with_linear']);
const FFN_KEYS = new Set(['ffn_mult', 'intermediate_size', 'hidden_act', 'no_op', 'replace_with_linear']);
const HALVES = new Set(['attention', 'ffn']);

/** The dialect's rule: width = trunc(2 * ffn_mult * hiddenSize / 3), rounded up to a multiple of 256. */
export function widthOfMultiplier(multiplier: number, hiddenSize: number): number {
  return Math.ceil(Math.trunc((2 * multiplier * hiddenSize) / 3) / WIDTH_STEP) * WIDTH_STEP;
}

/**
 * The multiplier whose width is exactly `width`, or undefined where there is none. Never a whole number: JSON text would
 * not show that it is a float, and some readers require one; half a channel less rounds up to the same width.
 */
export function multiplierOfWidth(width: number, hiddenSize: number): number | undefined {
  const exact = (3 * width) / (2 * hiddenSize);
  const multiplier = Number.isInteger(exact) ? (3 * (width - 0.5)) / (2 * hiddenSize) : exact;
  const isReadable = multiplier <= MAX_MULTIPLIER && widthOfMultiplier(multiplier, hiddenSize) === width;
  return isReadable ? multiplier : undefined;
}

export function parseBlocks(config: Fields, where: string, layers: number, context: BlockContext): LayerShape[] {
  const blocks = config.list('block_configs');
  if (blocks.length !== layers) {
    throw new InputError(`block_configs has ${blocks.length} entries, but num_hidden_layers is ${layers}`, where);
  }
  return blocks.map((value, layer) => {
    const block = new Fields(value, where, `block_configs[${layer}]`);
    refuseOthers(block, HALVES);
    return {
      attention: parseAttention(block.inside('attention'), context),
      ffn: parseFfn(block.inside('ffn'), context),
    };
  });
}

function parseAttention(fields: Fields, { heads }: BlockContext): AttentionShape {
  refuseOthers(fields, ATTENTION_KEYS);
  const replacement = parseReplacement(fields);
  if (replacement !== undefined) return replacement;
  const group = fields.integer('n_heads_in_group', { max: heads });
  if (heads % group !== 0) throw fields.error('n_heads_in_group', `it must divide num_attention_heads, ${heads}`);
  return { kind: 'gqa', kvHeads: heads / group };
}

function parseFfn(fields: Fields, context: BlockContext): FfnShape {
  refuseOthers(fields, FFN_KEYS);
  if (fields.has('hidden_act')) fields.oneOf('hidden_act', ['silu', 'swish']);
  const replacement = parseReplacement(fields);
  if (replacement !== undefined) return replacement;
  if (fields.has('ffn_mult')) return { kind: 'gated', width: parseMultiplier(fields, context) };
  return { kind: 'gated', width: fields.integer('intermediate_size', { max: context.maxWidth }) };
}

/** The width that `ffn_mult` gives; InputError where an `intermediate_size` beside it contradicts. */
export function parseMultiplier(fields: Fields, { hiddenSize, maxWidth }: Omit<BlockContext, 'heads'>): number {
  const width = widthOfMultiplier(fields.positive('ffn_mult', { max: MAX_MULTIPLIER }), hiddenSize);
  if (width < 1 || width > maxWidth) {
    throw fields.error('ffn_mult', `it gives a width of ${width}; 1 to ${maxWidth} channels are possible`);
  }
  if (fields.has('intermediate_size') && fields.get('intermediate_size') !== width) {
    throw fields.error('intermediate_size', `ffn_mult gives a width of ${width}; keep one of them`);
  }
  return width;
}

/** What stands in the place of a half, where it is not one of its own kind. */
export function parseReplacement(fields: Fields): { kind: 'linear' } | { kind: 'no-op' } | undefined {
  const linear = fields.flag('replace_with_linear');
  if (!fields.flag('no_op')) return linear ? { kind: 'linear' } : undefined;
  if (linear) throw fields.error('replace_with_linear', 'no_op is true as well; only one of them can be');
  return { kind: 'no-op' };
}

/** Any further setting that is switched on (sparsity, attention windows, sinks, experts, …) is not computed here. */
function refuseOthers(fields: Fields, known: ReadonlySet<string>): void {
  for (const key of fields.keys) {
    if (known.has(key) || !fields.has(key) || fields.get(key) === false) continue;
    throw fields.error(key, `supported: ${[...known].join(', ')}, and others only where null or false`);
  }
}

/** `block_configs` of these layers, with every key that the dialect's readers look for. */
export function blocksToJson(layers: readonly LayerShape[], { heads, hiddenSize }: BlockContext): unknown[] {
  return layers.map(({ attention, ffn }) => ({
    attention: {
      n_heads_in_group: attention.kind === 'gqa' ? groupSize(heads, attention.kvHeads) : null,
      no_op: attention.kind === 'no-op',
      num_sink_tokens: null,
      replace_with_linear: attention.kind === 'linear',
      sparsify: null,
      unshifted_sink: false,
      use_prefill_window_in_sink_attention: false,
      window_length: null,
    },
    ffn: {
      ...(ffn.kind === 'gated' ? widthToJson(ffn.width, hiddenSize) : { ffn_mult: null }),
      no_op: ffn.kind === 'no-op',
      replace_with_linear: ffn.kind === 'linear',
      sparsify: null,
    },
  }));
}

function groupSize(heads: number, kvHeads: number): number {
  if (kvHeads < 1 || heads % kvHeads !== 0) {
    throw new Error(`${heads} heads cannot share ${quoteValue(kvHeads)} KV heads`);
  }
  return heads / kvHeads;
}

/** Readers fall back to `intermediate_size` only where `ffn_mult` is absent, so exactly one of them is written. */
function widthToJson(width: number, hiddenSize: number): Record<string, number> {
  const multiplier = multiplierOfWidth(width, hiddenSize);
  return multiplier === undefined ? { intermediate_size: width } : { ffn_mult: multiplier };
}
