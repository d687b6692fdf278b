import type { Half } from '../model/names.js';
import type { LayerVariants } from '../model/variants.js';
import { taskKey } from '../run/task-key.js';
import type { Activations } from './activations.js';
import { inputOf, type LibraryEntry } from './block-library.js';
import type { Candidate, Replacement } from './candidate-streams.js';
import type { SearchContext, TaskAnswer, TaskRequest } from './context.js';
import type { PackedData } from './data.js';
import { type Score, type ScorePayload, scoringWindow } from './score.js';
import type { LayerScores } from './solve.js';
import { type StageTasks, stageTasks, type TaskGroup, warnOnce } from './tasks.js';

/** Scores every entry in the full parent. The parent's own variants drop nothing: 0. */
export async function scoreStage(
  context: SearchContext,
  variants: readonly LayerVariants[],
  library: readonly LibraryEntry[],
  activations: Activations,
  data: PackedData,
): Promise<{ scores: LayerScores[]; details: (Score | undefined)[] }> {
  const candidates = library.map(({ layer, half, variant, file, key }): NamedCandidate => ({
    ...{ layer, key, label: `layer ${layer} ${half} ${variant.name}` },
    replacements: [{ layer, half, shape: variant.shape, file }],
  }));
  const details = await scoreCandidates(context, stageTasks(context, 'score'), candidates, activations, data);
  const scores = variants.map((layerVariants): LayerScores => {
    const own = (half: Half) => ({ [layerVariants[half][0]?.name ?? '']: 0 });
    return { attention: own('attention'), ffn: own('ffn') };
  });
  library.forEach(({ layer, half, variant }, i) => {
    const kl = details[i]?.kl;
    const ofLayer = scores[layer];
    if (ofLayer === undefined || kl === undefined) return;
    scores[layer] = { ...ofLayer, [half]: { ...ofLayer[half], [variant.name]: kl } };
  });
  return { scores, details };
}

/** What is to be scored, with what the log says of it. */
export interface NamedCandidate {
  /** The first replaced layer. */
  layer: number;
  label: string;
  /** Stands for whatever trained its replacements. */
  key: string;
  replacements: [Replacement, ...Replacement[]];
}

/** The scores of candidates, in order of the layers; undefined, with a warning, for one that has none. */
export async function scoreCandidates(
  context: SearchContext,
  runTasks: StageTasks,
  candidates: readonly NamedCandidate[],
  activations: Activations,
  data: PackedData,
): Promise<(Score | undefined)[]> {
  const { run, parent, parentHash } = context;
  const sequences = activations.tokens / activations.sequenceLength;
  const layers = parent.config.layers.length;
  const tasks = candidates.map(({ layer, label, key: trained, replacements }): TaskRequest & { layer: number } => ({
    layer,
    key: taskKey('score', { parentHash, data: data.key, sequences, trained }),
    kind: 'score',
    label,
    payload: { inputFile: inputOf(activations, layer, replacements[0].half), replacements } satisfies Candidate,
    cost: layers - layer,
  }));
  const rounds = activations.rounds.map((range) => ({
    prepare: () => activations.need(range),
    tasks: tasks.filter(({ layer }) => range.first <= layer && layer < range.end),
  }));
  const finished = await runTasks(rounds, (open) => together(context, open, activations, data));
  return finished.map(({ result }, i): Score | undefined => {
    const score = result as Score | { failed: string };
    if (!('failed' in score)) return score;
    warnOnce(run, `${tasks[i]?.label ?? ''} is left out: ${score.failed}`);
    return undefined;
  });
}

/** Candidates that begin to differ from the parent near each other are carried through it together. */
function together(
  { spec, parent: { config } }: SearchContext,
  tasks: readonly TaskRequest[],
  { tokens, sequenceLength, hidden }: Activations,
  { splits }: PackedData,
): TaskGroup[] {
  const sequences = tokens / sequenceLength;
  const { candidates: size, window } = scoringWindow(config, sequenceLength, sequences);
  return Array.from({ length: Math.ceil(tasks.length / size) }, (_, i) => {
    const some = tasks.slice(i * size, (i + 1) * size);
    const payload: ScorePayload = {
      parentDir: spec.parent,
      candidates: some.map((task) => task.payload as Candidate),
      finalFile: hidden.at(-1) ?? '',
      tokens: splits.validation,
      sequences,
      window,
    };
    const request: TaskRequest = {
      key: taskKey(
        'score together',
        some.map(({ key }) => key),
      ),
      kind: 'score',
      label: [...new Set([some[0], some.at(-1)].map((task) => task?.label))].join(' to '),
      payload,
      cost: some.reduce((total, { cost }) => total + cost, 0),
    };
    return { request, tasks: some, answers: ({ result }) => result as TaskAnswer[] };
  });
}
