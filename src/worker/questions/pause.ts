import { setImmediate } from 'node:timers/promises';
import type { Pause } from '../../solver/front.js';

/** How many architectures may agree with one another: a share of the layers. */
export const MAX_OVERLAP = 0.8;

/** Between two of many solves other questions are answered; one that was withdrawn ends there, with its reason. */
export function pauseUnless(signal: AbortSignal): Pause {
  return async () => {
    await setImmediate();
    signal.throwIfAborted();
  };
}
