import type { Problem } from '../../solver/problem.js';
import { diverse, propose, type Proposal } from './propose.js';
import { type ChoiceScores, Surrogate } from './surrogate.js';

/** An architecture that was proposed and then measured. */
export interface Measured {
  architecture: readonly number[];
  /** Before it was measured, by what was known then, nats/token. */
  predicted: number;
  kl: number;
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
 * the first is `additive`. Every one meets the limits. `realise` gives the KL of each, undefined where it came to nothing.
 */
export async function refine(
  problem: Problem,
  choices: ChoiceScores,
  additive: readonly number[],
  { evaluations, seed }: { evaluations: number; seed: number },
  realise: (architectures: readonly (readonly number[])[]) => Promise<(number | undefined)[]>,
): Promise<{ measured: Measured[]; surrogate: Surrogate }> {
  const measured: Measured[] = [];
  const tried = new Set<string>();
  let surrogate = new Surrogate(choices, []);
  let batch = unseen([additive, ...(await diverse(problem, Math.floor(evaluations * DIVERSE_SHARE), seed))], tried);
  while (batch.length > 0) {
    const kls = await realise(batch);
    for (const [i, architecture] of batch.entries()) {
      const kl = kls[i];
      if (kl !== undefined) measured.push({ architecture, predicted: surrogate.predict(architecture), kl });
    }
    surrogate = new Surrogate(choices, measured);
    const left = Math.min(BATCH, evaluations - tried.size);
    if (left <= 0) break;
    const starts = bestOf(measured).slice(0, STARTS);
    const proposals = await propose(problem, surrogate, starts.length === 0 ? [additive] : starts);
    batch = unseen(pick(proposals, tried, left), tried);
  }
  return { measured, surrogate };
}

/** Those that were not tried, which they are now. */
function unseen(architectures: readonly (readonly number[])[], tried: Set<string>): (readonly number[])[] {
  return architectures.filter((architecture) => {
    const key = architecture.join();
    return tried.has(key) ? false : tried.add(key);
  });
}

/** Least KL first; of equal ones the earlier. */
export function bestOf(measured: readonly Measured[]): (readonly number[])[] {
  return [...measured].sort((a, b) => a.kl - b.kl).map(({ architecture }) => architecture);
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
