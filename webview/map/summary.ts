import type { ArchitectureMap } from '../../src/protocol/architecture.js';
import { count, percent, plural } from '../ui/format.js';
import type { BlockKind } from './kinds.js';
import { HALVES, type Half } from './rows.js';

export const HALF_NAMES: Readonly<Record<Half, string>> = { attention: 'attention', ffn: 'FFN' };

/** What is worth telling of a half, where some layers have it. */
const WORDS: Readonly<Partial<Record<BlockKind, (half: string) => string>>> = {
  'no-op': (half) => `without ${half}`,
  linear: (half) => `with linear ${half}`,
  reduced: (half) => `with reduced ${half}`,
  experts: (half) => `with experts for ${half}`,
  mamba: (half) => `with Mamba for ${half}`,
  other: (half) => `with other ${half}`,
};

/** The map in a sentence: `10 layers: 3 without attention; attention kept 51.0%, FFN kept 42.5%`. */
export function mapSummary(map: ArchitectureMap, parent: ArchitectureMap | null): string {
  const kinds = HALVES.flatMap((half) =>
    Object.entries(WORDS).flatMap(([kind, words]) => {
      // How much is reduced says more than in how many layers.
      if (kind === 'reduced' && keptShare(map.totals[half], parent?.totals[half]) !== null) return [];
      const number = map.layers.filter((layer) => layer[half].kind === kind).length;
      return number === 0 ? [] : [`${count(number)} ${words(HALF_NAMES[half])}`];
    }),
  );
  const kept = HALVES.flatMap((half) => {
    const share = keptShare(map.totals[half], parent?.totals[half]);
    return share === null ? [] : [`${HALF_NAMES[half]} kept ${percent(share)}`];
  });
  const told = [kinds, kept].filter((part) => part.length > 0).map((part) => part.join(', '));
  return `${plural(map.layers.length, 'layer')}: ${told.length === 0 ? 'all alike' : told.join('; ')}`;
}

/** Share of the parent's, where both are known and the parent has any. */
export function keptShare(own: number | null, parents: number | null | undefined): number | null {
  return own === null || parents === null || parents === undefined || parents === 0 ? null : own / parents;
}

/** In characters. */
export function longestName({ layers }: ArchitectureMap): number {
  return layers.reduce((longest, { attention, ffn }) => Math.max(longest, attention.name.length, ffn.name.length), 0);
}
