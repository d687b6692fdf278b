import { InputError } from '../common/errors.js';
import type { ModelConfig } from '../formats/hf-config.js';
import type { LayerVariants } from '../model/variants.js';
import { HARDWARE } from '../target/hardware.js';
import { profileTable } from '../target/profile.js';
import { checkCostTable, type CostTable, meanTable, readCostTables } from '../target/table.js';
import { batchSizes, meanWorkload, workloadKinds } from '../target/workload.js';
import { type Constraint, parseConstraint } from './constraints.js';
import type { Spec } from './spec.js';

export type Target = Spec['target'];
type Profile = Extract<Target, { engine: 'profile' }>;
type Imported = Extract<Target, { engine: 'table' }>;

/** The estimated cost tables of a profile, one for each batch size. */
export function profileTables(config: ModelConfig, variants: readonly LayerVariants[], target: Profile): CostTable[] {
  const { workload: service, ...profile } = target;
  return batchSizes(service).map((batch) =>
    meanTable(
      workloadKinds(service, batch).map(({ share, workload }) => {
        return { share, workload, table: profileTable(config, variants, profile, workload) };
      }),
    ),
  );
}

/**
 * The imported cost tables of a target, one for each batch size. Without `config` and `variants` only what needs neither is
 * checked. Throws InputError where a table is missing, is of another workload, or lacks a variant.
 */
export async function importedTables({ file, workload: service }: Imported, parent?: Priced): Promise<CostTable[]> {
  const tables = await readCostTables(file);
  const sizes = batchSizes(service);
  return sizes.map((batch) => {
    const table =
      sizes.length === 1 && tables.length === 1 ? tables[0] : tables.find((one) => one.workload?.batch === batch);
    if (table === undefined) {
      throw new InputError(`has no table whose "workload" has a batch of ${batch}; add it, or change the target`, file);
    }
    if (parent) checkCostTable(table, parent.config, parent.variants, meanWorkload(service, batch), file);
    return table;
  });
}

/** What is to be priced. */
interface Priced {
  config: ModelConfig;
  variants: readonly LayerVariants[];
}

/** What a device asks of any model: that it fits. A limit of the user's on memory stands in its place. */
export function deviceLimits(target: Target): Constraint[] {
  if (target.engine !== 'profile') return [];
  const gigabytes = (target.devices * HARDWARE[target.hardware].memory) / 1e9;
  return [parseConstraint('memory', `<= ${gigabytes} GB`, 'target')];
}
