import { findNodeAtLocation, type Node, parseTree } from 'jsonc-parser';
import { MAX_CONFIG_BYTES, MAX_LAYERS } from './hf-config.js';
import { isTooDeep } from './json-depth.js';

/** Part of a text: offsets from `start` up to but not including `end`. */
export type OffsetRange = readonly [start: number, end: number];

/** Where a config speaks of each of its layers. */
export interface LayerLines {
  /** Per layer: its own entries first, where it has any; otherwise the fields that say the same of all layers. */
  ranges: readonly (readonly OffsetRange[])[];
  /** The layer whose own entry holds the offset, its line break and comma included; null where there is none. */
  layerAt: (offset: number) => number | null;
}

/** A part of the text that speaks of one layer. */
interface Part {
  layer: number;
  range: OffsetRange;
}

const LAYER_COUNT = ['num_hidden_layers', 'n_layer', 'n_layers', 'num_layers'];
/** Fields that speak of each layer, how its part is found in their value, and whether that is all there is to say of it. */
const PER_LAYER: readonly { name: string; partsOf: (value: Node) => Part[]; whole: boolean }[] = [
  { name: 'block_configs', partsOf: listParts, whole: true },
  { name: 'per_layer_config', partsOf: numberedParts, whole: true },
  { name: 'layer_types', partsOf: listParts, whole: false },
  { name: 'layers_block_type', partsOf: listParts, whole: false },
  { name: 'num_key_value_heads_per_layer', partsOf: listParts, whole: false },
  { name: 'hybrid_override_pattern', partsOf: letterParts, whole: false },
];
/** Fields that say of every layer what it is. */
const SHARED = new Set([
  ...LAYER_COUNT,
  ...['num_attention_heads', 'n_head', 'num_key_value_heads', 'head_dim', 'sliding_window'],
  ...['intermediate_size', 'n_inner', 'moe_intermediate_size'],
  ...['num_local_experts', 'num_experts', 'n_routed_experts', 'num_experts_per_tok', 'experts_per_token'],
]);
/** Fields that may hold the whole description of the language model. */
const LANGUAGE_MODEL = ['text_config', 'llm_config', 'language_config'];

const NOTHING: LayerLines = { ranges: [], layerAt: () => null };

/**
 * Where the text of a `config.json` speaks of which layer. Never fails: a text that is being written gives what can be
 * found in it, and one that is no config gives no layers.
 */
export function configLines(text: string): LayerLines {
  if (text.length > MAX_CONFIG_BYTES || isTooDeep(text)) return NOTHING;
  const root = parseTree(text, [], { allowTrailingComma: true });
  const model = root === undefined ? undefined : languageModel(root);
  if (model === undefined) return NOTHING;
  const layerCount = countLayers(model);
  const shared = sharedRanges(model);
  const own: OffsetRange[][] = Array.from({ length: layerCount }, () => []);
  const isWhole = new Set<number>();
  const places: Part[] = [];
  for (const { name, partsOf, whole } of PER_LAYER) {
    const value = field(model, name);
    for (const { layer, range } of value === undefined ? [] : partsOf(value)) {
      if (layer >= layerCount) continue;
      own[layer]?.push(range);
      if (whole) isWhole.add(layer);
      places.push({ layer, range: wholeLines(text, range) });
    }
  }
  return {
    ranges: own.map((ranges, layer) => (isWhole.has(layer) ? ranges : [...ranges, ...shared])),
    // Blanks between two entries belong to both; what is there to be written is the later one.
    layerAt: (offset) => places.findLast(({ range: [start, end] }) => start <= offset && offset < end)?.layer ?? null,
  };
}

/** The object with the fields of the layers. */
function languageModel(root: Node): Node | undefined {
  const inside = LANGUAGE_MODEL.map((name) => field(root, name)).find((node) => node?.type === 'object');
  const isOuter = LAYER_COUNT.some((name) => field(root, name) !== undefined);
  const model = isOuter ? root : (inside ?? root);
  return model.type === 'object' ? model : undefined;
}

function field(model: Node, name: string): Node | undefined {
  return model.type === 'object' ? findNodeAtLocation(model, [name]) : undefined;
}

/** As many as the config says, or as its lists have while it does not say so. */
function countLayers(model: Node): number {
  const counts: unknown[] = LAYER_COUNT.map((name) => field(model, name)?.value as unknown);
  const stated = counts.find((count) => Number.isInteger(count)) as number | undefined;
  const listed = field(model, 'block_configs')?.children?.length ?? 0;
  return Math.min(MAX_LAYERS, Math.max(0, stated ?? listed));
}

function listParts({ type, children = [] }: Node): Part[] {
  return type === 'array' ? children.map((item, layer) => ({ layer, range: rangeOf(item) })) : [];
}

function numberedParts({ type, children = [] }: Node): Part[] {
  if (type !== 'object') return [];
  return children.flatMap((property) => {
    const key: unknown = property.children?.[0]?.value;
    const isNumber = typeof key === 'string' && /^(0|[1-9]\d*)$/.test(key);
    return isNumber ? [{ layer: Number(key), range: rangeOf(property) }] : [];
  });
}

function letterParts(text: Node): Part[] {
  const value: unknown = text.value;
  // Quotes add two; with escapes, letters and offsets would no longer run in step.
  if (typeof value !== 'string' || text.length !== value.length + 2) return [];
  return Array.from({ length: Math.min(value.length, MAX_LAYERS) }, (_, layer) => {
    const start = text.offset + 1 + layer;
    return { layer, range: [start, start + 1] };
  });
}

function sharedRanges(model: Node): OffsetRange[] {
  return (model.children ?? []).flatMap((property) => {
    const [key, value] = property.children ?? [];
    const isSaid = value !== undefined && value.type !== 'null';
    return isSaid && SHARED.has(String(key?.value)) ? [rangeOf(property)] : [];
  });
}

function rangeOf({ offset, length }: Node): OffsetRange {
  return [offset, offset + length];
}

/** The range with the blanks before it, a comma and blanks behind it, and the place where its line ends there. */
function wholeLines(text: string, [start, end]: OffsetRange): OffsetRange {
  let first = start;
  while (first > 0 && /[ \t]/.test(text.charAt(first - 1))) first--;
  let last = end;
  while (/[ \t,]/.test(text.charAt(last))) last++;
  return [first, /^[\r\n]?$/.test(text.charAt(last)) ? last + 1 : last];
}
