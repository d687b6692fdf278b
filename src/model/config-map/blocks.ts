import { Fields } from '../../formats/fields.js';
import { MAX_WIDTH } from '../../formats/hf-config.js';
import { parseMultiplier, parseReplacement } from '../../formats/nemotron-blocks.js';
import { type ConfigContext, requireLength } from './context.js';
import type { AttentionPart, FfnPart, Heads, LayerParts } from './parts.js';
import { denseOf, expertsOf, headsOf } from './sizes.js';
import { windowIn } from './window.js';

const NO_EXPERTS = { kind: 'experts', count: 0, active: null, width: null, sharedWidth: 0 } as const;

/**
 * `block_configs`: one entry per layer with its attention and its FFN, in the dialect of nemotron-nas (`n_heads_in_group`,
 * `ffn_mult`) or of AnyModel (`num_key_value_heads`, `intermediate_size`, `moe`).
 */
export function applyBlockConfigs(layers: readonly LayerParts[], context: ConfigContext): LayerParts[] {
  const { fields, where } = context;
  if (!fields.has('block_configs')) return [...layers];
  const blocks = fields.list('block_configs');
  requireLength('block_configs', blocks.length, layers.length, where);
  return layers.map((layer, index) => {
    const block = new Fields(blocks[index], where, `block_configs[${index}]`);
    if (block.has('parallel_blocks')) {
      const parallel = { kind: 'other', name: 'parallel blocks' } as const;
      return { attention: parallel, ffn: parallel };
    }
    return {
      attention: block.has('attention') ? attentionOf(block.inside('attention'), layer.attention, context) : UNSAID,
      ffn: block.has('ffn') ? ffnOf(block.inside('ffn'), layer.ffn, context) : UNSAID,
    };
  });
}

const UNSAID = { kind: 'other', name: 'not described' } as const;

function attentionOf(fields: Fields, shared: AttentionPart, context: ConfigContext): AttentionPart {
  const replacement = parseReplacement(fields);
  if (replacement !== undefined) return replacement;
  if (fields.has('mamba')) return { kind: 'mamba', name: 'mamba' };
  if (shared.kind !== 'heads') return shared;
  // Every entry says it for itself; what the whole model has would be a guess.
  const own = headsOf(fields, context, { ...shared, kvHeads: null });
  const window = windowIn(fields, context) ?? shared.window;
  return { ...own, kvHeads: kvHeadsOfGroup(fields, own), window };
}

function kvHeadsOfGroup(fields: Fields, { heads, kvHeads }: Heads): number | null {
  if (!fields.has('n_heads_in_group') || heads === null) return kvHeads;
  const group = fields.integer('n_heads_in_group', { max: heads });
  if (heads % group !== 0) throw fields.error('n_heads_in_group', `it must divide num_attention_heads, ${heads}`);
  if (kvHeads !== null && kvHeads * group !== heads) {
    throw fields.error('num_key_value_heads', `n_heads_in_group gives ${heads / group}; keep one of them`);
  }
  return heads / group;
}

function ffnOf(fields: Fields, shared: FfnPart, context: ConfigContext): FfnPart {
  const replacement = parseReplacement(fields);
  if (replacement !== undefined) return replacement;
  const { hiddenSize } = context;
  if (fields.has('moe')) {
    return expertsOf(fields.inside('moe'), context, shared.kind === 'experts' ? shared : NO_EXPERTS);
  }
  if (fields.has('ffn_mult') && hiddenSize !== null) {
    return { kind: 'dense', width: parseMultiplier(fields, { hiddenSize, maxWidth: MAX_WIDTH }) };
  }
  if (shared.kind === 'experts' && !fields.has('intermediate_size')) return shared;
  return denseOf(fields, context, { kind: 'dense', width: null });
}
