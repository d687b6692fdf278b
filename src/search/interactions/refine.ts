import type { Problem } from '../../solver/problem.js';
import type { Marks } from './marks.js';
import { propose, type Proposal } from './propose.js';
import { Surrogate } from './surrogate.js';

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
/** Architectures of one batch differ in at least this many layers: nearly the same one teaches nearly the same. */
const MIN_DISTANCE = 2;

/**
 * Measures up to `evaluations` architectures, those first that are expected to drop least, and learns from each batch:
 * the first is `additive`. Every one meets the limits. `realise` gives the KL of each, undefined where it came to nothing.
 */
export async function refine(
  problem: Problem,
  marks: Marks,
  additive: readonly number[],
  evaluations: number,
  realise: (architectures: readonly (readonly number[])[]) => Promise<(number | undefined)[]>,
): Promise<{ measured: Measured[]; surrogate: Surrogate }> {
  const measured: Measured[] = [];
  const tried = new Set<string>();
  let surrogate = new Surrogate(marks, []);
  let batch: Proposal[] = [{ architecture: additive, predicted: surrogate.predict(additive) }];
  while (batch.length > 0) {
    const kls = await realise(batch.map(({ architecture }) => architecture));
    for (const [i, proposal] of batch.entries()) {
      tried.add(proposal.architecture.join());
      const kl = kls[i];
      if (kl !== undefined) measured.push({ ...proposal, kl });
    }
    surrogate = new Surrogate(
      marks,
      measured.map(({ architecture, kl }) => ({ architecture, kl })),
    );
    const left = Math.min(BATCH, evaluations - tried.size);
    if (left <= 0) break;
    const starts = bestOf(measured).slice(0, STARTS);
    const proposals = await propose(problem, surrogate, starts.length === 0 ? [additive] : starts);
    batch = apart(
      proposals.filter(({ architecture }) => !tried.has(architecture.join())),
      left,
    );
  }
  return { measured, surrogate };
}

/** Least KL first; of equal ones the earlier. */
export function bestOf(measured: readonly Measured[]): (readonly number[])[] {
  return [...measured].sort((a, b) => a.kl - b.kl).map(({ architecture }) => architecture);
}

/** The first `count` proposals that are far enough from each other; nearer ones where there are too few. */
function apart(proposals: readonly Proposal[], count: number): Proposal[] {
  const chosen: Proposal[] = [];
  for (const proposal of proposals) {
    if (chosen.length === count) return chosen;
    if (chosen.every(({ architecture }) => distance(architecture, proposal.architecture) >= MIN_DISTANCE)) {
      chosen.push(proposal);
    }
  }
  return [...chosen, ...proposals.filter((proposal) => !chosen.includes(proposal))].slice(0, count);
}

function distance(a: readonly number[], b: readonly number[]): number {
  return a.filter((choice, layer) => choice !== b[layer]).length;
}
