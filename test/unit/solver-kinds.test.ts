import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { Limit, Problem } from '../../src/solver/problem.js';
import { toProgram, withoutDominated } from '../../src/solver/program.js';
import { relax } from '../../src/solver/relaxation.js';
import { search } from '../../src/solver/search.js';
import { type Infeasible, solve, type Solution } from '../../src/solver/solve.js';
import { type Kind, KINDS, ODDITIES, type Oddity, smallProblem } from '../support/small-problems.js';
import { checkConflicts, checkRelaxation } from '../support/solver-checks.js';
import { architecturesOf, bruteForce, feasibleOf, glpkObjective, scoreOf, totalOf } from '../support/solver-oracle.js';

/** Of each kind with each oddity: 13 x 6 x 200 = 15 600 problems. */
const EACH = 200;
/** How many of them must have an answer, and none, for their comparison to say something. */
const SOME = 10;

describe('solve, against trying every architecture of small problems', () => {
  for (const kind of Object.keys(KINDS) as Kind[]) {
    it(`with ${kind}: the same optimum, conflicts and signs of prices, whatever is odd`, async (t) => {
      for (const oddity of [...(Object.keys(ODDITIES) as (keyof typeof ODDITIES)[]), 'infeasible'] as Oddity[]) {
        const seen = { optimal: 0, infeasible: 0, binding: 0 };
        for (let seed = 0; seed < EACH; seed++) {
          const problem = smallProblem(kind, oddity, seed);
          try {
            const found = await solve(problem);
            assert.ok(found.status === 'optimal' || found.status === 'infeasible', found.status);
            seen[found.status]++;
            if (found.status === 'infeasible') checkInfeasible(found, problem);
            else {
              checkOptimum(found, problem);
              await checkPrices(found, problem);
              if (found.binding.length > 0) seen.binding++;
            }
            checkBranching(found, problem);
          } catch (error) {
            throw new Error(`${kind}, ${oddity}, seed ${seed}: ${JSON.stringify(problem)}`, { cause: error });
          }
        }
        t.diagnostic(`${oddity}: ${JSON.stringify(seen)}`);
        if (oddity === 'infeasible') assert.equal(seen.optimal, 0);
        else assert.ok(seen.optimal >= SOME && seen.binding + seen.infeasible >= SOME, JSON.stringify(seen));
      }
    });
  }
});

function checkOptimum(found: Solution, problem: Problem): void {
  const fit = feasibleOf(problem);
  assert.ok(
    fit.some((architecture) => architecture.join() === found.choices.join()),
    'it fits',
  );
  const least = Math.min(...fit.map((architecture) => scoreOf(problem, architecture)));
  assert.ok(Math.abs(found.objective - least) < 1e-9, `${found.objective} for ${least}`);
  assert.equal(found.objective, scoreOf(problem, found.choices));
  assert.deepEqual([found.bound, found.gap], [found.objective, 0]);
  for (const [cost, total] of Object.entries(found.totals)) assert.equal(total, totalOf(problem, cost, found.choices));
  // Which of equal architectures it is, is told where patterns do not say otherwise.
  if (problem.same === undefined && problem.maxShapes === undefined) {
    assert.deepEqual(found.choices, bruteForce(problem));
  }
}

function checkInfeasible(found: Infeasible, problem: Problem): void {
  assert.equal(feasibleOf(problem).length, 0, 'nothing fits');
  const { maxShapes, ...anyShapes } = problem;
  if (maxShapes === undefined || feasibleOf(anyShapes).length === 0) {
    checkConflicts(found, anyShapes);
    checkRelaxation(found, anyShapes);
    return;
  }
  const shapesOf = (architecture: readonly number[]) =>
    new Set(architecture.map((choice, layer) => problem.layers[layer]?.choices[choice]?.name)).size;
  const about = { cost: 'different shapes', bound: 'max' };
  const fewest = Math.min(...architecturesOf(anyShapes).map(shapesOf));
  assert.deepEqual(found.conflicts, [{ ...about, limit: maxShapes, reachable: fewest }]);
  const { changes, architecture } = found.relaxation;
  assert.deepEqual(changes, [{ ...about, from: maxShapes, to: shapesOf(architecture) }]);
  assert.ok(feasibleOf(anyShapes).some((one) => one.join() === architecture.join()));
}

/** More than the steps that a cost comes in, which the solver rounds limits to. */
const STEP = 12;

/**
 * Prices are at least zero; of a limit that has one something is gained in the linear relaxation, in which shapes do not
 * count, without it, or lost with a step less of it.
 */
async function checkPrices({ binding, shadowPrices, objective }: Solution, problem: Problem): Promise<void> {
  const limited = [...new Set(problem.limits.map(({ cost }) => cost))];
  assert.deepEqual(Object.keys(shadowPrices).sort(), limited.sort());
  const relaxed = (limits: Limit[]) => glpkObjective({ ...problem, limits }, { linear: true });
  for (const cost of limited) {
    const price = shadowPrices[cost] ?? NaN;
    assert.ok(price >= 0 && Number.isFinite(price), `${cost}: ${price}`);
    assert.equal(binding.includes(cost), price > 0);
    const others = problem.limits.filter((limit) => limit.cost !== cost);
    const own = problem.limits.filter((limit) => limit.cost === cost);
    if (price === 0) continue;
    const without = (await relaxed(others)) ?? NaN;
    if (without < objective - 1e-9) continue;
    const tighter = own.flatMap(({ min, max }) => [
      ...(max === undefined ? [] : [{ cost, max: max - STEP }]),
      ...(min === undefined ? [] : [{ cost, min: min + STEP }]),
    ]);
    assert.ok(((await relaxed([...others, ...tighter])) ?? Infinity) > without + 1e-9, `${cost} is worth something`);
  }
}

/** What small problems do not come to by themselves: the branch and bound for those that are too large for the core. */
function checkBranching(found: Solution | Infeasible, problem: Problem): void {
  if (problem.same !== undefined || problem.maxShapes !== undefined) return;
  const program = withoutDominated(toProgram(problem));
  const { best, value, finished } = search(program, { multipliers: relax(program).multipliers });
  assert.ok(finished);
  if (found.status === 'infeasible') assert.equal(best, undefined);
  else assert.ok(Math.abs(program.scoreBase + value * program.scoreUnit - found.objective) < 1e-7);
}
