import { solve } from '../solver/solve.js';
import { formulate, type Requirements, type ScoredLibrary } from './solve.js';

/** Architectures looked at: the optimum, and those that differ from all before. */
const SOLUTIONS = 8;
/** They agree with each of those before in at most this share of the layers. */
const MAX_OVERLAP = 0.75;
/** A look at what else there is must not take longer than the answer: how far from the best of its kind, and for how long. */
const GAP_SHARE = 0.02;
const MAX_NODES = 20_000;

/** The names of a layer's variants. */
export interface PairOfLayer {
  layer: number;
  attention: string;
  ffn: string;
}

/**
 * The choices that near-optimal solutions use, each once, by layer: those of the optimum within the limits, and of the
 * best architectures that differ from it and from each other in a part of the layers. None where nothing meets the limits.
 */
export async function nearOptimalChoices(library: ScoredLibrary, requirements: Requirements): Promise<PairOfLayer[]> {
  const { candidates, problem } = formulate(library, requirements);
  const solutions: number[][] = [];
  let gap = 0;
  while (solutions.length < SOLUTIONS) {
    const diversity = { solutions, maxOverlap: MAX_OVERLAP };
    const answer = await solve({ ...problem, diversity }, { gap, maxNodes: MAX_NODES });
    if (answer.status === 'infeasible' || answer.status === 'undecided') break;
    solutions.push(answer.choices);
    gap = GAP_SHARE * Math.abs(answer.objective);
  }
  return candidates.flatMap((ofLayer, layer) =>
    ofLayer
      .filter((_, choice) => solutions.some((solution) => solution[layer] === choice))
      .map(({ attention, ffn }) => ({ layer, attention: attention.name, ffn: ffn.name })),
  );
}
