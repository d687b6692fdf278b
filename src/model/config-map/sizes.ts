import type { Fields } from '../../formats/fields.js';
import { MAX_HEADS, MAX_WIDTH } from '../../formats/hf-config.js';
import { type ConfigContext, hasAny, wholeNumber } from './context.js';
import type { Dense, Experts, Heads } from './parts.js';

// The sizes of one half, from the fields of the whole model or from those in which one layer differs from it: the same
// names in both, and what is absent is as in `base`.

const HEADS = ['num_attention_heads', 'n_head', 'n_heads', 'num_heads'];
const KV_HEADS = ['num_key_value_heads', 'num_kv_heads'];
const HEAD_DIM = ['head_dim', 'attention_head_dim'];
const WIDTH = ['intermediate_size', 'ffn_hidden_size', 'n_inner', 'ffn_dim', 'd_ff'];
const EXPERTS = ['num_local_experts', 'num_experts', 'n_routed_experts'];
const ACTIVE_EXPERTS = ['num_experts_per_tok', 'experts_per_token', 'num_selected_experts'];
/** Where one of these is there, `intermediate_size` is the width of layers without experts. */
const EXPERT_WIDTH = ['moe_intermediate_size', 'expert_intermediate_dim'];
const SHARED_WIDTH = ['shared_expert_intermediate_size', 'shared_expert_intermediate_dim'];
/** Files of models without experts may say so by 0. */
const EXPERT_RULE = { min: 0, max: 65_536 };

/** The attention that every layer has which does not say otherwise. */
export function readHeads(context: ConfigContext): Heads {
  const { fields, family } = context;
  const heads = wholeNumber(context, fields, HEADS, { max: MAX_HEADS });
  // A field that is null asks for as many KV heads as query heads; one that is absent, for what the family's code takes.
  const isAbsent = KV_HEADS.every((name) => fields.get(name) === undefined);
  const inherited = family === undefined ? null : isAbsent ? (family.absent.kvHeads ?? heads) : heads;
  const headDim = family === undefined ? null : (family.absent.headDim ?? evenShare(context, heads));
  const sizes = headsOf(fields, context, { kind: 'heads', heads, kvHeads: inherited, headDim, window: null });
  requireDivisor(fields, 'num_key_value_heads', sizes, context);
  return sizes;
}

/** Attention of one layer that differs from `base`. */
export function headsOf(fields: Fields, context: ConfigContext, base: Heads): Heads {
  const heads = wholeNumber(context, fields, HEADS, { max: MAX_HEADS }) ?? base.heads;
  const kvHeads = wholeNumber(context, fields, KV_HEADS, { max: MAX_HEADS }) ?? base.kvHeads;
  const headDim = wholeNumber(context, fields, HEAD_DIM, { max: MAX_WIDTH }) ?? base.headDim;
  const sizes = { ...base, heads, kvHeads, headDim };
  if (hasAny(fields, KV_HEADS)) requireDivisor(fields, 'num_key_value_heads', sizes, context);
  return sizes;
}

/** The FFN that every layer has which does not say otherwise, where it is no mixture of experts. */
export function readDense(context: ConfigContext): Dense {
  return denseOf(context.fields, context, { kind: 'dense', width: null });
}

export function denseOf(fields: Fields, context: ConfigContext, base: Dense): Dense {
  return { kind: 'dense', width: wholeNumber(context, fields, WIDTH, { max: MAX_WIDTH }) ?? base.width };
}

/** The mixture of experts that the model has; undefined where it has none. */
export function readExperts(context: ConfigContext): Experts | undefined {
  const found = expertsOf(context.fields, context, {
    ...{ kind: 'experts', count: 0, active: null, width: null, sharedWidth: 0 },
  });
  return found.count > 1 ? found : undefined;
}

export function expertsOf(fields: Fields, context: ConfigContext, base: Experts): Experts {
  const widthNames = hasAny(context.fields, EXPERT_WIDTH) ? EXPERT_WIDTH : [...EXPERT_WIDTH, ...WIDTH];
  const count = wholeNumber(context, fields, EXPERTS, EXPERT_RULE) ?? base.count;
  const active = wholeNumber(context, fields, ACTIVE_EXPERTS, EXPERT_RULE) ?? base.active;
  return {
    kind: 'experts',
    count,
    active: active === null ? null : Math.min(active, count),
    width: wholeNumber(context, fields, widthNames, { max: MAX_WIDTH }) ?? base.width,
    sharedWidth: wholeNumber(context, fields, SHARED_WIDTH, { min: 0, max: MAX_WIDTH }) ?? base.sharedWidth,
  };
}

function evenShare({ fields, hiddenSize }: ConfigContext, heads: number | null): number | null {
  if (hiddenSize === null || heads === null || hasAny(fields, HEAD_DIM)) return null;
  if (hiddenSize % heads === 0) return hiddenSize / heads;
  throw fields.error('num_attention_heads', `it must divide hidden_size, ${hiddenSize}, where head_dim is absent`);
}

function requireDivisor(fields: Fields, field: string, { heads, kvHeads }: Heads, { family }: ConfigContext): void {
  if (family === undefined || heads === null || kvHeads === null || heads % kvHeads === 0) return;
  throw fields.error(field, `it must divide num_attention_heads, ${heads}`);
}
