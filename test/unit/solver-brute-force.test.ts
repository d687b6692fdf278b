import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../src/common/random.js';
import type { Limit, Place, Problem } from '../../src/solver/problem.js';
import { explain } from '../../src/solver/explain.js';
import { solve } from '../../src/solver/solve.js';
import {
  architecturesOf,
  bruteForce,
  excessOf,
  glpkObjective,
  rulesOf,
  scoreOf,
  totalOf,
} from '../support/solver-oracle.js';
import { checkConflicts, checkRelaxation } from '../support/solver-checks.js';

const RUNS = 1500;
const COSTS = ['memory', 'time'] as const;

/** Few distinct values, so that ties, zeros and limits met exactly are common; tenths, so that sums are not exact. */
const tenths = (from: number, to: number): fc.Arbitrary<number> =>
  fc.integer({ min: from, max: to }).map((x) => x / 10);

const choices = fc.array(
  fc.record({
    name: fc.constantFrom('kv4', 'linear', 'no-op'),
    score: tenths(-3, 6),
    costs: fc.record({ memory: fc.nat(6), time: tenths(0, 5) }),
  }),
  { minLength: 1, maxLength: 5 },
);

const limit: fc.Arbitrary<Limit> = fc
  .record({
    cost: fc.constantFrom(...COSTS),
    sides: fc.constantFrom('max', 'max', 'min', 'both'),
    at: fc.integer({ min: 2, max: 18 }),
    width: fc.integer({ min: 0, max: 6 }),
  })
  .map(({ cost, sides, at, width }) => {
    const unit = cost === 'time' ? 0.1 : 1;
    const range = { min: (at < 4 ? 0 : Math.max(0, at - width)) * unit, max: at * unit };
    return { cost, ...(sides === 'min' ? {} : { max: range.max }), ...(sides === 'max' ? {} : { min: range.min }) };
  });

/** Any valid problem of at most 4 layers x 5 choices, feasible or not. */
const problems: fc.Arbitrary<Problem> = fc
  .array(
    choices.map((list) => ({ choices: list })),
    { minLength: 1, maxLength: 4 },
  )
  .chain((layers) => {
    const place: fc.Arbitrary<Place> = fc
      .nat(layers.length - 1)
      .chain((layer) =>
        fc.record({ layer: fc.constant(layer), choice: fc.nat((layers[layer]?.choices.length ?? 1) - 1) }),
      );
    const architecture = fc.tuple(...layers.map((layer) => fc.nat(layer.choices.length - 1)));
    return fc
      .record({
        nonBlock: fc.record({ memory: fc.nat(3), time: tenths(0, 3) }, { requiredKeys: [] }),
        limits: fc.array(limit, { maxLength: 3 }),
        pins: fc.array(place, { maxLength: 1 }),
        bans: fc.array(place, { maxLength: 3 }),
        diversity: fc.record({
          solutions: fc.array(architecture, { maxLength: 2 }),
          maxOverlap: fc.constantFrom(0, 0.3, 0.5, 0.75, 1),
        }),
      })
      .map((rest) => ({ layers, ...rest }));
  })
  .filter((problem) => architecturesOf(problem).length > 0);

describe('solve, against trying every architecture', () => {
  it('finds the optimum, and of equal ones the documented one, or that nothing fits', async () => {
    let infeasible = 0;
    let restricted = 0;
    await fc.assert(
      fc.asyncProperty(problems, async (problem) => {
        const expected = bruteForce(problem);
        const found = await solve(problem);
        if (expected === undefined) {
          infeasible++;
          assert.equal(found.status, 'infeasible');
          return;
        }
        assert.ok(found.status === 'optimal');
        assert.deepEqual(found.choices, expected);
        assert.equal(found.objective, scoreOf(problem, expected));
        assert.equal(found.bound, found.objective);
        assert.equal(found.gap, 0);
        for (const cost of COSTS) assert.equal(found.totals[cost], totalOf(problem, cost, expected));
        if (found.binding.length > 0) restricted++;
      }),
      { numRuns: RUNS, seed: 1 },
    );
    // The instances must exercise both answers, or the comparison above says little.
    assert.ok(infeasible > RUNS / 10, `${infeasible} infeasible`);
    assert.ok(restricted > RUNS / 20, `${restricted} with a binding limit`);
  });

  it('finds the optimum of 4 layers x 5 choices under four tight limits on unrelated costs', async () => {
    let split = 0;
    for (let seed = 0; seed < 300; seed++) {
      const problem = tightProblem(seed);
      const expected = bruteForce(problem);
      const found = await solve(problem);
      assert.deepEqual('choices' in found ? found.choices : undefined, expected, `seed ${seed}`);
      if (found.nodes > 1 && expected !== undefined) split++;
    }
    assert.ok(split > 100, `${split} needed branching`);
  });

  it('names limits that are in conflict, and no more than that', async () => {
    let alone = 0;
    let together = 0;
    await fc.assert(
      fc.asyncProperty(problems, async (problem) => {
        const found = await solve(problem);
        if (found.status !== 'infeasible') return;
        if (checkConflicts(found, problem) === 'alone') alone++;
        else together++;
      }),
      { numRuns: RUNS, seed: 2 },
    );
    assert.ok(alone > RUNS / 50 && together > RUNS / 50, `${alone} alone, ${together} together`);
  });

  it('gives the least relaxation, with an architecture that fits it', async () => {
    let relaxed = 0;
    await fc.assert(
      fc.asyncProperty(problems, async (problem) => {
        const found = await solve(problem);
        if (found.status !== 'infeasible') return;
        relaxed++;
        checkRelaxation(found, problem);
      }),
      { numRuns: RUNS, seed: 3 },
    );
    assert.ok(relaxed > RUNS / 10, `${relaxed} relaxed`);
  });
});

