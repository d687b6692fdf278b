import { GGUF_PRECISIONS } from '../formats/gguf-tensor.js';
import type { StoredAs } from '../target/table.js';
import type { Target } from './target-tables.js';

/** A target whose costs are measured on this machine. */
export type MeasuredTarget = Extract<Target, { engine: 'onnxruntime' | 'llama.cpp' }>;

const ONNXRUNTIME_STORES: StoredAs = { weights: 'F32', kvCache: 'F32' };

export function isMeasured(target: Target): target is MeasuredTarget {
  return target.engine === 'onnxruntime' || target.engine === 'llama.cpp';
}

/** What a target's engine keeps weights and KV cache as, measured or not. A table says so itself. */
export function storedAs(target: MeasuredTarget): StoredAs {
  if (target.engine === 'onnxruntime') return ONNXRUNTIME_STORES;
  return { weights: GGUF_PRECISIONS[target.precision], kvCache: 'F16', engine: target.engine };
}
