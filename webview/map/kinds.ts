import { BLOCK_KINDS, type ArchitectureMap } from '../../src/protocol/architecture.js';

export type BlockKind = (typeof BLOCK_KINDS)[number];

export const KIND_NAMES: Readonly<Record<BlockKind, string>> = {
  full: 'full',
  reduced: 'reduced',
  linear: 'linear',
  'no-op': 'no-op',
  experts: 'experts',
  mamba: 'Mamba',
  other: 'other',
};

/** The kinds that a map has, in the order of the closed list. */
export function kindsIn({ layers }: ArchitectureMap): BlockKind[] {
  return BLOCK_KINDS.filter((kind) =>
    layers.some(({ attention, ffn }) => attention.kind === kind || ffn.kind === kind),
  );
}
