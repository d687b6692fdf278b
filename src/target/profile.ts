import type { ModelConfig } from '../formats/hf-config.js';
import type { Precision, Workload } from '../model/accounting.js';
import type { LayerVariants, Variant } from '../model/variants.js';
import { HARDWARE, type HardwareName } from './hardware.js';
import type { Part } from './onnxruntime.js';
import { CALIBRATION, type Machine, rooflineRuntime } from './roofline.js';
import { type CostTable, tableKey } from './table.js';
import { type Runtime, runtimeSeconds } from './workload.js';

/** Named hardware, as a spec asks for it. */
export interface ProfileTarget {
  hardware: HardwareName;
  /** Devices that share every layer. */
  devices: number;
  weights: Precision;
  kvCache: Precision;
}

export function machineOf({ hardware, ...rest }: ProfileTarget): Machine {
  return { hardware: HARDWARE[hardware], ...rest };
}

/** `2 x NVIDIA H100 SXM 80 GB (weights F8, KV cache F8)` */
export function profileText({ hardware, devices, weights, kvCache }: ProfileTarget): string {
  const count = devices === 1 ? '' : `${devices} x `;
  return `${count}${HARDWARE[hardware].title} (weights ${weights}, KV cache ${kvCache})`;
}

/** The estimated costs of every variant: a table like a measured one, marked as estimated. */
export function profileTable(
  config: ModelConfig,
  variants: readonly LayerVariants[],
  target: ProfileTarget,
  workload: Workload,
): CostTable {
  const machine = machineOf(target);
  const runtime = (part: Part) => rooflineRuntime(config, part, machine, workload);
  const all = variants.flatMap(({ attention, ffn }): Variant[] => [...attention, ...ffn]);
  const rows = new Map(all.map((variant) => [tableKey(config, variant), runtime(variant)]));
  const { compute, bandwidth, overheadSeconds } = CALIBRATION;
  const { batch, prefill, generated } = workload;
  return {
    version: 1,
    source:
      `estimated for ${profileText(target)} by a roofline of published peaks (${machine.hardware.source}), of which ` +
      `${(100 * compute).toFixed(0)}% of compute and ${(100 * bandwidth).toFixed(0)}% of bandwidth are reached, with ` +
      `${(1e6 * overheadSeconds).toFixed(0)} µs of overhead per subblock`,
    estimated: true,
    workload: { batch, prefill, generated },
    ...{ weights: target.weights, kvCache: target.kvCache },
    nonBlock: runtime({ half: 'non-block' }),
    variants: Object.fromEntries([...rows].sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

/** Estimated seconds of a workload for a whole model, whatever its layers. */
export function profileSeconds(
  config: ModelConfig,
  machine: Machine,
  workload: Workload,
  calibration = CALIBRATION,
): number {
  const parts = config.layers.flatMap(({ attention, ffn }): Part[] => [
    { half: 'attention', shape: attention },
    { half: 'ffn', shape: ffn },
  ]);
  const runtimes: Runtime[] = [{ half: 'non-block' } as const, ...parts].map((part) =>
    rooflineRuntime(config, part, machine, workload, calibration),
  );
  return runtimes.reduce((sum, runtime) => sum + runtimeSeconds(workload, runtime), 0);
}
