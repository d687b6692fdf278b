import * as z from 'zod';

/** What stands in one half of a layer. `experts`, `mamba` and `other` are shown, never searched. */
export const BLOCK_KINDS = ['full', 'reduced', 'linear', 'no-op', 'experts', 'mamba', 'other'] as const;

const count = z.number().nonnegative();

/** The attention or the FFN of one layer. */
export const halfSchema = z.object({
  /** `kv8`, `ffn-50%`, `linear`, `no-op`; for other families what the config says (`8 experts, 2 active`). */
  name: z.string(),
  kind: z.enum(BLOCK_KINDS),
  /** Share of the parent's parameters in this half; for a config alone, of the largest such half of the model. 0 to 1. */
  kept: z.number().min(0).max(1),
  /** Norm in front included; null where the config does not tell. */
  parameters: count.nullable(),
  /** Numbers in words: `8 KV heads of 128`, `14,336 channels`. */
  detail: z.string(),
});
export type HalfMap = z.infer<typeof halfSchema>;

export const layerMapSchema = z.object({
  attention: halfSchema,
  ffn: halfSchema,
  /** KV cache bytes of one token in 16 bits; null where unknown. */
  kvBytesPerToken: count.nullable(),
  /** Sum of the halves' scores, nats/token; null where there is none. */
  score: z.number().nullable(),
});
export type LayerMap = z.infer<typeof layerMapSchema>;

/** A model as the map shows it: from a config alone, or from a run's solution. */
export const architectureMapSchema = z.object({
  /** `llama`, `qwen3`, `nemotron-nas`, … as the config says. */
  family: z.string(),
  layers: z.array(layerMapSchema),
  hiddenSize: count.nullable(),
  heads: count.nullable(),
  totals: z.object({
    /** Null where some part is unknown; then `known` is what could be counted. */
    parameters: count.nullable(),
    known: count,
    /** Embeddings, last norm and head. */
    nonBlock: count.nullable(),
    attention: count.nullable(),
    ffn: count.nullable(),
    kvBytesPerToken: count.nullable(),
  }),
  /** What the config leaves open, in sentences: never empty where `parameters` is null. */
  notes: z.array(z.string()),
});
export type ArchitectureMap = z.infer<typeof architectureMapSchema>;
