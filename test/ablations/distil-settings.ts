import type { Spec } from '../../src/search/spec.js';

/** Training tokens from the paper's start: fourfold each time, and ten times what a closed form is fitted to. */
export const PAPER_TOKENS = [4_096, 16_384, 65_536, 163_840];

/** So many that no training goes over a text twice: one in sixteen is held out. */
const DISTINCT_TOKENS = 180_224;

/** The comparisons of distillation share their text, and with it every variant that both train. */
export function distilSettings(
  distil: Partial<Pick<Spec['distil'], 'start' | 'tokens' | 'closedFormTokens'>>,
): Partial<Spec['distil']> {
  return { ...distil, distinctTokens: DISTINCT_TOKENS };
}
