import { type Half, HALVES } from '../model/names.js';
import type { Variant } from '../model/variants.js';
import { taskKey } from '../run/task-key.js';
import type { LibraryCosts } from '../target/costs.js';
import type { Activations } from './activations.js';
import { bldSettings, inputOf, momentSource } from './block-library.js';
import type { SearchContext, TaskRequest } from './context.js';
import type { CouplePayload, CoupleResult } from './couple.js';
import { type CoupledPair, trainedHalf } from './coupled.js';
import { nearOptimalChoices, type PairOfLayer } from './near-optimal.js';
import { pairName } from './pair-name.js';
import { type PairInputs, type VariantPair, withPairs } from './score-pairs.js';
import type { LayerScores, Requirements } from './solve.js';
import { beginStage, StageParts, warnOnce } from './tasks.js';

/** Near-optimal solutions by new scores may use further pairs: they are looked at again so often. */
const MAX_ROUNDS = 3;

export interface CoupleInputs extends PairInputs {
  /** At each batch that is looked at. */
  priced: readonly LibraryCosts[];
  /** The parent's, on training text. */
  calibration: Activations;
}

/** Scores with those of the pairs that were looked at, and the pairs that have weights of their own. */
export interface CoupledStage {
  scores: readonly LayerScores[];
  coupled: CoupledPair[];
}

/**
 * Where the spec asks for it, trains the two variants of each layer together that near-optimal solutions use, scores them
 * as pairs, and looks again by the new scores. A pair that together came no nearer to the parent keeps the weights that its
 * variants have alone; of those with the parent's own half the score then stays as well.
 */
export async function coupleStage(
  context: SearchContext,
  inputs: CoupleInputs,
  requirements: Requirements,
): Promise<CoupledStage> {
  const { spec } = context;
  if (!spec.distil.coupled) return { scores: inputs.scores, coupled: [] };
  beginStage(context, 'couple');
  const coupled: CoupledPair[] = [];
  const seen = new Set<string>();
  const parts = new StageParts(context, 'couple');
  let { scores } = inputs;
  for (let round = 0; round < MAX_ROUNDS; round++) {
    const used = new Map<string, PairOfLayer>();
    for (const costs of inputs.priced) {
      for (const pair of await nearOptimalChoices({ scores, costs }, requirements)) used.set(nameOf(pair), pair);
    }
    const open = [...used.values()].filter((pair) => !seen.has(nameOf(pair)) && isReplaced(inputs, pair));
    if (open.length === 0) break;
    // Each pair is trained, then scored.
    parts.expect(2 * open.length);
    for (const pair of open) seen.add(nameOf(pair));
    // A bounded cache has room for one split at a time.
    await inputs.activations.release();
    const trained = await trainPairs(context, inputs, open, parts);
    coupled.push(...trained.flatMap(({ own }) => (own === undefined ? [] : [own])));
    await inputs.calibration.release();
    const scored = trained.flatMap(({ pair }) => (pair === undefined ? [] : [pair]));
    scores = await withPairs(context, (rounds, group) => parts.run(rounds, group), { ...inputs, scores }, scored);
  }
  parts.finish();
  return { scores, coupled };
}

function nameOf({ layer, attention, ffn }: PairOfLayer): string {
  return `${layer}/${pairName(attention, ffn)}`;
}

/** Whether anything of a layer is not the parent's. */
function isReplaced({ variants }: PairInputs, { layer, attention, ffn }: PairOfLayer): boolean {
  const own = variants[layer];
  return own?.attention[0]?.name !== attention || own.ffn[0]?.name !== ffn;
}

/** What came of a pair: weights of its own, if they are nearer to the parent, and what is to be scored, if anything is. */
interface Trained {
  own: CoupledPair | undefined;
  pair: VariantPair | undefined;
}

