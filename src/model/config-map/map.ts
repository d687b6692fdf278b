/** What stands in one half of a layer. `experts`, `mamba` and `other` are shown, never searched. */
export type BlockKind = 'full' | 'reduced' | 'linear' | 'no-op' | 'experts' | 'mamba' | 'other';

/** The attention or the FFN of one layer. */
export interface HalfMap {
  /** `kv8`, `ffn-50%`, `linear`, `no-op`; for other families what the config says (`8 experts, 2 active`). */
  name: string;
  kind: BlockKind;
  /** Share of the parent's parameters in this half; for a config alone, of the largest such half of the model. 0 to 1. */
  kept: number;
  /** Norm in front included; null where the config does not tell. */
  parameters: number | null;
  /** Numbers in words: `8 KV heads of 128`, `14,336 channels`. */
  detail: string;
}

export interface LayerMap {
  attention: HalfMap;
  ffn: HalfMap;
  /** KV cache bytes of one token in 16 bits; null where unknown. */
  kvBytesPerToken: number | null;
  /** Sum of the halves' scores, nats/token; null where there is none. */
  score: number | null;
}

export interface MapTotals {
  /** Null where some part is unknown; then `known` is what could be counted. */
  parameters: number | null;
  known: number;
  /** Embeddings, last norm and head. */
  nonBlock: number | null;
  attention: number | null;
  ffn: number | null;
  kvBytesPerToken: number | null;
}

/** A model as a map shows it: from a config alone, or from a run's solution. */
export interface ConfigMap {
  /** `llama`, `qwen3`, `nemotron-nas`, … as the config says. */
  family: string;
  layers: LayerMap[];
  hiddenSize: number | null;
  /** Query heads of every attention that does not say otherwise. */
  heads: number | null;
  totals: MapTotals;
  /** What the config leaves open, in sentences: never empty where the total of parameters is null. */
  notes: string[];
}

/** Totals over the layers. `isWhole` is false where the model has further parts that the map leaves out. */
export function mapTotals(layers: readonly LayerMap[], nonBlock: number | null, isWhole = true): MapTotals {
  const attention = layers.map((layer) => layer.attention.parameters);
  const ffn = layers.map((layer) => layer.ffn.parameters);
  const all = [nonBlock, ...attention, ...ffn];
  return {
    parameters: isWhole ? sumOrUnknown(all) : null,
    known: all.reduce<number>((sum, part) => sum + (part ?? 0), 0),
    nonBlock,
    attention: sumOrUnknown(attention),
    ffn: sumOrUnknown(ffn),
    kvBytesPerToken: sumOrUnknown(layers.map(({ kvBytesPerToken }) => kvBytesPerToken)),
  };
}

/** The sum; unknown (null) where any part is. */
function sumOrUnknown(parts: readonly (number | null)[]): number | null {
  return parts.reduce<number | null>((sum, part) => (sum === null || part === null ? null : sum + part), 0);
}
