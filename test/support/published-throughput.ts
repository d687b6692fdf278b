import { join } from 'node:path';
import { type ModelConfig, readModelConfig } from '../../src/formats/hf-config.js';
import { modelCosts, type Workload } from '../../src/model/accounting.js';
import { largestBatch } from '../../src/target/largest-batch.js';
import { machineOf, profileSeconds, type ProfileTarget } from '../../src/target/profile.js';
import { type Calibration, CALIBRATION } from '../../src/target/roofline.js';

/** Generated tokens per second and device, and the devices that shared the model. */
interface Published {
  tokensPerSecond: number;
  devices: number;
}

export interface Scenario {
  name: string;
  prefill: number;
  generated: number;
  /** The best of the child and of its parent first; further rows are other numbers of devices. */
  child: Published[];
  parent: Published[];
}

const on = (devices: number, tokensPerSecond: number): Published => ({ tokensPerSecond, devices });

/**
 * Nemotron-51B and its parent Llama-3.1-70B on H100 SXM with TensorRT-LLM, all in FP8: Puzzle, table 2. Only the
 * generated tokens can be meant: all tokens of 2048/128 at 653 a second would be 3% of the arithmetic of the device.
 */
export const SCENARIOS: readonly Scenario[] = [
  { name: 'chat', prefill: 128, generated: 128, child: [on(1, 5478)], parent: [on(1, 2645)] },
  { name: 'text generation', prefill: 128, generated: 1024, child: [on(1, 6472)], parent: [on(4, 2975), on(1, 1274)] },
  { name: 'long text generation', prefill: 128, generated: 2048, child: [on(2, 4910)], parent: [on(4, 2786)] },
  { name: 'inference-time compute', prefill: 128, generated: 4096, child: [on(2, 3855)], parent: [on(4, 1828)] },
  { name: 'summarisation, RAG', prefill: 2048, generated: 128, child: [on(1, 653)], parent: [on(4, 339), on(1, 301)] },
  { name: 'stress', prefill: 2048, generated: 2048, child: [on(2, 2622)], parent: [on(4, 1336)] },
];

/** The largest batch that the paper names, of the parent on four devices. */
export const LARGEST_BATCH = 384;

export interface NemotronModels {
  child: ModelConfig;
  parent: ModelConfig;
}

/**
 * The parent, and a child that met the same constraints as the 51B, whose layers are not published: the 49B.
 *
 * @param shared the folder of real inputs
 */
export async function readNemotron(shared: string): Promise<NemotronModels> {
  const config = (name: string) => readModelConfig(join(shared, 'configs', name));
  return { child: await config('Llama-3_3-Nemotron-Super-49B-v1'), parent: await config('Llama-3.1-70B') };
}

export interface Prediction {
  scenario: Scenario;
  side: keyof NemotronModels;
  devices: number;
  batch: number;
  published: number;
  predicted: number;
}

/** Every published throughput beside the profile's, at the largest batch that fits into the memory of the devices. */
export function predictions(models: NemotronModels, calibration: Calibration = CALIBRATION): Prediction[] {
  return SCENARIOS.flatMap((scenario) =>
    (['child', 'parent'] as const).flatMap((side) =>
      scenario[side].map(({ tokensPerSecond, devices }): Prediction => {
        const target: ProfileTarget = { hardware: 'h100-sxm', devices, weights: 'F8', kvCache: 'F8' };
        const machine = machineOf(target);
        const { prefill, generated } = scenario;
        const costs = modelCosts(models[side], { weights: 'F8', context: prefill + generated });
        const one: Workload = { batch: 1, prefill, generated };
        const fits = largestBatch(costs, one, devices * machine.hardware.memory).batch ?? LARGEST_BATCH;
        const batch = Math.min(LARGEST_BATCH, fits);
        const seconds = profileSeconds(models[side], machine, { ...one, batch }, calibration);
        const predicted = (batch * generated) / seconds / devices;
        return { scenario, side, devices, batch, published: tokensPerSecond, predicted };
      }),
    ),
  );
}

/** Child over parent, each at its published best number of devices. */
export function speedupOf(of: readonly Prediction[], scenario: Scenario, by: 'published' | 'predicted'): number {
  const best = (side: keyof NemotronModels) => of.find((one) => one.scenario === scenario && one.side === side)?.[by];
  return (best('child') ?? NaN) / (best('parent') ?? NaN);
}

const squaredError = (of: readonly Prediction[]) =>
  of.reduce((sum, { predicted, published }) => sum + Math.log(predicted / published) ** 2, 0);

/** Steps to each side of the best of a round, and rounds, each of which halves the step. */
const SIDE = 2;
const ROUNDS = 7;

/** The calibration of least squared logarithms over the scenarios that are not left out, by a grid that closes in. */
export function fitCalibration(models: NemotronModels, leftOut?: Scenario): Calibration {
  const errorAt = (calibration: Calibration) =>
    squaredError(predictions(models, calibration).filter(({ scenario }) => scenario !== leftOut));
  let best = { calibration: CALIBRATION, error: errorAt(CALIBRATION) };
  const steps = Array.from({ length: 2 * SIDE + 1 }, (_, i) => i - SIDE);
  for (let round = 0; round < ROUNDS; round++) {
    const factor = (step: number) => 1.3 ** (step / 2 ** round);
    const { compute, bandwidth, overheadSeconds } = best.calibration;
    for (const c of steps) {
      for (const b of steps) {
        for (const o of steps) {
          const calibration = {
            compute: compute * factor(c),
            bandwidth: bandwidth * factor(b),
            overheadSeconds: overheadSeconds * factor(2 * o),
          };
          const error = errorAt(calibration);
          if (error < best.error) best = { calibration, error };
        }
      }
    }
  }
  return best.calibration;
}
