import type { ModelConfig } from '../formats/hf-config.js';
import {
  attentionCosts,
  type Costs,
  ffnCosts,
  memoryBytes,
  nonBlockCosts,
  type Workload,
} from '../model/accounting.js';
import type { LayerVariants, Variant } from '../model/variants.js';
import { type ExcludedPair, excludedPairs } from './excluded.js';
import { type CostTable, tableRow } from './table.js';
import { type Runtime, runtimeSeconds } from './workload.js';

/** What a part of a model takes on a target at a workload; parts add up. */
export interface PartCosts {
  parameters: number;
  /** Bytes of weights and KV cache. */
  memory: number;
  /** Bytes of KV cache alone. */
  kvCache: number;
  /** Seconds of the whole workload. */
  seconds: number;
}

export interface PricedVariant extends PartCosts {
  name: string;
}

/** The costs of everything a search chooses from, with the parent's own variants first in each list. */
export interface LibraryCosts {
  workload: Workload;
  nonBlock: PartCosts;
  layers: PricedLayer[];
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
  return {
    workload,
    nonBlock: partCosts(nonBlockCosts(config, options), table.nonBlock, workload),
    layers: variants.map((layer, index) => {
      const excluded = excludedPairs(table.engine, layer);
      return {
        attention: layer.attention.map((variant) => priced(variant, index)),
        ffn: layer.ffn.map((variant) => priced(variant, index)),
        ...(excluded.length === 0 ? {} : { excluded }),
      };
    }),
  };
}

/**
 * The last FFN of a model. llama.cpp takes only those tokens through it of which something is asked: in a prefill the last
 * one of each sequence, as many as in a decode step.
 */
function lastFfn(table: CostTable, { prefillSeconds, decodeSeconds }: Runtime): Runtime {
  return { prefillSeconds: table.engine === 'llama.cpp' ? decodeSeconds : prefillSeconds, decodeSeconds };
}

function partCosts(costs: Costs, runtime: Runtime, workload: Workload): PartCosts {
  const memory = memoryBytes(costs, workload);
  return {
    parameters: costs.parameters,
    memory,
    kvCache: memory - costs.weightBytes,
    seconds: runtimeSeconds(workload, runtime),
  };
}

/** Costs of several parts together. */
export function sumPartCosts(parts: readonly PartCosts[]): PartCosts {
  const total = { parameters: 0, memory: 0, kvCache: 0, seconds: 0 };
  for (const { parameters, memory, kvCache, seconds } of parts) {
    total.parameters += parameters;
    total.memory += memory;
    total.kvCache += kvCache;
    total.seconds += seconds;
  }
  return total;
}
