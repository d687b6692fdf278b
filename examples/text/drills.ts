import type { Random } from '../../src/common/random.js';
import { ANSWER_WORDS } from './grammar-words.js';

/** Words of a list, and how often it is said. */
const MIN_WORDS = 6;
const MAX_WORDS = 24;
const MIN_TIMES = 2;
const MAX_TIMES = 4;

/**
 * A list of words in no order, said several times: from the second time on, every word follows from looking back. Nothing
 * teaches a model to look back as fast, and stories alone, where few words depend on it, take many times the tokens.
 */
export function drill(random: Random): string {
  const length = MIN_WORDS + random.below(MAX_WORDS - MIN_WORDS + 1);
  const words = Array.from({ length }, () => random.pick(ANSWER_WORDS)).join(' ');
  return Array.from({ length: MIN_TIMES + random.below(MAX_TIMES - MIN_TIMES + 1) }, () => `Say ${words}.`).join(' ');
}