async function trainPairs(
  context: SearchContext,
  inputs: CoupleInputs,
  pairs: readonly PairOfLayer[],
  parts: StageParts,
): Promise<Trained[]> {
  const { run } = context;
  const jobs = pairs.map((pair) => ({ ...jobOf(context, inputs, pair), pair }));
  const rounds = inputs.calibration.rounds.map((range) => ({
    prepare: () => inputs.calibration.need(range),
    tasks: jobs.flatMap(({ task, pair: { layer } }) =>
      task !== undefined && range.first <= layer && layer < range.end ? [task] : [],
    ),
  }));
  await parts.run(rounds);
  return jobs.map(({ pair, halves, task, apart }): Trained => {
    const { layer } = pair;
    const variants = { attention: halves.attention.variant, ffn: halves.ffn.variant };
    const done = task === undefined ? undefined : run.finished(task.key);
    const artifact = done?.artifact ?? null;
    if (task !== undefined && artifact !== null) {
      const own = { ...pair, file: run.path(artifact), key: task.key };
      const ofHalf = (half: Half) => ({ variant: variants[half], file: own.file });
      return { own, pair: { layer, attention: ofHalf('attention'), ffn: ofHalf('ffn'), key: own.key } };
    }
    if ((done?.result as CoupleResult | undefined)?.lossAfter === -1) {
      warnOnce(run, `${task?.label ?? ''} is not trained together: the loss is not a finite number`);
    }
    if (apart === undefined) return { own: undefined, pair: undefined };
    return { own: undefined, pair: { layer, ...halves, key: apart } };
  });
}

interface Job {
  halves: Record<Half, { variant: Variant; file: string | undefined }>;
  /** Undefined where neither half has anything to train. */
  task: TaskRequest | undefined;
  /** The key of the pair as it was trained apart; undefined where one of the halves is the parent's own. */
  apart: string | undefined;
}

function jobOf(context: SearchContext, inputs: CoupleInputs, pair: PairOfLayer): Job {
  const { run, spec, budgets, parentHash } = context;
  const { variants, library, calibration, data } = inputs;
  const { layer, attention, ffn } = pair;
  const alone = { library };
  const variantOf = (half: Half): Variant => {
    const found = variants[layer]?.[half].find(({ name }) => name === pair[half]);
    if (found === undefined) throw new Error(`layer ${layer} has no ${half} ${pair[half]}`);
    return found;
  };
  const byHalf = (half: Half) => ({ variant: variantOf(half), trained: trainedHalf(alone, pair, half) });
  const both = { attention: byHalf('attention'), ffn: byHalf('ffn') };
  const filesOf = (half: Half): CouplePayload['files'][Half] => {
    const { variant, trained } = both[half];
    if (variant.shape.kind === 'no-op') return undefined;
    return trained?.file === undefined ? 'parent' : { library: trained.file };
  };
  const halves = {
    attention: { variant: both.attention.variant, file: both.attention.trained?.file },
    ffn: { variant: both.ffn.variant, file: both.ffn.trained?.file },
  };
  const keys = HALVES.map((half) => both[half].trained?.key ?? null);
  const apart = keys.includes(null) ? undefined : taskKey('pair', keys);
  const shape = { attention: both.attention.variant.shape, ffn: both.ffn.variant.shape } as CouplePayload['shape'];
  if (HALVES.every((half) => shape[half].kind === 'no-op')) return { halves, task: undefined, apart };

  const moments =
    spec.distil.start === 'closed-form' ? momentSource(context, calibration, layer, 'attention') : undefined;
  const settings = bldSettings(context, calibration, budgets.coupledTokens);
  const key = taskKey('couple', {
    ...{ parentHash, data: data.key, layer, shape, settings, keys },
    fitted: moments?.used ?? 0,
  });
  const name = pairName(attention, ffn);
  const artifact = `library/layer${layer}/pair-${attention}-${ffn.replace('%', '')}-${key.slice(0, 8)}.safetensors`;
  const payload: CouplePayload = {
    ...{ parentDir: spec.parent, layer, half: 'pair', variant: name, shape },
    files: { attention: filesOf('attention'), ffn: filesOf('ffn') },
    inputFile: inputOf(calibration, layer, 'attention'),
    targetFile: calibration.hidden[layer + 1] ?? '',
    ...settings,
    moments,
    output: { file: run.path(artifact), artifact },
  };
  const task: TaskRequest = {
    ...{ key, kind: 'couple', label: `layer ${layer} ${name}`, payload, cost: 1 },
    series: `${layer}/${name}`,
  };
  return { halves, task, apart };
}
