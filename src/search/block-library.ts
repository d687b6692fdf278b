import { HALVES, type Half } from '../model/names.js';
import type { LayerVariants, Variant } from '../model/variants.js';
import { taskKey } from '../run/task-key.js';
import type { Activations } from './activations.js';
import type { SearchContext, TaskRequest } from './context.js';
import type { PackedData } from './data.js';
import type { DistilPayload, DistilResult } from './distil.js';
import { heldOutSequences } from './distil-windows.js';
import type { MomentSource } from './moments.js';
import type { MomentsPayload } from './moments-task.js';
import { runStageTasks, warnOnce } from './tasks.js';

/** One alternative of one subblock, after training. */
export interface LibraryEntry {
  layer: number;
  half: Half;
  variant: Variant;
  distil: DistilResult;
  /** The trained tensors, absolute; undefined for a no-op. */
  file: string | undefined;
  /** The key of the task that trained it. */
  key: string;
}

type BldSettings = Pick<DistilPayload, 'tokens' | 'batch' | 'sequences' | 'sequenceLength' | 'learningRate' | 'seed'>;

/** Every variant of every layer but the parent's own. */
function alternatives(variants: readonly LayerVariants[]): { layer: number; half: Half; variant: Variant }[] {
  return variants.flatMap((layerVariants, layer) =>
    HALVES.flatMap((half) => layerVariants[half].slice(1).map((variant) => ({ layer, half, variant }))),
  );
}

/** What enters a subblock of the parent: the layer's input, or the stream in the middle of the layer. */
export function inputOf(activations: Activations, layer: number, half: Half): string {
  const file = half === 'attention' ? activations.hidden[layer] : activations.middle[layer];
  if (file === undefined) throw new Error(`no activations of layer ${layer}`);
  return file;
}

/** How a variant or a pair is trained on so many tokens of the parent's activations: the same for both, and in their keys. */
export function bldSettings({ spec, budgets }: SearchContext, activations: Activations, tokens: number): BldSettings {
  const { sequenceLength } = activations;
  return {
    tokens,
    batch: budgets.distilBatch,
    sequences: activations.tokens / sequenceLength,
    sequenceLength,
    learningRate: spec.distil.learningRate,
    seed: spec.seed,
  };
}

const halfOf = ({ layer, half }: { layer: number; half: Half }): string => `${layer}/${half}`;

/** A half's closed-form moments: what makes them, and what the tasks of its variants need of them. */
interface Moments {
  task: TaskRequest;
  ready: NonNullable<DistilPayload['moments']>;
}

/** The hidden states before a half that closed forms are fitted to, and those that are held out. */
export function momentSource(
  { budgets, parent }: SearchContext,
  activations: Activations,
  layer: number,
  half: Half,
): MomentSource {
  const { sequenceLength } = activations;
  const sequences = activations.tokens / sequenceLength;
  const heldOut = heldOutSequences(sequences, budgets.distilBatch);
  const used = Math.min(sequences - heldOut, Math.ceil(budgets.closedFormTokens / sequenceLength));
  const inputFile = inputOf(activations, layer, half);
  return { inputFile, hiddenSize: parent.config.hiddenSize, sequences, heldOut, used, sequenceLength };
}

/** The pass over the parent's inputs of a half that the closed forms of all its variants share. */
function momentsOf(
  context: SearchContext,
  activations: Activations,
  data: PackedData,
  layer: number,
  half: Half,
): Moments {
  const { run, spec, parentHash } = context;
  const source = momentSource(context, activations, layer, half);
  const { sequences, heldOut, used, sequenceLength } = source;
  const size = { sequences, heldOut, used, sequenceLength };
  const key = taskKey('moments', { parentHash, data: data.key, layer, half, ...size });
  const artifact = `moments/layer${layer}/${half}-${key.slice(0, 8)}`;
  const output = { dir: run.path(artifact), artifact };
  const channelsFile = activations.channels[layer] ?? '';
  const payload: MomentsPayload = { parentDir: spec.parent, layer, half, source, channelsFile, output };
  const task = { key, kind: 'moments', label: `layer ${layer} ${half} moments`, payload, cost: half === 'ffn' ? 2 : 1 };
  return { task, ready: { dir: output.dir, source } };
}

