import { InputError } from '../common/errors.js';
import { checkProblem, type Choice, costNames, type Limit, type Problem } from './problem.js';
import { solve, type Solution, type SolveOptions } from './solve.js';

/** A cost that is limited at several values between the best that can be reached and where it no longer matters. */
export interface Axis {
  cost: string;
  /** The side of the limit. */
  bound: 'max' | 'min';
}

/** The best architecture under one limit, or one pair of limits, of a front. */
export interface FrontPoint {
  /** One per axis. */
  limits: number[];
  solution: Solution;
}

const MAX_POINTS = 1000;

/** Awaited before each of many solves: whoever asked may let others have their turn meanwhile, or throw to end it. */
export type Pause = () => Promise<void>;
const NO_PAUSE: Pause = () => Promise.resolve();

/**
 * Each earlier solution is one more limit, and the proofs grow with them: this much of an effort finds solutions within
 * about a thousandth of the best, at once.
 */
const DIVERSE_NODES = 50_000;

/**
 * The least objective as a function of one limit or two, at evenly spaced values, each point exact. Other limits of the
 * problem hold; those on the side of an axis give way to it. With two axes the points are a grid, those left out that
 * no architecture reaches.
 *
 * @param points along each axis: 50 makes 50 points on one axis, 30 make 900 on two; or as many as there are axes, one each
 * @throws InputError as `solve` does, for an unknown cost, other than one or two axes, or more than a thousand points
 */
export async function front(
  problem: Problem,
  axes: readonly Axis[],
  points: number | readonly number[],
  options: SolveOptions = {},
  pause = NO_PAUSE,
): Promise<FrontPoint[]> {
  checkProblem(problem);
  const counts = typeof points === 'number' ? axes.map(() => points) : points;
  checkAxes(problem, axes, counts);
  const open = { ...problem, limits: axes.reduce(withoutLimit, problem.limits) };
  const ranges: number[][] = [];
  for (const [i, axis] of axes.entries()) ranges.push(await axisValues(open, axis, counts[i] as number, options));
  const [first = [], second = [undefined]] = ranges as [number[]?, (number | undefined)[]?];
  const found: FrontPoint[] = [];
  for (const y of second) {
    // From tight to loose: each answer fits the next point, and is a start that is hard to better.
    let near: number[] | undefined;
    for (const x of first) {
      const limits = [x, y].flatMap((value) => value ?? []);
      const limited = {
        ...open,
        limits: [...open.limits, ...axes.map((axis, i) => limitOn(axis, limits[i] as number))],
      };
      await pause();
      const solution = await solve(limited, near === undefined ? options : { ...options, near });
      if (solution.status === 'infeasible' || solution.status === 'undecided') continue;
      near = solution.choices;
      found.push({ limits, solution });
    }
  }
  return found;
}

/**
 * `count` architectures, the best first, each of which agrees with every earlier one in at most a share of the layers;
 * fewer where there are no more. Without `maxNodes` the effort for each is limited: those that are not proven to be the
 * best that is left say so, with their gap. `maxNodes: Infinity` proves all of them, however long it takes.
 */
export async function diverse(
  problem: Problem,
  count: number,
  maxOverlap: number,
  options: SolveOptions = { maxNodes: DIVERSE_NODES },
  pause = NO_PAUSE,
): Promise<Solution[]> {
  const { solutions = [], maxOverlap: own = maxOverlap } = problem.diversity ?? {};
  const found: Solution[] = [];
  while (found.length < count) {
    const diversity = {
      solutions: [...solutions, ...found.map(({ choices }) => choices)],
      maxOverlap: Math.min(own, maxOverlap),
    };
    await pause();
    const solution = await solve(diversity.solutions.length === 0 ? problem : { ...problem, diversity }, options);
    if (solution.status === 'infeasible' || solution.status === 'undecided') break;
    found.push(solution);
  }
  return found;
}

/** From the best value that an architecture within the other limits has to that of the one the axis does not restrict. */
async function axisValues(problem: Problem, axis: Axis, points: number, options: SolveOptions): Promise<number[]> {
  const sign = axis.bound === 'max' ? 1 : -1;
  const extreme = await solve(
    scoredBy(problem, (choice) => sign * (choice.costs[axis.cost] as number)),
    options,
  );
  const unrestricted = await solve(problem, options);
  const ends = [extreme, unrestricted].map((solution) =>
    'totals' in solution ? solution.totals[axis.cost] : undefined,
  );
  const [from, to] = ends;
  if (from === undefined || to === undefined) return [];
  // At the unrestricted end the value itself, which a sum might miss.
  return Array.from({ length: points }, (_, i) => (i === points - 1 ? to : from + ((to - from) * i) / (points - 1)));
}

function scoredBy(problem: Problem, score: (choice: Choice) => number): Problem {
  const layers = problem.layers.map(({ choices }) => ({
    choices: choices.map((choice) => ({ ...choice, score: score(choice) })),
  }));
  return { ...problem, layers };
}

function withoutLimit(limits: readonly Limit[], axis: Axis): Limit[] {
  return limits.flatMap((limit) => {
    if (limit.cost !== axis.cost) return [limit];
    const { cost, min, max } = limit;
    const other = axis.bound === 'max' ? min : max;
    return other === undefined ? [] : [axis.bound === 'max' ? { cost, min: other } : { cost, max: other }];
  });
}

function limitOn({ cost, bound }: Axis, value: number): Limit {
  return bound === 'max' ? { cost, max: value } : { cost, min: value };
}

function checkAxes(problem: Problem, axes: readonly Axis[], counts: readonly number[]): void {
  if (axes.length < 1 || axes.length > 2) throw new InputError(`has ${axes.length} axes; give one or two`, 'front');
  const known = costNames(problem);
  for (const { cost } of axes) {
    if (known.includes(cost)) continue;
    throw new InputError(`no choice has the cost "${cost}"; the costs are ${known.join(', ')}`, 'front');
  }
  if (counts.length !== axes.length) throw new InputError(`has points for ${counts.length} axes`, 'front');
  const isWhole = counts.every((points) => Number.isInteger(points) && points >= 2);
  if (!isWhole || counts.reduce((product, points) => product * points, 1) > MAX_POINTS) {
    const given = [...new Set(counts)];
    const most = Math.floor(MAX_POINTS ** (1 / axes.length));
    const allowed =
      given.length === 1
        ? `a whole number from 2 to ${most}`
        : `whole numbers from 2 on, and at most ${MAX_POINTS} points in all`;
    throw new InputError(`${given.join(' and ')} points on an axis; give ${allowed}`, 'front');
  }
}
