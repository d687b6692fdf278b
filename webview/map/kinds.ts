import * as l10n from '@vscode/l10n';
import { BLOCK_KINDS, type ArchitectureMap } from '../../src/protocol/architecture.js';

export type BlockKind = (typeof BLOCK_KINDS)[number];

export const KIND_NAMES: Readonly<Record<BlockKind, string>> = {
  full: l10n.t('full'),
  reduced: l10n.t('reduced'),
  linear: l10n.t('linear'),
  'no-op': l10n.t('no-op'),
  experts: l10n.t('experts'),
  mamba: 'Mamba',
  other: l10n.t('other'),
};

/** The kinds that a map has, in the order of the closed list. */
export function kindsIn({ layers }: ArchitectureMap): BlockKind[] {
  return BLOCK_KINDS.filter((kind) =>
    layers.some(({ attention, ffn }) => attention.kind === kind || ffn.kind === kind),
  );
}
