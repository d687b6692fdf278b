import { InputError } from '../common/errors.js';
import { explainInfeasible, type Conflict, type LeastRelaxation } from './infeasible.js';
import { type Joined, joinAlike } from './alike.js';
import { checkProblem, costNames, type Choice, type Problem } from './problem.js';
import { withUsableRoom } from './lattice.js';
import { type Candidate, toProgram, withoutDominated, type Program } from './program.js';
import { relax, type Relaxation } from './relaxation.js';
import { prove } from './prove.js';
import { tooFewShapes, withFewShapes } from './shapes.js';
import { TIE, type SearchResult } from './search.js';
import { firstOfEqual } from './ties.js';

/** How far to go. By default to the proven optimum, however long it takes. */
export interface SolveOptions {
  /** Accept an architecture proven to be within this much of the optimum, in units of score. */
  gap?: number;
  maxNodes?: number;
  maxMilliseconds?: number;
  /** An architecture to begin with, that of a problem much like this one; it may break the limits. */
  near?: readonly number[];
}

interface Effort {
  /** Parts of the space that were looked into. */
  nodes: number;
  milliseconds: number;
}

/** An architecture. Every quantity is in the user's units. */
export interface Solution extends Effort {
  /** `incumbent`: the best found when a limit of the options was reached, not proven to be optimal. */
  status: 'optimal' | 'incumbent';
  /** The index of a choice per layer. */
  choices: number[];
  /** The sum of scores. */
  objective: number;
  /** No architecture scores less than this. */
  bound: number;
  /** `objective - bound`; 0 where optimal. */
  gap: number;
  /** Per cost: `nonBlock` plus the layers. */
  totals: Record<string, number>;
  /** The costs whose limits hold the objective up: those with a shadow price. */
  binding: string[];
  /** Per limited cost: how much the objective falls per unit by which the limit gives way, in the linear relaxation. */
  shadowPrices: Record<string, number>;
}

/** Proven: no architecture meets the limits. */
export interface Infeasible extends Effort {
  status: 'infeasible';
  conflicts: Conflict[];
  relaxation: LeastRelaxation;
}

/** A limit of the options was reached before any architecture that meets the limits was found. */
export interface Undecided extends Effort {
  status: 'undecided';
  bound: number;
}

/**
 * The architecture with the least sum of scores that meets every limit, proven. The same problem has always the same
 * answer (unless `maxMilliseconds` cuts it short): a choice is not taken where another of its layer is as good in score
 * and in every limited cost and better in one, or listed earlier; and of architectures with equal objectives (within
 * 1e-9 of the widest spread of scores in a layer) the answer is the first in lexicographic order of choice indices.
 * Layers that must be alike count as one, in the place of the first; with `maxShapes`, of equal architectures the answer
 * is the one that was found first.
 * @throws InputError for a problem that `checkProblem` refuses, or an option that is not a number of at least zero
 */
export async function solve(problem: Problem, options: SolveOptions = {}): Promise<Solution | Infeasible | Undecided> {
  checkProblem(problem);
  checkOptions(options);
  const start = performance.now();
  const deadline = start + (options.maxMilliseconds ?? Infinity);
  const { problem: joined, expand } = joinedProblem(problem);
  const raw = toProgram(joined);
  const program = withUsableRoom(withoutDominated(raw));
  const relaxation = relax(program);
  const { maxNodes = Infinity, gap = 0 } = options;
  const searchOptions = { multipliers: relaxation.multipliers, deadline, maxNodes, gap: gap / program.scoreUnit };
  const incumbent = problem.same === undefined ? candidatesOf(program, options.near) : undefined;
  const free = prove(program, incumbent === undefined ? searchOptions : { ...searchOptions, incumbent });
  const shaped = await withFewShapes(joined, raw, free, deadline);
  const result = shaped ?? free;
  const effort = (): Effort => ({ nodes: result.nodes, milliseconds: performance.now() - start });
  if (result.best !== undefined) {
    // The first of equal ones may have more shapes than this one.
    const tied = problem.maxShapes === undefined && result.finished && isProven(result) && !result.unique;
    const best = tied
      ? firstOfEqual(program, result.best, { multipliers: relaxation.multipliers, deadline })
      : result.best;
    const choices = expand(best.map(({ choice }) => choice));
    const prices = shadowPrices(problem, program, relaxation, result);
    const binding = Object.keys(prices).filter((cost) => (prices[cost] ?? 0) > 0);
    const totals = totalsOf(problem, choices);
    return {
      ...certificate(problem, program, result, choices),
      choices,
      totals,
      binding,
      shadowPrices: prices,
      ...effort(),
    };
  }
  if (!result.finished) return { status: 'undecided', bound: userBound(program, result), ...effort() };
  if (free.best !== undefined) {
    return { status: 'infeasible', ...(await tooFewShapes(joined, raw, free, expand)), ...effort() };
  }
  const { conflicts, relaxation: least } = explainInfeasible(joined);
  return {
    status: 'infeasible',
    conflicts,
    relaxation: { ...least, architecture: expand(least.architecture) },
    ...effort(),
  };
}

