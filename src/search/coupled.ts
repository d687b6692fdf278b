import type { Half } from '../model/names.js';
import type { LibraryEntry } from './block-library.js';
import type { PairOfLayer } from './near-optimal.js';

/** Two variants of one layer, one of them perhaps the parent's own, that were trained together. */
export interface CoupledPair extends PairOfLayer {
  /** The tensors of both halves, absolute. */
  file: string;
  /** The key of the task that trained them. */
  key: string;
}

/** Everything that was trained. */
export interface TrainedBlocks {
  library: readonly LibraryEntry[];
  /** None where it is absent. */
  coupled?: readonly CoupledPair[];
}

/** What was trained for one half of a choice, of the pair before of the variant alone; undefined for the parent's own. */
export function trainedHalf(
  { library, coupled = [] }: TrainedBlocks,
  { layer, attention, ffn }: PairOfLayer,
  half: Half,
): Pick<LibraryEntry, 'file' | 'key'> | undefined {
  const name = { attention, ffn }[half];
  return (
    coupled.find((pair) => pair.layer === layer && pair.attention === attention && pair.ffn === ffn) ??
    library.find((entry) => entry.layer === layer && entry.half === half && entry.variant.name === name)
  );
}
