import type { ModelConfig } from '../formats/hf-config.js';
import {
  attentionCosts,
  type Costs,
  ffnCosts,
  memoryBytes,
  nonBlockCosts,
  type Workload,
} from '../model/accounting.js';
import { NEEDS_KV_CACHE } from '../model/gguf-shapes.js';
import type { LayerVariants, Variant } from '../model/variants.js';
import { type ExcludedPair, excludedPairs } from './excluded.js';
import { type CostTable, tableRow } from './table.js';
import { batchSizes, meanWorkload, type Runtime, runtimeSeconds, type Service } from './workload.js';

/** What a part of a model takes on a target at a workload; parts add up. */
export interface PartCosts {
  parameters: number;
  /** Bytes of weights and KV cache. */
  memory: number;
  /** Bytes of KV cache alone. */
  kvCache: number;
  /** Seconds of the whole workload. */
  seconds: number;
  /** Of those, what the first token of every sequence waits for. */
  prefillSeconds: number;
  /** Seconds of one decode step. */
  stepSeconds: number;
}

export interface PricedVariant extends PartCosts {
  name: string;
}

/** The costs of everything a search chooses from, with the parent's own variants first in each list. */
export interface LibraryCosts {
  workload: Workload;
  /** Where estimated seconds come from; absent where they were measured. */
  estimated?: string | undefined;
  nonBlock: PartCosts;
  layers: PricedLayer[];
  /** What every architecture must have of KV cache, and why, where the engine runs none that has none. */
  leastKvCache?: Need | undefined;
}

/** Bytes. */
interface Need {
  bytes: number;
  why: string;
}

export interface PricedLayer {
  attention: PricedVariant[];
  ffn: PricedVariant[];
  /** What the engine of the target cannot run. */
  excluded?: ExcludedPair[];
}

/** Throws InputError where the table has no row for a variant. */
export function libraryCosts(
  config: ModelConfig,
  variants: readonly LayerVariants[],
  table: CostTable,
  workload: Workload,
): LibraryCosts {
  const { weights, kvCache } = table;
  const options = { weights, kvCache, context: workload.prefill + workload.generated };
  const priced = (variant: Variant, layer: number): PricedVariant => {
    const costs =
      variant.half === 'attention'
        ? attentionCosts(config, variant.shape, options)
        : ffnCosts(config, variant.shape, options);
    const row = tableRow(table, config, variant);
    const isLast = variant.half === 'ffn' && layer === variants.length - 1;
    return { name: variant.name, ...partCosts(costs, isLast ? lastFfn(table, row) : row, workload) };
  };
  const layers = variants.map((layer, index): PricedLayer => {
    const excluded = excludedPairs(table.engine, layer);
    return {
      attention: layer.attention.map((variant) => priced(variant, index)),
      ffn: layer.ffn.map((variant) => priced(variant, index)),
      ...(excluded.length === 0 ? {} : { excluded }),
    };
  });
  return {
    workload,
    ...(table.estimated === true ? { estimated: table.source ?? 'estimated' } : {}),
    nonBlock: partCosts(nonBlockCosts(config, options), table.nonBlock, workload),
    layers,
    leastKvCache: table.engine === 'llama.cpp' ? leastKvCache(layers) : undefined,
  };
}

/** The least that one attention with a KV cache has of it; nothing where there is no such attention. */
function leastKvCache(layers: readonly PricedLayer[]): Need | undefined {
  const sizes = layers.flatMap(({ attention }) => attention.map(({ kvCache }) => kvCache)).filter((size) => size > 0);
  return sizes.length === 0 ? undefined : { bytes: Math.min(...sizes), why: NEEDS_KV_CACHE };
}

/**
 * The last FFN of a model. llama.cpp takes only those tokens through it of which something is asked: in a prefill the last
 * one of each sequence, as many as in a decode step.
 */
function lastFfn(table: CostTable, { prefillSeconds, decodeSeconds }: Runtime): Runtime {
  return { prefillSeconds: table.engine === 'llama.cpp' ? decodeSeconds : prefillSeconds, decodeSeconds };
}

/** The costs of everything at each batch size of a service, from as many tables. */
export function pricedAtBatches(
  config: ModelConfig,
  variants: readonly LayerVariants[],
  tables: readonly CostTable[],
  service: Service,
): LibraryCosts[] {
  const sizes = batchSizes(service);
  return tables.map((table, i) => libraryCosts(config, variants, table, meanWorkload(service, sizes[i] ?? NaN)));
}

function partCosts(costs: Costs, runtime: Runtime, workload: Workload): PartCosts {
  const memory = memoryBytes(costs, workload);
  return {
    parameters: costs.parameters,
    memory,
    kvCache: memory - costs.weightBytes,
    seconds: runtimeSeconds(workload, runtime),
    prefillSeconds: runtime.prefillSeconds,
    stepSeconds: runtime.decodeSeconds,
  };
}

const COSTS: readonly (keyof PartCosts)[] = [
  'parameters',
  'memory',
  'kvCache',
  'seconds',
  'prefillSeconds',
  'stepSeconds',
];

/** Costs of several parts together. */
export function sumPartCosts(parts: readonly PartCosts[]): PartCosts {
  const total = (cost: keyof PartCosts) => parts.reduce((sum, part) => sum + part[cost], 0);
  return Object.fromEntries(COSTS.map((cost) => [cost, total(cost)])) as unknown as PartCosts;
}
