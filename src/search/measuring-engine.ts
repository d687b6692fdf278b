import { availableParallelism } from 'node:os';
import type { ModelConfig } from '../formats/hf-config.js';
import { llamaCppEngine, timePartsInLlamaCpp } from '../target/llama-cpp/time-parts.js';
import {
  type Engine,
  type MeasureOptions,
  onnxruntimeEngine,
  type Part,
  type PartTiming,
  timeParts,
} from '../target/onnxruntime.js';
import type { StoredAs } from '../target/table.js';
import { type MeasuredTarget, storedAs } from './stored-as.js';

/** How the parts of a model are timed on this machine. */
export interface MeasuringEngine {
  engine: Engine;
  stored: StoredAs;
  timeParts: (config: ModelConfig, parts: readonly Part[], options: MeasureOptions) => Promise<PartTiming[]>;
}

/** The engine of a target. Throws InputError where it is not installed. */
export function measuringEngine(target: MeasuredTarget): MeasuringEngine {
  const threads = target.threads ?? availableParallelism();
  const stored = storedAs(target);
  if (target.engine === 'onnxruntime') {
    const { device } = target;
    return {
      engine: onnxruntimeEngine(threads, device),
      stored,
      timeParts: (config, parts, options) => timeParts(config, parts, { ...options, device }),
    };
  }
  const { precision } = target;
  return {
    engine: llamaCppEngine(threads, precision),
    stored,
    timeParts: (config, parts, options) => timePartsInLlamaCpp(config, parts, { ...options, precision }),
  };
}
