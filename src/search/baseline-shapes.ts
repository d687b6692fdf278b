import type { LayerShape, ModelConfig } from '../formats/hf-config.js';
import { parameterCount } from '../model/accounting.js';
import { modelTensors } from '../model/tensors.js';
import { parseAttentionName, parseFfnName } from '../model/variants.js';
import { type LibraryCosts, type PricedVariant, sumPartCosts } from '../target/costs.js';
import type { LayerScores } from './solve.js';

/** An architecture that is not searched for, and what it takes by the cost table of the search. */
export interface PlannedShape {
  layers: LayerShape[];
  /** Predicted, of the whole workload. */
  seconds: number;
}

/** Sums of the same costs in another order differ by rounding. */
const ROUNDING = 1 + 1e-9;

/** Whether a predicted runtime is within a limit. */
export function within({ seconds }: { seconds: number }, limit: number): boolean {
  return seconds <= limit * ROUNDING;
}

/**
 * Uniform width pruning: no layer keeps more KV heads than one number, no FFN more channels than another. Of all such
 * pairs within `limit` seconds the one that leaves most parameters; where there is none, the fastest. KV heads are those of
 * the cost table; widths are multiples of `multiple`, from the narrowest of the table to the parent's own, and their
 * seconds linear between those of the table.
 */
export function uniformPruning(
  config: ModelConfig,
  costs: LibraryCosts,
  multiple: number,
  limit: number,
): PlannedShape {
  const ladders = config.layers.map((own, layer) => ladderOf(own, costs.layers[layer]));
  const kvHeads = ladders.flatMap(({ attention }) => attention.map(({ size }) => size));
  const widths = ladders.flatMap(({ ffn }) => ffn.map(({ size }) => size));
  const plans = capsOf(kvHeads).flatMap((kvCap) =>
    capsOf([...widths, ...multiplesWithin(widths, multiple)]).map((widthCap) => {
      const capped = ladders.map((ladder) => cappedLayer(ladder, kvCap, widthCap));
      const layers = capped.map(({ shape }) => shape);
      return {
        layers,
        seconds: capped.reduce((total, { seconds }) => total + seconds, costs.nonBlock.seconds),
        parameters: parameterCount(modelTensors({ ...config, layers })),
      };
    }),
  );
  const enough = plans.filter((plan) => within(plan, limit));
  const [chosen] =
    enough.length > 0
      ? enough.sort((a, b) => b.parameters - a.parameters || a.seconds - b.seconds)
      : plans.sort((a, b) => a.seconds - b.seconds || b.parameters - a.parameters);
  if (chosen === undefined) throw new Error('there is nothing to choose from');
  return { layers: chosen.layers, seconds: chosen.seconds };
}

/**
 * Layer dropping: whole layers become no-ops, the least important first, as few as bring the model to `limit` seconds; all
 * that can be, where that is not enough. A layer's importance is the sum of its two no-op scores, each measured alone, as
 * all scores of the search are; a layer that lacks one of them stays.
 */
export function droppedLayers(
  config: ModelConfig,
  costs: LibraryCosts,
  scores: readonly LayerScores[],
  limit: number,
): PlannedShape {
  const parent = costs.layers.flatMap(({ attention, ffn }) => [...attention.slice(0, 1), ...ffn.slice(0, 1)]);
  const plan = { layers: [...config.layers], seconds: sumPartCosts([costs.nonBlock, ...parent]).seconds };
  const droppable = scores.flatMap(({ attention, ffn }, layer) => {
    const [a, f] = [attention['no-op'], ffn['no-op']];
    return typeof a === 'number' && typeof f === 'number' ? [{ layer, importance: a + f }] : [];
  });
  for (const { layer } of droppable.sort((a, b) => a.importance - b.importance)) {
    if (within(plan, limit)) break;
    const priced = costs.layers[layer];
    plan.layers[layer] = { attention: { kind: 'no-op' }, ffn: { kind: 'no-op' } };
    plan.seconds -= savedByDropping(priced?.attention) + savedByDropping(priced?.ffn);
  }
  return plan;
}

