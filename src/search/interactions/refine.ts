import type { Problem } from '../../solver/problem.js';
import { diverse, propose, type Proposal } from './propose.js';
import { estimate } from './statistics.js';
import { type ChoiceScores, Surrogate } from './surrogate.js';

/** An architecture that was proposed and then measured. */
export interface Measured {
  architecture: readonly number[];
  /** By what all others were measured to be, nats/token. */
  predicted: number;
  /** The mean over the text. */
  kl: number;
  sequences: readonly number[];
}

/** Measured together, between two fits of the surrogate. */
const BATCH = 6;
/** The best measured ones, around which the program is solved again. */
const STARTS = 3;
/** Of all that are measured, the share that is spread over the space before anything is learnt. */
const DIVERSE_SHARE = 0.25;
/** Standard deviations below the mean by which proposals are compared, in turn: trust in what is known, then curiosity. */
const OPTIMISM = [0, 1, 0, 2];
/** Architectures of one batch differ in at least this many layers, while there are such. */
const MIN_DISTANCE = 2;

/**
 * Measures up to `evaluations` architectures, those first that are expected to drop least, and learns from each batch:
 * the first is `additive`. Every one meets the limits. `realise` gives the KL of each on each
 * sequence, undefined where it came to nothing. The measured are returned least first, by what all measurements say together.
 */
export async function refine(
  problem: Problem,
  choices: ChoiceScores,
  additive: readonly number[],
  { evaluations, seed }: { evaluations: number; seed: number },
  realise: (architectures: readonly (readonly number[])[]) => Promise<(readonly number[] | undefined)[]>,
): Promise<{ measured: Measured[]; surrogate: Surrogate }> {
  const measured: Omit<Measured, 'predicted'>[] = [];
  const tried = new Set<string>();
  let surrogate = new Surrogate(choices, [], 0);
  let batch = unseen([additive, ...(await diverse(problem, Math.floor(evaluations * DIVERSE_SHARE), seed))], tried);
  while (batch.length > 0) {
    const kls = await realise(batch);
    for (const [i, architecture] of batch.entries()) {
      const sequences = kls[i];
      if (sequences === undefined) continue;
      measured.push({ architecture, kl: estimate(sequences).value, sequences });
    }
    surrogate = new Surrogate(choices, measured, noiseOf(measured));
    const left = Math.min(BATCH, evaluations - tried.size);
    if (left <= 0) break;
    const starts = bestOf(measured, surrogate)
      .slice(0, STARTS)
      .map(({ architecture }) => architecture);
    const proposals = await propose(problem, surrogate, starts.length === 0 ? [additive] : starts);
    batch = unseen(pick(proposals, tried, left), tried);
  }
  const predicted = measured.map((one) => {
    const others = measured.filter((other) => other !== one);
    return { ...one, predicted: new Surrogate(choices, others, noiseOf(measured)).predict(one.architecture) };
  });
  return { measured: bestOf(predicted, surrogate), surrogate };
}

/** Those that were not tried, which they are now. */
function unseen(architectures: readonly (readonly number[])[], tried: Set<string>): (readonly number[])[] {
  return architectures.filter((architecture) => {
    const key = architecture.join();
    return tried.has(key) ? false : tried.add(key);
  });
}

/** Least first; by the surrogate, as the least of many noisy numbers is least by luck as well. */
function bestOf<T extends { architecture: readonly number[] }>(measured: readonly T[], surrogate: Surrogate): T[] {
  const kls = new Map(measured.map((one) => [one, surrogate.predict(one.architecture)]));
  return [...measured].sort((a, b) => (kls.get(a) ?? 0) - (kls.get(b) ?? 0));
}

/** The standard error of a KL, what makes some sequences harder for all architectures taken off. */
function noiseOf(measured: readonly Pick<Measured, 'sequences'>[]): number {
  const common = (sequence: number) => estimate(measured.map(({ sequences }) => sequences[sequence] ?? 0)).value;
  const means = (measured[0]?.sequences ?? []).map((_, sequence) => common(sequence));
  const errors = measured.map(
    ({ sequences }) => estimate(sequences.map((kl, sequence) => kl - (means[sequence] ?? 0))).standardError,
  );
  return Math.sqrt(estimate(errors.map((error) => error ** 2)).value);
}

/** The best of what was not tried by each optimism in turn. */
function pick(proposals: readonly Proposal[], tried: ReadonlySet<string>, count: number): (readonly number[])[] {
  let open = proposals.filter(({ architecture }) => !tried.has(architecture.join()));
  const picked: (readonly number[])[] = [];
  while (picked.length < count && open.length > 0) {
    const optimism = OPTIMISM[picked.length % OPTIMISM.length] ?? 0;
    const hoped = ({ expected: { mean, deviation } }: Proposal) => mean - optimism * deviation;
    const best = open.reduce((a, b) => (hoped(b) < hoped(a) ? b : a));
    picked.push(best.architecture);
    // Nearly the same architecture teaches nearly the same.
    const far = open.filter(({ architecture }) => distance(architecture, best.architecture) >= MIN_DISTANCE);
    open = far.length > 0 ? far : open.filter((other) => other !== best);
  }
  return picked;
}

function distance(a: readonly number[], b: readonly number[]): number {
  return a.filter((choice, layer) => choice !== b[layer]).length;
}
