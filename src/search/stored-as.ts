import { GGUF_PRECISIONS } from '../formats/gguf-tensor.js';
import type { StoredAs } from '../target/table.js';
import type { Spec } from './spec.js';

/** A target whose costs are measured on this machine. */
export type MeasuredTarget = Exclude<Spec['target'], { engine: 'table' }>;

const ONNXRUNTIME_STORES: StoredAs = { weights: 'F32', kvCache: 'F32' };

/** What a target's engine keeps weights and KV cache as, measured or not. A table says so itself. */
export function storedAs(target: MeasuredTarget): StoredAs {
  if (target.engine === 'onnxruntime') return ONNXRUNTIME_STORES;
  return { weights: GGUF_PRECISIONS[target.precision], kvCache: 'F16', engine: target.engine };
}