/** Trains every variant of every layer; those that came to nothing are missing from the result. */
export async function distilStage(
  context: SearchContext,
  variants: readonly LayerVariants[],
  activations: Activations,
  data: PackedData,
): Promise<LibraryEntry[]> {
  const { run, spec, budgets, parent, parentHash } = context;
  const moments = new Map<string, Moments>();
  const jobs = alternatives(variants).map(({ layer, half, variant }) => {
    const trained = variant.shape.kind !== 'no-op';
    const own = parent.config.layers[layer]?.[half].kind;
    const closed = trained && spec.distil.start === 'closed-form' && (own === 'gqa' || own === 'gated');
    const id = halfOf({ layer, half });
    const ofHalf = closed ? (moments.get(id) ?? momentsOf(context, activations, data, layer, half)) : undefined;
    if (ofHalf !== undefined) moments.set(id, ofHalf);
    const settings = bldSettings(context, activations, trained ? budgets.distilTokens : 0);
    const key = taskKey('distil', {
      parentHash,
      data: data.key,
      layer,
      half,
      shape: variant.shape,
      settings,
      moments: ofHalf?.task.key,
    });
    const artifact = `library/layer${layer}/${half}-${variant.name.replace('%', '')}-${key.slice(0, 8)}.safetensors`;
    const payload: DistilPayload = {
      parentDir: spec.parent,
      layer,
      half,
      variant: variant.name,
      shape: variant.shape,
      inputFile: inputOf(activations, layer, half),
      targetFile: activations.hidden[layer + 1] ?? '',
      channelsFile: activations.channels[layer] ?? '',
      ...settings,
      moments: ofHalf?.ready,
      output: trained ? { file: run.path(artifact), artifact } : undefined,
    };
    // An attention variant also carries the FFN behind it.
    const cost = trained ? (half === 'attention' ? 2 : 1) : 0;
    const label = `layer ${layer} ${half} ${variant.name}`;
    const series = `${layer}/${half}/${variant.name}`;
    const task: TaskRequest = { key, kind: 'distil', label, payload, cost, series };
    return { layer, half, variant, task };
  });
  const isOpen = ({ task }: { task: TaskRequest }) => run.finished(task.key) === undefined;
  const rounds = activations.rounds.flatMap((range) => {
    const here = jobs.filter(({ layer }) => range.first <= layer && layer < range.end);
    const prepare = () => activations.need(range);
    // What closed forms are made from comes first; where none is still to be made, only as tokens that were spent.
    const before = [...new Set(here.map(halfOf))].flatMap((id) => {
      const ofHalf = moments.get(id);
      const needed = here.some((job) => halfOf(job) === id && isOpen(job));
      return ofHalf !== undefined && (needed || !isOpen(ofHalf)) ? [ofHalf.task] : [];
    });
    return [
      { prepare, tasks: before },
      { prepare, tasks: here.map(({ task }) => task) },
    ];
  });
  await runStageTasks(context, 'distil', rounds);
  return jobs.flatMap(({ layer, half, variant, task }): LibraryEntry[] => {
    const done = run.finished(task.key);
    if (done === undefined) throw new Error(`${task.label} was never done`);
    const distil = done.result as DistilResult;
    if (distil.failed !== undefined) {
      warnOnce(run, `${task.label} is left out: ${distil.failed}`);
      return [];
    }
    return [
      {
        layer,
        half,
        variant,
        distil,
        file: done.artifact === null ? undefined : run.path(done.artifact),
        key: task.key,
      },
    ];
  });
}