/** The parent's own variant comes first. */
function savedByDropping(priced: readonly PricedVariant[] = []): number {
  return (priced[0]?.seconds ?? 0) - (priced.find(({ name }) => name === 'no-op')?.seconds ?? 0);
}

/** A size of a half, KV heads or channels, and its runtime. */
interface Rung {
  size: number;
  seconds: number;
}

/** The sizes a layer's halves have in the cost table, ascending; none for a half that is neither gqa nor gated. */
interface Ladder {
  own: LayerShape;
  attention: Rung[];
  ffn: Rung[];
  /** Of the halves without sizes, which stay as they are. */
  fixedSeconds: number;
}

function ladderOf(own: LayerShape, priced: LibraryCosts['layers'][number] | undefined): Ladder {
  const rungs = (variants: readonly PricedVariant[], sizeOf: (name: string) => number | undefined) =>
    variants
      .flatMap(({ name, seconds }) => {
        const size = sizeOf(name);
        return size === undefined ? [] : [{ size, seconds }];
      })
      .sort((a, b) => a.size - b.size);
  const { attention = [], ffn = [] } = priced ?? {};
  const [ownAttention, ownFfn] = [attention[0], ffn[0]];
  if (ownAttention === undefined || ownFfn === undefined) throw new Error('a layer has no price');
  const sized = { attention: own.attention.kind === 'gqa', ffn: own.ffn.kind === 'gated' };
  return {
    own,
    attention: sized.attention ? rungs(attention, kvHeadsOf) : [],
    ffn: sized.ffn ? rungs(ffn, (name) => widthOf(name, own)) : [],
    fixedSeconds: (sized.attention ? 0 : ownAttention.seconds) + (sized.ffn ? 0 : ownFfn.seconds),
  };
}

function kvHeadsOf(name: string): number | undefined {
  const shape = parseAttentionName(name);
  return shape?.kind === 'gqa' ? shape.kvHeads : undefined;
}

function widthOf(name: string, own: LayerShape): number | undefined {
  const shape = parseFfnName(name, own.ffn);
  return shape?.kind === 'gated' ? shape.width : undefined;
}

/** A layer under both caps, but never below the smallest size that has a price. */
function cappedLayer(
  { own, attention, ffn, fixedSeconds }: Ladder,
  kvCap: number,
  widthCap: number,
): { shape: LayerShape; seconds: number } {
  const shape = { ...own };
  let seconds = fixedSeconds;
  const heads = attention.findLast(({ size }) => size <= kvCap) ?? attention[0];
  if (heads !== undefined) {
    shape.attention = { kind: 'gqa', kvHeads: heads.size };
    seconds += heads.seconds;
  }
  const [narrowest, widest] = [ffn[0], ffn.at(-1)];
  if (narrowest !== undefined && widest !== undefined) {
    const width = Math.max(narrowest.size, Math.min(widest.size, widthCap));
    shape.ffn = { kind: 'gated', width };
    seconds += interpolated(ffn, width);
  }
  return { shape, seconds };
}

/** Seconds of a size between the smallest and the largest rung. */
function interpolated(rungs: readonly Rung[], size: number): number {
  const below = rungs.findLast((rung) => rung.size <= size);
  const above = rungs.find((rung) => rung.size >= size);
  if (below === undefined || above === undefined) throw new Error(`a width of ${size} is outside the cost table`);
  if (above.size === below.size) return below.seconds;
  return below.seconds + ((above.seconds - below.seconds) * (size - below.size)) / (above.size - below.size);
}

function multiplesWithin(sizes: readonly number[], multiple: number): number[] {
  if (sizes.length === 0) return [];
  const first = Math.ceil(Math.min(...sizes) / multiple);
  const last = Math.floor(Math.max(...sizes) / multiple);
  return Array.from({ length: Math.max(0, last - first + 1) }, (_, i) => (first + i) * multiple);
}

/** Each size once; where there are none, the one cap that changes nothing. */
function capsOf(sizes: readonly number[]): number[] {
  return sizes.length === 0 ? [Infinity] : [...new Set(sizes)];
}
