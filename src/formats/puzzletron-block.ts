import type { Fields } from './fields.js';

/** A half of a block, by what it is; the record is the half as its file has it, for matching and for writing back. */
export interface PuzzletronHalf {
  /** `kv8`, `ffn14336`, `moe64`, `mamba`, `linear`, `no-op` */
  name: string;
  /** As the text that stands for an architecture has it: `kv_heads_8`, `intermediate_14336`, `no_op`. */
  repr: string;
  /** KV heads of an attention; 0 of anything else. */
  kvHeads: number;
  json: Record<string, unknown>;
}

/** One alternative for a layer, in the form that the pipeline calls a block config. */
export interface PuzzletronBlock {
  attention: PuzzletronHalf;
  ffn: PuzzletronHalf;
  json: Record<string, unknown>;
}

const MAX_HEADS = 65_536;
const MAX_WIDTH = 2 ** 24;
const MAX_EXPERTS = 65_536;

/**
 * A block config: `{"attention": {…}, "ffn": {…}, "parallel_blocks": null}`. Throws InputError with file, key and reason
 * for what the format forbids, and for blocks that run several in parallel, whose costs do not add up.
 */
export function parseBlock(block: Fields): PuzzletronBlock {
  if (block.has('parallel_blocks')) throw block.error('parallel_blocks', 'only blocks without parallel ones are read');
  return { attention: parseAttention(block.inside('attention')), ffn: parseFfn(block.inside('ffn')), json: block.json };
}

function parseAttention(half: Fields): PuzzletronHalf {
  const replaced = parseReplaced(half, ['num_key_value_heads', 'sparsify', 'mamba', 'llama4']);
  if (replaced !== undefined) return replaced;
  if (half.has('mamba')) return { name: 'mamba', repr: 'mamba', kvHeads: 0, json: half.json };
  const kvHeads = half.integer('num_key_value_heads', { max: MAX_HEADS });
  return { name: `kv${kvHeads}`, repr: `kv_heads_${kvHeads}`, kvHeads, json: half.json };
}

function parseFfn(half: Fields): PuzzletronHalf {
  const replaced = parseReplaced(half, ['intermediate_size', 'moe', 'sparsify']);
  if (replaced !== undefined) return replaced;
  if (half.has('moe')) {
    const experts = half.inside('moe').integer('num_local_experts', { max: MAX_EXPERTS });
    return { name: `moe${experts}`, repr: `num_experts_${experts}`, kvHeads: 0, json: half.json };
  }
  const width = half.integer('intermediate_size', { max: MAX_WIDTH });
  return { name: `ffn${width}`, repr: `intermediate_${width}`, kvHeads: 0, json: half.json };
}

/** Nothing, or a linear layer, in place of a half; undefined where it is one of its own kind. */
function parseReplaced(half: Fields, emptyIfNone: readonly string[]): PuzzletronHalf | undefined {
  const linear = half.flag('replace_with_linear');
  if (!half.flag('no_op')) return linear ? { name: 'linear', repr: 'linear', kvHeads: 0, json: half.json } : undefined;
  if (linear) throw half.error('replace_with_linear', 'no_op is true as well; only one of them can be');
  const set = emptyIfNone.find((key) => half.has(key));
  if (set !== undefined) throw half.error(set, 'it must be null, for no_op is true');
  return { name: 'no-op', repr: 'no_op', kvHeads: 0, json: half.json };
}

/** `kv8 + ffn14336` */
export function blockName({ attention, ffn }: PuzzletronBlock): string {
  return `${attention.name} + ${ffn.name}`;
}

/** `attention  kv_heads_8  ffn  intermediate_14336` */
export function blockRepr({ attention, ffn }: PuzzletronBlock): string {
  return `attention  ${attention.repr}  ffn  ${ffn.repr}`;
}

/** Equal for configs that say the same: in any order of keys, whether what is null is there or not. */
export function configKey(json: unknown): string {
  if (Array.isArray(json)) return `[${json.map(configKey).join()}]`;
  if (typeof json !== 'object' || json === null) return JSON.stringify(json);
  const entries = Object.entries(json).filter(([, value]) => value !== null && value !== undefined);
  const sorted = entries.sort(([a], [b]) => (a < b ? -1 : 1));
  return `{${sorted.map(([key, value]) => `${JSON.stringify(key)}:${configKey(value)}`).join()}}`;
}
