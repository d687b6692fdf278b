import { InputError } from '../common/errors.js';
import { bytes, parseBytes, plural } from '../common/units.js';
import type { ModelConfig } from '../formats/hf-config.js';
import type { Budgets } from './context.js';
import { uptrainBytes } from './footprint.js';

/** How a step of the uptraining is cut up to fit in memory: the result is the same but for rounding. */
export interface UptrainPlan {
  /** Sequences at a time, of those of a step. */
  microBatch: number;
  /** Whether layers are computed once more in the backward pass instead of being kept in memory. */
  recompute: boolean;
}

/** A step in more parts than this would take longer than anyone waits. */
const MAX_PARTS = 4096;

/**
 * The fastest plan within `memory` (a text such as `2 GiB`; undefined: no bound), by the estimate of `uptrainBytes`: fewer
 * sequences at a time cost little, computing layers twice costs about a quarter of the time. Throws InputError with the
 * least that is needed where none fits.
 */
export function uptrainPlan(config: ModelConfig, budgets: Budgets, memory: string | undefined): UptrainPlan {
  const { uptrainBatch: batch, sequenceLength } = budgets;
  if (memory === undefined) return { microBatch: batch, recompute: false };
  const needs = (plan: UptrainPlan) => uptrainBytes(config, { sequenceLength, batch, ...plan });
  const limit = parseBytes(memory) ?? 0;
  for (const recompute of [false, true]) {
    for (let parts = 1; parts <= Math.min(batch, MAX_PARTS); parts++) {
      const plan = { microBatch: batch / parts, recompute };
      if (Number.isInteger(plan.microBatch) && needs(plan) <= limit) return plan;
    }
  }
  const least = bytes(needs({ microBatch: Math.max(1, batch / MAX_PARTS), recompute: true }));
  throw new InputError(`"${memory}" is too little; the uptraining needs about ${least}`, 'uptrain.memory');
}

/** `4 sequences at a time, layers computed twice` */
export function describePlan({ microBatch, recompute }: UptrainPlan): string {
  return `${plural(microBatch, 'sequence')} at a time${recompute ? ', layers computed twice' : ''}`;
}
