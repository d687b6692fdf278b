import * as l10n from '@vscode/l10n';
import type { ArchitectureMap } from '../../src/protocol/architecture.js';
import { count, percent, plural } from '../ui/format.js';
import type { BlockKind } from './kinds.js';
import { HALVES, type Half } from './rows.js';

export const HALF_NAMES: Readonly<Record<Half, string>> = { attention: l10n.t('attention'), ffn: l10n.t('FFN') };

/** What is worth telling of a half, where some layers have it. */
const WORDS: Readonly<Partial<Record<BlockKind, (layers: string, half: string) => string>>> = {
  'no-op': (layers, half) => l10n.t('{0} without {1}', layers, half),
  linear: (layers, half) => l10n.t('{0} with linear {1}', layers, half),
  reduced: (layers, half) => l10n.t('{0} with reduced {1}', layers, half),
  experts: (layers, half) => l10n.t('{0} with experts for {1}', layers, half),
  mamba: (layers, half) => l10n.t('{0} with Mamba for {1}', layers, half),
  other: (layers, half) => l10n.t('{0} with other {1}', layers, half),
};

/** The map in a sentence: `10 layers: 3 without attention; attention kept 51.0%, FFN kept 42.5%`. */
export function mapSummary(map: ArchitectureMap, parent: ArchitectureMap | null): string {
  const kinds = HALVES.flatMap((half) =>
    Object.entries(WORDS).flatMap(([kind, words]) => {
      // How much is reduced says more than in how many layers.
      if (kind === 'reduced' && keptShare(map.totals[half], parent?.totals[half]) !== null) return [];
      const number = map.layers.filter((layer) => layer[half].kind === kind).length;
      return number === 0 ? [] : [words(count(number), HALF_NAMES[half])];
    }),
  );
  const kept = HALVES.flatMap((half) => {
    const share = keptShare(map.totals[half], parent?.totals[half]);
    return share === null ? [] : [l10n.t('{0} kept {1}', HALF_NAMES[half], percent(share))];
  });
  const told = [kinds, kept].filter((part) => part.length > 0).map((part) => part.join(', '));
  const layers = map.layers.length;
  const text = told.length === 0 ? l10n.t('all alike') : told.join('; ');
  return plural(layers, l10n.t('1 layer: {0}', text), l10n.t('{0} layers: {1}', layers, text));
}

/** Share of the parent's, where both are known and the parent has any. */
export function keptShare(own: number | null, parents: number | null | undefined): number | null {
  return own === null || parents === null || parents === undefined || parents === 0 ? null : own / parents;
}

/** In characters. */
export function longestName({ layers }: ArchitectureMap): number {
  return layers.reduce((longest, { attention, ffn }) => Math.max(longest, attention.name.length, ffn.name.length), 0);
}
