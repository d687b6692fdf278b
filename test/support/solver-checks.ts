import assert from 'node:assert/strict';
import type { Problem } from '../../src/solver/problem.js';
import type { Infeasible } from '../../src/solver/solve.js';
import { architecturesOf, excessOf, type Rule, rulesOf } from './solver-oracle.js';

/** Limits that are the ones in conflict, no more than are needed, each with its best total. */
export function checkConflicts({ conflicts }: Infeasible, problem: Problem): 'alone' | 'together' {
  const all = architecturesOf(problem);
  const rules = conflicts.map(({ cost, bound, limit }) => {
    const rule = rulesOf(problem).find((r) => r.cost === cost && r.bound === bound && r.limit === limit);
    assert.ok(rule, `a limit of the problem: ${cost} ${bound} ${limit}`);
    return rule;
  });
  const fits = (some: readonly Rule[]): boolean => all.some((a) => some.every((rule) => excessOf(rule, a) <= 0));
  assert.ok(!fits(rules), 'the limits named cannot be met together');
  for (const [k, rule] of rules.entries()) {
    assert.ok(Math.abs((conflicts[k]?.reachable ?? NaN) - reachable(rule, all)) < 1e-9);
  }
  if (rules.some((rule) => !fits([rule]))) {
    assert.ok(rules.every((rule) => !fits([rule])));
    return 'alone';
  }
  for (const rule of rules) assert.ok(fits(rules.filter((other) => other !== rule)), 'each one is needed');
  return 'together';
}

/** A relaxation with the least sum of relative changes, and an architecture that it lets in. */
export function checkRelaxation({ relaxation: { changes, architecture, proven } }: Infeasible, problem: Problem): void {
  assert.ok(proven);
  const all = architecturesOf(problem);
  const rules = tightestOf(rulesOf(problem));
  const sizes = new Map(rules.map((rule) => [rule, Math.abs(rule.limit) || Math.abs(reachable(rule, all)) || 1]));
  const relative = (a: readonly number[]): number =>
    rules.reduce((sum, rule) => sum + Math.max(0, excessOf(rule, a)) / (sizes.get(rule) ?? 1), 0);
  const least = Math.min(...all.map(relative));
  assert.ok(Math.abs(relative(architecture) - least) < 1e-7, `${relative(architecture)} against ${least}`);
  const broken = rules.filter((rule) => excessOf(rule, architecture) > 0);
  assert.deepEqual(
    changes.map(({ cost, bound, from }) => `${cost} ${bound} ${from}`).sort(),
    broken.map(({ cost, bound, limit }) => `${cost} ${bound} ${limit}`).sort(),
  );
  for (const { cost, bound, to } of changes) {
    const rule = broken.find((r) => r.cost === cost && r.bound === bound);
    assert.ok(Math.abs((rule?.total(architecture) ?? NaN) - to) < 1e-9);
  }
}

/** The best total that any architecture has. */
function reachable(rule: Rule, all: readonly (readonly number[])[]): number {
  const totals = all.map((architecture) => rule.total(architecture));
  return rule.bound === 'max' ? Math.min(...totals) : Math.max(...totals);
}

/** Of several limits on the same side of a cost only the tightest counts. */
function tightestOf(rules: readonly Rule[]): Rule[] {
  return rules.filter((rule, k) => {
    const same = rules.filter((r) => r.cost === rule.cost && r.bound === rule.bound);
    const limits = same.map((r) => r.limit);
    const tightest = rule.bound === 'max' ? Math.min(...limits) : Math.max(...limits);
    return rule.limit === tightest && rules.findIndex((r) => same.includes(r) && r.limit === tightest) === k;
  });
}
