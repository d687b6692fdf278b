import { joinAlike } from './alike.js';
import { loadGlpk } from './glpk.js';
import { withUsableRoom } from './lattice.js';
import type { Limit, Problem } from './problem.js';
import { type Candidate, toProgram, withoutDominated } from './program.js';
import { prove } from './prove.js';
import { priceRanges } from './ranging.js';
import { relax } from './relaxation.js';
import { solve, type Solution } from './solve.js';

/** What a limit costs, in the user's units. */
export interface PricedLimit {
  cost: string;
  bound: 'max' | 'min';
  limit: number;
  /** By how much the objective falls per unit by which the limit gives way, in the linear relaxation. */
  price: number;
  /** With the limit anywhere between these, the others as they are, the price is the same. */
  from: number;
  to: number;
  /** The best architecture for a little more; undefined where much more would not help. */
  more: { limit: number; objective: number; choices: number[] } | undefined;
}

/** Why a layer has the choice it has. */
export interface LayerReason {
  layer: number;
  choice: number;
  /**
   * By how much the objective rises if the layer must not have it, the other layers free to change; undefined where no
   * architecture is left.
   */
  otherwise: number | undefined;
  /** What the layer then has; undefined where only a bound is known. */
  second: number | undefined;
  /** False: the objective rises by at least `otherwise`, by how much was not found out. */
  exact: boolean;
}

export interface Explanation {
  limits: PricedLimit[];
  layers: LayerReason[];
}

/** A little more of a limit: so much of it, and twice as much as long as that buys nothing. */
const LITTLE = 0.01;
const DOUBLINGS = 5;
/** Parts and nodes for each question about a layer: an explanation must not take much longer than the answer. */
const LAYER_NODES = 200_000;

/**
 * Why `solution` is the answer to `problem`: prices of its limits and how far they hold, what a little more of each
 * limit would buy, and what every layer's choice is worth. Ranges that must be alike are asked about as one layer, and
 * told for each of theirs; `maxShapes` is left out of account, so that with it all of this is a bound.
 */
export async function explain(problem: Problem, solution: Solution): Promise<Explanation> {
  return { limits: await pricedLimits(problem, solution), layers: layerReasons(problem, solution) };
}

async function pricedLimits(problem: Problem, solution: Solution): Promise<PricedLimit[]> {
  const { problem: joined } = joinAlike(problem);
  const program = withoutDominated(toProgram(joined));
  const { feasible, multipliers } = relax(program);
  const ranges = feasible ? priceRanges(await loadGlpk(), program, multipliers) : [];
  const costs = new Set(Object.keys(solution.totals));
  const limits: PricedLimit[] = [];
  for (const [k, { source }] of program.rows.entries()) {
    const { cost, bound, limit, unit } = source;
    if (!costs.has(cost)) continue;
    const price = ((multipliers[k] ?? 0) * program.scoreUnit) / unit;
    const sign = bound === 'max' ? 1 : -1;
    const ends = [ranges[k]?.from ?? 0, ranges[k]?.to ?? 0].map((change) => limit + sign * unit * change);
    const more = await little(problem, solution, { cost, bound, limit });
    limits.push({ cost, bound, limit, price, from: Math.min(...ends), to: Math.max(...ends), more });
  }
  return limits;
}

/** The optimum under a limit that gives way a little, and then more, until that is of use. */
async function little(
  problem: Problem,
  solution: Solution,
  { cost, bound, limit }: Pick<PricedLimit, 'cost' | 'bound' | 'limit'>,
): Promise<PricedLimit['more']> {
  const size = Math.abs(limit) || Math.abs(solution.totals[cost] ?? 0) || 1;
  for (let doubling = 0; doubling <= DOUBLINGS; doubling++) {
    const relaxed = limit + (bound === 'max' ? 1 : -1) * size * LITTLE * 2 ** doubling;
    const limits = problem.limits.map((one): Limit => {
      const isLooser =
        one.cost === cost && (bound === 'max' ? (one.max ?? Infinity) < relaxed : (one.min ?? -Infinity) > relaxed);
      return isLooser ? { ...one, [bound]: relaxed } : one;
    });
    const found = await solve({ ...problem, limits }, { near: solution.choices });
    if (found.status !== 'optimal') return undefined;
    const { objective, choices } = found;
    if (objective < solution.objective - 1e-9 * Math.abs(solution.objective)) {
      return { limit: relaxed, objective, choices };
    }
  }
  return undefined;
}

/** Asks, layer by layer, for the best architecture without the choice that the layer has. */
function layerReasons(problem: Problem, solution: Solution): LayerReason[] {
  const { problem: joined, groups } = joinAlike(problem);
  const raw = toProgram(joined);
  const reduced = withoutDominated(raw);
  const { multipliers } = relax(withUsableRoom(reduced));
  return groups.flatMap(({ members, options }, g) => {
    const own = solution.choices[members[0] as number];
    const rest = (raw.layers[g] ?? []).filter(({ choice }) => options[choice]?.[0] !== own);
    const reason = (about: Omit<LayerReason, 'layer' | 'choice' | 'second'>, second: Candidate | undefined) =>
      members.map((layer, i): LayerReason => ({
        layer,
        choice: solution.choices[layer] as number,
        second: second === undefined ? undefined : options[second.choice]?.[i],
        ...about,
      }));
    if (rest.length === 0) return reason({ otherwise: undefined, exact: true }, undefined);
    const [layer = []] = withoutDominated({ ...raw, layers: [rest] }).layers;
    const program = withUsableRoom({ ...reduced, layers: reduced.layers.with(g, layer) });
    const found = prove(program, { multipliers, maxNodes: LAYER_NODES });
    const rise = (value: number) => Math.max(0, raw.scoreBase + value * raw.scoreUnit - solution.objective);
    if (!found.finished) return reason({ otherwise: rise(found.bound), exact: false }, undefined);
    if (found.best === undefined) return reason({ otherwise: undefined, exact: true }, undefined);
    return reason({ otherwise: rise(found.value), exact: true }, found.best[g]);
  });
}
