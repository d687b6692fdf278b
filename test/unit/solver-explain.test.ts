import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { explain, type LayerReason, type PricedLimit } from '../../src/solver/explain.js';
import type { Limit, Problem } from '../../src/solver/problem.js';
import { solve, type Solution } from '../../src/solver/solve.js';
import { type Kind, KINDS, ODDITIES, type Oddity, smallProblem } from '../support/small-problems.js';
import { feasibleOf, glpkObjective, scoreOf } from '../support/solver-oracle.js';

/** Of each kind with each oddity that has answers: 13 x 5 x 40 = 2600 problems. */
const EACH = 40;

describe('explain, against trying every architecture of small problems', () => {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    it(`with ${kind}: prices as far as they hold, what a little more buys, and second bests`, async (t) => {
      const seen = { prices: 0, ends: 0, more: 0, seconds: 0 };
      for (const oddity of Object.keys(ODDITIES) as Oddity[]) {
        for (let seed = 0; seed < EACH; seed++) {
          const problem = smallProblem(kind, oddity, seed);
          const found = await solve(problem);
          if (found.status !== 'optimal') continue;
          try {
            const { limits, layers } = await explain(problem, found);
            assert.deepEqual(limits.map(sideOf).sort(), [...new Set(sides(problem).map(sideOf))].sort());
            for (const limit of limits) {
              seen.ends += await checkPrice(problem, limit);
              checkMore(problem, found, limit);
              if (limit.price > 0) seen.prices++;
              if (limit.more !== undefined) seen.more++;
            }
            assert.deepEqual(
              layers.map(({ layer, choice }) => [layer, choice]),
              [...found.choices.entries()],
            );
            for (const reason of layers) checkReason(problem, found, reason);
            seen.seconds += layers.filter(({ otherwise }) => otherwise !== undefined).length;
          } catch (error) {
            throw new Error(`${kind}, ${oddity}, seed ${seed}: ${JSON.stringify(problem)}`, { cause: error });
          }
        }
      }
      t.diagnostic(JSON.stringify(seen));
      for (const count of Object.values(seen)) assert.ok(count >= 10, JSON.stringify(seen));
    });
  }
});

interface Side {
  cost: string;
  bound: 'max' | 'min';
  limit: number;
}

/** A limit for each side. */
function sides({ limits }: Problem): Side[] {
  return limits.flatMap(({ cost, min, max }) => [
    ...(max === undefined ? [] : [{ cost, bound: 'max' as const, limit: max }]),
    ...(min === undefined ? [] : [{ cost, bound: 'min' as const, limit: min }]),
  ]);
}

function sideOf({ cost, bound }: Pick<Side, 'cost' | 'bound'>): string {
  return `${bound} ${cost}`;
}

/** The problem with one side of one cost somewhere else. */
function withLimit(problem: Problem, { cost, bound }: Pick<Side, 'cost' | 'bound'>, at: number): Problem {
  const others = sides(problem).filter((one) => sideOf(one) !== sideOf({ cost, bound }));
  const limits = [...others, { cost, bound, limit: at }].map((one): Limit => ({
    cost: one.cost,
    [one.bound]: one.limit,
  }));
  return { ...problem, limits };
}

/** How far beyond the end of its range a price is tried. */
const BEYOND = 1e-3;

/**
 * Within its range a price says what the relaxation comes to, and beyond it, where there is a beyond, too little.
 * Returns how many ends there were.
 */
async function checkPrice(problem: Problem, { cost, bound, limit, price, from, to }: PricedLimit): Promise<number> {
  assert.ok(price >= 0 && from <= limit + 1e-7 && limit <= to + 1e-7, `${from} to ${to} around ${limit}`);
  const valueAt = async (at: number) => glpkObjective(withLimit(problem, { cost, bound }, at), { linear: true });
  const value = await valueAt(limit);
  assert.ok(value !== undefined);
  const line = (at: number) => value - price * (bound === 'max' ? at - limit : limit - at);
  const [low, high] = [Math.max(from, limit - 2), Math.min(to, limit + 2)];
  for (const at of [low, (low + limit) / 2, (limit + high) / 2, high]) {
    const there = await valueAt(at);
    // At the end of a range a rounding may leave nothing.
    if (there === undefined && Math.min(at - from, to - at) < 1e-7) continue;
    assert.ok(there !== undefined && Math.abs(there - line(at)) < 1e-6, `${there} for ${line(at)} at ${at}`);
  }
  const ends = [from - BEYOND, to + BEYOND].filter(Number.isFinite);
  for (const at of ends) {
    const there = await valueAt(at);
    assert.ok(there === undefined || there > line(at) + 1e-9, `${there} is above ${line(at)} at ${at}`);
  }
  return ends.length;
}

/** A hundredth more of a limit, or two, four, … 32: the first that is of use, and the best that it lets in. */
function checkMore(problem: Problem, { objective, totals }: Solution, { cost, bound, limit, more }: PricedLimit): void {
  const size = Math.abs(limit) || Math.abs(totals[cost] ?? 0) || 1;
  for (const hundredths of [1, 2, 4, 8, 16, 32]) {
    const at = limit + ((bound === 'max' ? 1 : -1) * size * hundredths) / 100;
    const relaxed = withLimit(problem, { cost, bound }, at);
    const fit = feasibleOf(relaxed);
    const least = Math.min(...fit.map((architecture) => scoreOf(problem, architecture)));
    if (least > objective - 1e-9) continue;
    assert.ok(more !== undefined, `${least} is there at ${at}`);
    assert.ok(Math.abs(more.limit - at) < 1e-9 && Math.abs(more.objective - least) < 1e-9, `${least} at ${at}`);
    assert.ok(fit.some((architecture) => architecture.join() === more.choices.join()));
    return;
  }
  assert.equal(more, undefined, 'much more would not help');
}

/** What the best architecture without the layer's choice comes to; at least, where shapes are counted. */
function checkReason(
  problem: Problem,
  found: Solution,
  { layer, choice, otherwise, second, exact }: LayerReason,
): void {
  assert.ok(exact);
  const { maxShapes, ...anyShapes } = problem;
  const without = (all: Problem) => feasibleOf(all).filter((architecture) => architecture[layer] !== choice);
  const others = without(anyShapes);
  const best = Math.min(...others.map((architecture) => scoreOf(problem, architecture)));
  if (maxShapes !== undefined) {
    const few = Math.min(...without(problem).map((architecture) => scoreOf(problem, architecture)));
    assert.ok((otherwise ?? Infinity) <= few - found.objective + 1e-7, `${otherwise} is a bound`);
  }
  if (otherwise === undefined) {
    assert.equal(others.length, 0);
    return;
  }
  assert.ok(Math.abs(otherwise - Math.max(0, best - found.objective)) < 1e-7, `${otherwise}`);
  assert.ok(others.some((a) => a[layer] === second && scoreOf(problem, a) <= best + 1e-7));
}
