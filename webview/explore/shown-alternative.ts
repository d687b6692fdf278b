import { signal } from '@preact/signals';
import type { Alternative } from '../../src/protocol/solution.js';

/** One of the other solutions that the map shows in place of the optimum, with its number; null: the optimum. */
export const shownAlternative = signal<{ number: number; alternative: Alternative } | null>(null);
