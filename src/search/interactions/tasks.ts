import { HALVES, type Half } from '../../model/names.js';
import type { LayerVariants } from '../../model/variants.js';
import { taskKey } from '../../run/task-key.js';
import type { Activations } from '../activations.js';
import type { SearchContext, TaskRequest } from '../context.js';
import { type TrainedBlocks, trainedHalf } from '../coupled.js';
import type { PackedData } from '../data.js';
import type { LayerChoice } from '../solve.js';
import type { RealisedHalf, RealisePayload, StoredStart } from './realise.js';

/** What the architectures of a search are made of. */
export interface BuildingBlocks extends TrainedBlocks {
  variants: readonly LayerVariants[];
  /** The parent's on validation text. */
  validation: Activations;
  data: PackedData;
}

/** Some sequences of the validation text. */
export interface SequenceRange {
  first: number;
  sequences: number;
}

type Named = Pick<LayerChoice, 'attention' | 'ffn'>;

/** The task that measures the KL of an architecture on some sequences, keyed by what it is made of and those. */
export function realiseRequest(
  { spec, parentHash }: SearchContext,
  blocks: BuildingBlocks,
  architecture: readonly Named[],
  { first, sequences }: SequenceRange,
): TaskRequest {
  const { variants, validation, data } = blocks;
  const trained = architecture.map((names, layer) =>
    HALVES.map((half) => trainedHalf(blocks, { ...names, layer }, half)?.key ?? null),
  );
  const layers = architecture.map((names, layer) => {
    const part = <Shape>(half: Half, list: readonly { name: string; shape: Shape }[] = []): RealisedHalf<Shape> => {
      const index = list.findIndex(({ name }) => name === names[half]);
      const shape = list[index]?.shape;
      const entry = trainedHalf(blocks, { ...names, layer }, half);
      if (shape === undefined || (entry === undefined && index > 0)) {
        throw new Error(`layer ${layer} has no trained ${half} ${names[half]}`);
      }
      return { shape, library: entry === undefined ? undefined : { file: entry.file } };
    };
    const own = variants[layer];
    return { attention: part('attention', own?.attention), ffn: part('ffn', own?.ffn) };
  });
  // Numbers of a run from the embedding on and from stored activations differ by the rounding of what was stored.
  // A cache that cannot hold all layers at once is left alone.
  const stored = validation.rounds.length === 1 && (first + sequences) * validation.sequenceLength <= validation.tokens;
  const start = stored ? startOf(layers, validation) : undefined;
  const payload: RealisePayload = {
    ...{ parentDir: spec.parent, layers, tokens: data.splits.validation },
    ...{ first, sequences, start },
  };
  return {
    key: taskKey('realise', { parentHash, data: data.key, trained, first, sequences, stored }),
    kind: 'realise',
    label: `architecture ${architectureHash(architecture)}`,
    payload,
    cost: layers.length - (start?.layer ?? -layers.length),
  };
}

function architectureHash(architecture: readonly Named[]): string {
  return taskKey(
    'architecture',
    architecture.map(({ attention, ffn }) => [attention, ffn]),
  ).slice(0, 8);
}

function startOf(layers: RealisePayload['layers'], validation: Activations): StoredStart | undefined {
  for (const [layer, parts] of layers.entries()) {
    const half = HALVES.find((half) => parts[half].library !== undefined);
    if (half === undefined) continue;
    return { layer, half, inputFile: entering(validation, layer, half), finalFile: finalOf(validation) };
  }
  return undefined;
}

function entering({ hidden, middle }: Activations, layer: number, half: Half): string {
  return (half === 'attention' ? hidden : middle)[layer] ?? '';
}

function finalOf({ hidden }: Activations): string {
  return hidden.at(-1) ?? '';
}
