import type { HalfMap } from '../../src/protocol/architecture.js';

interface BarProps {
  half: Pick<HalfMap, 'kind' | 'kept'>;
  /** How long the parent's bar is, 0 to 1: the outline. */
  outline: number;
}

/** What is kept of a half: as long as its share, in the colour and pattern of its kind. Said in words beside it. */
export function Bar({ half: { kind, kept }, outline }: BarProps) {
  return (
    <span class={`map-bar kind-${kind}`} style={{ '--outline': String(outline), '--kept': String(kept * outline) }} />
  );
}
