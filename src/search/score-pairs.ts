import { isDeepStrictEqual } from 'node:util';
import { readJsonFileIfPresent } from '../formats/json-file.js';
import type { LayerVariants } from '../model/variants.js';
import { writeJson } from '../run/artifacts.js';
import { taskKey } from '../run/task-key.js';
import type { LibraryCosts } from '../target/costs.js';
import type { Activations } from './activations.js';
import type { LibraryEntry } from './block-library.js';
import type { SearchContext } from './context.js';
import type { PackedData } from './data.js';
import { nearOptimalChoices, type PairOfLayer } from './near-optimal.js';
import { MAX_SCORES_BYTES, SCORES_FILE } from './run-files.js';
import { type NamedCandidate, scoreCandidates } from './score-stage.js';
import { pairName } from './pair-name.js';
import { type StageTasks, stageTasks } from './tasks.js';
import type { LayerScores, Requirements } from './solve.js';

/** Near-optimal solutions by new scores may use further pairs: they are looked at again so often. */
const MAX_ROUNDS = 4;

/** Two variants of one layer that take the place of the parent's. Their files may be their own: trained together. */
export interface VariantPair {
  layer: number;
  attention: Pick<LibraryEntry, 'variant' | 'file'>;
  ffn: Pick<LibraryEntry, 'variant' | 'file'>;
  /** Stands for whatever trained the two. */
  key: string;
}

/** What pairs are made from, and scored on. */
export interface PairInputs {
  variants: readonly LayerVariants[];
  library: readonly LibraryEntry[];
  scores: readonly LayerScores[];
  activations: Activations;
  data: PackedData;
}

/** Writes the scores of halves, unless they are there, perhaps with those of pairs. */
export async function writeScores({ run }: SearchContext, ofHalves: readonly LayerScores[]): Promise<void> {
  const file = run.path(SCORES_FILE);
  const stored = (await readJsonFileIfPresent(file, MAX_SCORES_BYTES)) as readonly LayerScores[] | undefined;
  const halves = stored?.map(({ attention, ffn }) => ({ attention, ffn }));
  if (!isDeepStrictEqual(halves, ofHalves)) await writeJson(file, ofHalves);
}

/** Scores every pair of every layer, where the spec asks for that. */
export async function scoreAllPairs(context: SearchContext, inputs: PairInputs): Promise<readonly LayerScores[]> {
  if (context.spec.score.pairs !== 'all') return inputs.scores;
  const names = inputs.variants.flatMap(({ attention, ffn }, layer) =>
    attention.flatMap((a) => ffn.map((f): PairOfLayer => ({ layer, attention: a.name, ffn: f.name }))),
  );
  return withPairs(context, stageTasks(context, 'score'), inputs, pairsOf(inputs.library, names));
}

/**
 * Scores the pairs that near-optimal solutions use, where the spec asks for that: again by the new scores, until they use
 * none that was not scored.
 */
export async function scoreUsedPairs(
  context: SearchContext,
  inputs: PairInputs,
  costs: LibraryCosts,
  requirements: Requirements,
): Promise<readonly LayerScores[]> {
  const { spec } = context;
  if (spec.score.pairs !== 'near-optimal') return inputs.scores;
  let { scores } = inputs;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const names = await nearOptimalChoices({ scores, costs }, requirements);
    const open = names.filter(({ layer, attention, ffn }) => !isScored(scores[layer], attention, ffn));
    const pairs = pairsOf(inputs.library, open);
    if (pairs.length === 0) break;
    scores = await withPairs(context, stageTasks(context, 'solve'), { ...inputs, scores }, pairs);
  }
  return scores;
}

function isScored(scores: LayerScores | undefined, attention: string, ffn: string): boolean {
  return Object.hasOwn(scores?.pairs ?? {}, pairName(attention, ffn));
}

/** Those of which both halves are replaced: with one of the parent's own, a pair is scored already. */
function pairsOf(library: readonly LibraryEntry[], names: readonly PairOfLayer[]): VariantPair[] {
  const byName = new Map(library.map((entry) => [`${entry.layer}/${entry.half}/${entry.variant.name}`, entry]));
  return names.flatMap(({ layer, attention, ffn }): VariantPair[] => {
    const [a, f] = [byName.get(`${layer}/attention/${attention}`), byName.get(`${layer}/ffn/${ffn}`)];
    if (a === undefined || f === undefined) return [];
    return [{ layer, attention: a, ffn: f, key: taskKey('pair', [a.key, f.key]) }];
  });
}

/** Scores pairs; writes and returns the scores with theirs. */
export async function withPairs(
  context: SearchContext,
  runTasks: StageTasks,
  { scores, activations, data }: PairInputs,
  pairs: readonly VariantPair[],
): Promise<LayerScores[]> {
  const candidates = pairs.map(({ layer, attention, ffn, key }): NamedCandidate => ({
    layer,
    label: `layer ${layer} ${pairName(attention.variant.name, ffn.variant.name)}`,
    key,
    replacements: [
      { layer, half: 'attention', shape: attention.variant.shape, file: attention.file },
      { layer, half: 'ffn', shape: ffn.variant.shape, file: ffn.file },
    ],
  }));
  const scored = await scoreCandidates(context, runTasks, candidates, activations, data);
  const all = scores.map((ofLayer, layer): LayerScores => {
    const own = pairs.flatMap(({ layer: of, attention, ffn }, i) =>
      of === layer ? [[pairName(attention.variant.name, ffn.variant.name), scored[i]?.kl ?? null] as const] : [],
    );
    return own.length === 0 ? ofLayer : { ...ofLayer, pairs: { ...ofLayer.pairs, ...Object.fromEntries(own) } };
  });
  await writeJson(context.run.path(SCORES_FILE), all);
  return all;
}
