import {
  attentionCosts,
  type Costs,
  ffnCosts,
  nonBlockCosts,
  SERVED_DTYPE,
  type Workload,
} from '../../src/model/accounting.js';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import type { LayerVariants } from '../../src/model/variants.js';
import { type CostTable, tableKey } from '../../src/target/table.js';

/** Of the machine that there is none of. */
const FLOPS_PER_SECOND = 1e9;

/**
 * A cost table of FLOPs: the runtime on a machine that does nothing but matrix products, at one rate whatever their shape.
 * What is chosen by it depends on no clock. Every token attends to the whole context.
 */
export function flopTable(config: ModelConfig, variants: readonly LayerVariants[], workload: Workload): CostTable {
  const options = { weights: SERVED_DTYPE, context: workload.prefill + workload.generated };
  const row = ({ flopsPerToken }: Costs) => {
    const decodeSeconds = (workload.batch * flopsPerToken) / FLOPS_PER_SECOND;
    return { prefillSeconds: workload.prefill * decodeSeconds, decodeSeconds };
  };
  const rows = variants.flatMap(({ attention, ffn }) => [
    ...attention.map((variant) => [tableKey(config, variant), row(attentionCosts(config, variant.shape, options))]),
    ...ffn.map((variant) => [tableKey(config, variant), row(ffnCosts(config, variant.shape, options))]),
  ]);
  return {
    version: 1,
    source: 'FLOPs',
    workload,
    ...{ weights: SERVED_DTYPE, kvCache: SERVED_DTYPE },
    nonBlock: row(nonBlockCosts(config, options)),
    variants: Object.fromEntries(rows) as CostTable['variants'],
  };
}