/** The problem itself where nothing must be alike: joining takes time. */
function joinedProblem(problem: Problem): Pick<Joined, 'problem' | 'expand'> {
  if ((problem.same ?? []).length > 0) return joinAlike(problem);
  return { problem, expand: (choices) => [...choices] };
}

/** An architecture as candidates; undefined where one of them has left. */
function candidatesOf({ layers }: Program, choices: readonly number[] | undefined): Candidate[] | undefined {
  if (choices?.length !== layers.length) return undefined;
  const found = layers.flatMap((layer, l) => layer.find(({ choice }) => choice === choices[l]) ?? []);
  return found.length === layers.length ? found : undefined;
}

function checkOptions(options: SolveOptions): void {
  for (const name of ['gap', 'maxNodes', 'maxMilliseconds'] as const) {
    const value = options[name];
    if (value === undefined || value >= 0) continue;
    throw new InputError(`is ${value}; it must be at least 0`, `option ${name}`);
  }
}

function certificate(
  problem: Problem,
  program: Program,
  result: SearchResult,
  choices: readonly number[],
): Pick<Solution, 'status' | 'objective' | 'bound' | 'gap'> {
  const objective = problem.layers.reduce(
    (sum, layer, l) => sum + (layer.choices[choices[l] as number] as Choice).score,
    0,
  );
  if (isProven(result)) return { status: 'optimal', objective, bound: objective, gap: 0 };
  const bound = Math.min(objective, userBound(program, result));
  return { status: 'incumbent', objective, bound, gap: objective - bound };
}

function isProven({ bound, value }: SearchResult): boolean {
  return bound >= value - TIE;
}

function userBound(program: Program, { bound }: SearchResult): number {
  // The best score of every layer is a bound too, and here it is zero.
  return program.scoreBase + Math.max(0, bound) * program.scoreUnit;
}

function totalsOf({ layers, nonBlock, ...problem }: Problem, choices: readonly number[]): Record<string, number> {
  const total = (cost: string): number =>
    layers.reduce(
      (sum, layer, l) => sum + ((layer.choices[choices[l] as number] as Choice).costs[cost] as number),
      nonBlock[cost] ?? 0,
    );
  return Object.fromEntries(costNames({ layers, nonBlock, ...problem }).map((cost) => [cost, total(cost)]));
}

/** What the multipliers of the rows say in the user's units. */
function shadowPrices(
  problem: Problem,
  program: Program,
  { feasible, multipliers }: Relaxation,
  { value }: SearchResult,
): Record<string, number> {
  const costs = new Set(costNames(problem));
  const prices = new Map<string, number>();
  for (const [k, { source }] of program.rows.entries()) {
    if (!costs.has(source.cost)) continue;
    // Where every layer has its best score no limit holds anything up, whatever a degenerate relaxation says.
    const price = value <= TIE || !feasible ? 0 : ((multipliers[k] as number) * program.scoreUnit) / source.unit;
    prices.set(source.cost, Math.max(price, prices.get(source.cost) ?? 0));
  }
  return Object.fromEntries(prices);
}