describe('explain, against trying every architecture', () => {
  it('prices limits as the linear relaxation does, within the range it says', async () => {
    let priced = 0;
    for (let seed = 0; seed < 50; seed++) {
      const problem = tightProblem(2 * seed);
      const found = await solve(problem);
      if (found.status !== 'optimal') continue;
      const before = await glpkObjective(problem, { linear: true });
      for (const { cost, bound, limit, price, from, to } of (await explain(problem, found)).limits) {
        assert.ok(price >= 0 && from <= limit + 1e-9 && limit <= to + 1e-9, `seed ${seed} ${cost}`);
        const reach = Math.min(bound === 'max' ? to - limit : limit - from, 0.5);
        if (reach < 1e-6) continue;
        priced++;
        const sign = bound === 'max' ? 1 : -1;
        const moved = problem.limits.map((one) =>
          one.cost === cost ? { ...one, [bound]: limit + sign * reach } : one,
        );
        const after = await glpkObjective({ ...problem, limits: moved }, { linear: true });
        assert.ok(before !== undefined && after !== undefined);
        assert.ok(
          Math.abs(before - after - price * reach) < 1e-6,
          `seed ${seed} ${cost}: ${before - after} for ${reach}`,
        );
      }
    }
    assert.ok(priced > 40, `${priced} prices`);
  });
});

describe('solve with patterns, against trying every architecture', () => {
  it('keeps layers alike and shapes few', async () => {
    let [alike, few, none] = [0, 0, 0];
    await fc.assert(
      fc.asyncProperty(problems, fc.nat(3), fc.nat(3), fc.integer({ min: 1, max: 3 }), async (any, a, b, maxShapes) => {
        // Names apart within a layer, so that they say what is alike.
        const named = any.layers.map(({ choices: list }) => ({
          choices: list.map((one, i) => ({ ...one, name: `choice ${i}` })),
        }));
        const last = named.length - 1;
        const range = { from: Math.min(a, b, last), to: Math.min(Math.max(a, b), last) };
        const problem: Problem = { ...any, pins: [], bans: [], layers: named, same: [range], maxShapes };
        const fit = architecturesOf(problem).filter(
          (architecture) =>
            rulesOf(problem).every((rule) => excessOf(rule, architecture) <= 0) &&
            new Set(architecture.slice(range.from, range.to + 1)).size === 1 &&
            new Set(architecture).size <= maxShapes,
        );
        const found = await solve(problem);
        if (fit.length === 0) {
          none++;
          assert.equal(found.status, 'infeasible');
          return;
        }
        assert.ok(found.status === 'optimal', found.status);
        assert.ok(fit.some((architecture) => architecture.every((choice, l) => choice === found.choices[l])));
        assert.ok(Math.abs(found.objective - Math.min(...fit.map((f) => scoreOf(problem, f)))) < 1e-7);
        if (range.from < range.to) alike++;
        if (new Set(found.choices).size === maxShapes) few++;
      }),
      { numRuns: 200, seed: 5 },
    );
    assert.ok(alike > 20 && few > 20 && none > 20, `${alike} alike, ${few} few, ${none} none`);
  });
});

/**
 * Real-valued scores and costs, each limit somewhere between the totals that can be reached: for odd seeds so close to
 * those of one architecture that it just fits or just does not.
 */
function tightProblem(seed: number): Problem {
  const random = new Random(seed);
  const costs = ['a', 'b', 'c', 'd'];
  const layers = Array.from({ length: 4 }, () => ({
    choices: Array.from({ length: 5 }, (_, choice) => ({
      name: `choice-${choice}`,
      score: random.normal(),
      costs: Object.fromEntries(costs.map((cost) => [cost, random.next()])),
    })),
  }));
  const at = (): number => 1.6 + 0.6 * random.next();
  const [a, b, c, d] = [at(), at(), at(), at()];
  const limits = [
    { cost: 'a', max: a },
    { cost: 'b', max: b },
    { cost: 'c', min: 4 - c },
    { cost: 'd', min: d - 0.8, max: d },
  ];
  const problem = { layers, nonBlock: {}, limits };
  if (seed % 2 === 0) return problem;
  const center = layers.map(() => random.below(5));
  const near = (cost: string): number => totalOf(problem, cost, center) * random.pick([1 - 3e-9, 1, 1 + 3e-9]);
  return {
    ...problem,
    limits: [
      { cost: 'a', max: near('a') },
      { cost: 'b', max: near('b') },
      { cost: 'c', min: near('c') },
    ],
  };
}
