import { Random } from '../common/random.js';
import { type Choice, LIMIT_TOLERANCE, type Limit, type Problem } from '../solver/problem.js';
import { solve } from '../solver/solve.js';

/** An architecture that meets the limits of a program, a choice per layer; undefined where the way of making it finds none. */
type Found = number[] | undefined;

/** Share of the parent's parameters. */
const PARAMETER_TOLERANCE = 1e-3;
/** What is not proven by then is an answer all the same: these are only compared with. */
const MAX_NODES = 20_000;

/**
 * Greedy, as the paper compares with: every limit is split equally over the layers; layer by layer, those first whose
 * scores are lowest on average, the choice with the least score that fits the layer's shares is taken, and what it leaves of
 * them goes on to the next. Where none fits, the one that exceeds them least is taken, and the next layers pay for it.
 */
export function greedy(problem: Problem): Found {
  const maxima = problem.limits.flatMap(({ cost, max }) => (max === undefined ? [] : [{ cost, max }]));
  const costOf = (cost: string, layer: number, choice: number) =>
    problem.layers[layer]?.choices[choice]?.costs[cost] ?? 0;
  const left = maxima.map(({ cost, max }) => ({
    cost,
    share: (max - (problem.nonBlock[cost] ?? 0)) / problem.layers.length,
    saved: 0,
  }));
  const allowed = allowedChoices(problem);
  const meanScore = (layer: number) => mean((allowed[layer] ?? []).map((choice) => scoreOf(problem, layer, choice)));
  const order = problem.layers.map((_, layer) => layer).sort((a, b) => meanScore(a) - meanScore(b));
  const architecture = problem.layers.map(() => 0);
  for (const layer of order) {
    const excess = (choice: number) =>
      Math.max(
        0,
        ...left.map(
          ({ cost, share, saved }) => costOf(cost, layer, choice) / Math.max(share + saved, Number.MIN_VALUE) - 1,
        ),
      );
    const fitting = (allowed[layer] ?? []).filter((choice) => excess(choice) <= LIMIT_TOLERANCE);
    const best =
      fitting.length > 0
        ? least(fitting, (choice) => scoreOf(problem, layer, choice))
        : least(allowed[layer] ?? [], excess);
    architecture[layer] = best;
    for (const limit of left) limit.saved += limit.share - costOf(limit.cost, layer, best);
  }
  return meetsLimits(problem, architecture) ? architecture : undefined;
}

/**
 * The architecture with most parameters within the limits, whatever its scores: to within a thousandth, or the
 * best found: parameters and costs go together so closely that the last ones take very long to prove.
 */
export async function mostParameters(problem: Problem): Promise<Found> {
  const most = problem.layers.reduce((sum, { choices }) => sum + Math.max(...choices.map(parametersOf)), 0);
  return optimumOf(problem, (choice) => -parametersOf(choice), most * PARAMETER_TOLERANCE);
}

function parametersOf({ costs }: Choice): number {
  return costs['parameters'] ?? 0;
}

/** An architecture within the limits by chance: the optimum of scores drawn uniformly, so that there is always one. */
export async function randomFeasible(problem: Problem, seed: number): Promise<Found> {
  const random = Random.of(seed, 'random architecture');
  return optimumOf(problem, () => random.next());
}

/** Whether an architecture is within every limit of a program. */
export function meetsLimits({ layers, nonBlock, limits }: Problem, architecture: readonly number[]): boolean {
  return limits.every((limit) => {
    const total = architecture.reduce(
      (sum, choice, layer) => sum + (layers[layer]?.choices[choice]?.costs[limit.cost] ?? 0),
      nonBlock[limit.cost] ?? 0,
    );
    return isWithin(limit, total);
  });
}

/** Whether a total of a limit's cost is within it. */
export function isWithin({ min = -Infinity, max = Infinity }: Limit, total: number): boolean {
  const room = (bound: number) => LIMIT_TOLERANCE * Math.abs(Number.isFinite(bound) ? bound : 0);
  return total >= min - room(min) && total <= max + room(max);
}

/** Of each layer, the choices that no pin or ban excludes. */
export function allowedChoices({ layers, pins = [], bans = [] }: Problem): number[][] {
  const banned = new Set(bans.map(({ layer, choice }) => `${layer}/${choice}`));
  return layers.map(({ choices }, layer) => {
    const pin = pins.find((place) => place.layer === layer);
    return choices
      .map((_, choice) => choice)
      .filter((choice) => !banned.has(`${layer}/${choice}`) && (pin === undefined || pin.choice === choice));
  });
}

async function optimumOf(problem: Problem, scored: (choice: Choice) => number, gap = 0): Promise<Found> {
  const layers = problem.layers.map(({ choices }) => ({
    choices: choices.map((choice) => ({ ...choice, score: scored(choice) })),
  }));
  const answer = await solve({ ...problem, layers }, { gap, maxNodes: MAX_NODES });
  return answer.status === 'optimal' || answer.status === 'incumbent' ? answer.choices : undefined;
}

/** The first of the items with the least value. */
function least(items: readonly number[], valueOf: (item: number) => number): number {
  return items.reduce((a, b) => (valueOf(b) < valueOf(a) ? b : a));
}

function scoreOf({ layers }: Problem, layer: number, choice: number): number {
  return layers[layer]?.choices[choice]?.score ?? Infinity;
}

function mean(values: readonly number[]): number {
  return values.reduce((sum, value) => sum + value, 0) / Math.max(1, values.length);
}
