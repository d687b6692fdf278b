import { type Costs, memoryBytes, type Workload } from '../model/accounting.js';

export interface LargestBatch {
  /** Sequences; 0 when not even the weights and one sequence fit, null when no number of them is too many. */
  batch: number | null;
  /** What weights and the KV cache of that batch take: just the weights where `batch` is 0 or null. */
  bytes: number;
}

/** The largest batch of sequences of a workload's length that fits a budget of bytes beside the weights. */
export function largestBatch(costs: Costs, workload: Workload, budgetBytes: number): LargestBatch {
  const at = (batch: number) => memoryBytes(costs, { ...workload, batch });
  const perSequence = at(1) - at(0);
  const room = budgetBytes - at(0);
  if (perSequence === 0 && room >= 0) return { batch: null, bytes: at(0) };
  const batch = room < perSequence ? 0 : Math.floor(room / perSequence);
  return { batch, bytes: at(batch) };
}
