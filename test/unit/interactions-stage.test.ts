import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { openRun } from '../../src/run/run.js';
import { resumeSearch, startSearch } from '../../src/search/pipeline.js';
import type { LayerRule } from '../../src/search/rules.js';
import { answerSolve } from '../../src/worker/questions/solve.js';
import type { RefinedSolution } from '../../src/search/interactions/stage.js';
import { SOLUTION_FILE } from '../../src/search/stored-solution.js';
import { createExecutor } from '../../src/worker/executor.js';
import { temporaryFolder } from '../support/model-folder.js';
import { type SpecChanges, tinyRun, writeTinySearch } from '../support/tiny-search.js';

const EVALUATIONS = 12;
const WITH_INTERACTIONS = { search: { interactions: true, evaluations: EVALUATIONS } };

async function solved(dir: string): Promise<RefinedSolution> {
  return JSON.parse(await readFile(join(tinyRun(dir), SOLUTION_FILE), 'utf8')) as RefinedSolution;
}

const options = { until: 'solve', executor: createExecutor(1) } as const;

async function search(t: Parameters<typeof temporaryFolder>[0], changes: SpecChanges): Promise<string> {
  const dir = await temporaryFolder(t);
  await startSearch(await writeTinySearch(dir, changes), undefined, options);
  return dir;
}

describe('a search of whole architectures', () => {
  it('says what they do, is no worse than the least sum, and measures nothing twice', async (t) => {
    const dir = await search(t, WITH_INTERACTIONS);
    const solution = await solved(dir);
    const { interactions } = solution;
    assert.ok(interactions !== undefined);
    const { chosen, additive, difference } = interactions;
    assert.ok(interactions.evaluations > 1 && interactions.evaluations <= EVALUATIONS);
    assert.deepEqual(chosen.architecture, solution.architecture);
    assert.ok(chosen.realised.value > 0 && additive.realised.value > 0);
    assert.ok(Math.abs(difference.value - (chosen.realised.value - additive.realised.value)) < 1e-12);
    // What was proven about sums of scores still holds of the architecture that is there instead.
    assert.ok(Math.abs(chosen.sumOfScores - solution.objective) < 1e-12);
    assert.ok(Math.abs(additive.sumOfScores - solution.bound) < 1e-9);
    assert.ok(Math.abs(solution.gap - (solution.objective - solution.bound)) < 1e-9);
    assert.ok(solution.totals.throughput >= 1.7 * solution.parent.throughput * (1 - 1e-9));

    const bytes = await readFile(join(tinyRun(dir), SOLUTION_FILE));
    const tasksOf = async () => {
      const run = await openRun(tinyRun(dir));
      const { finished } = run.state().tasks;
      await run.close();
      return finished;
    };
    const before = await tasksOf();
    await resumeSearch(tinyRun(dir), options);
    assert.equal(await tasksOf(), before);
    assert.deepEqual(await readFile(join(tinyRun(dir), SOLUTION_FILE)), bytes);

    const again = await search(t, WITH_INTERACTIONS);
    assert.deepEqual(await readFile(join(tinyRun(again), SOLUTION_FILE)), bytes);
  });

  it('is the answer to its own limits and rules; to others it is the least sum', async (t) => {
    const dir = await search(t, WITH_INTERACTIONS);
    const { interactions, ...solution } = await solved(dir);
    assert.ok(interactions !== undefined);
    const limits = { throughput: '>= 1.7x', memory: '<= 97%' };
    const ask = async (asked: Record<string, string>, rules: LayerRule[] = []) => {
      const answer = await answerSolve({ run: tinyRun(dir), limits: asked, rules });
      assert.ok(answer.kind === 'solved', JSON.stringify(answer));
      return answer.solution;
    };
    const own = await ask(limits);
    assert.deepEqual(own.searched, {
      measured: interactions.evaluations,
      kl: interactions.chosen.realised.value,
      leastSumKl: interactions.additive.realised.value,
    });
    const names = own.map.layers.map(({ attention, ffn }) => [attention.name, ffn.name]);
    assert.deepEqual(
      names,
      solution.architecture.map(({ attention, ffn }) => [attention, ffn]),
    );
    const { status, objective, bound, gap, totals } = solution;
    assert.deepEqual({ ...own, status, objective, bound, gap, totals }, own);
    const [throughput] = own.limits;
    assert.ok(throughput && throughput.used >= throughput.allowed);

    const [layer, variant] = [0, solution.architecture[0]?.ffn ?? ''];
    for (const other of [
      await ask({ ...limits, memory: '<= 98%' }),
      await ask(limits, [{ layer, half: 'ffn', pin: variant }]),
    ]) {
      assert.equal(other.searched, null);
      assert.equal(other.status, 'optimal');
    }
  });

  it('leaves the least sum where it is not asked for, or where the parent itself is the answer', async (t) => {
    const without = await solved(await search(t, {}));
    assert.equal(without.interactions, undefined);
    assert.equal(without.status, 'optimal');
    const unlimited = await solved(await search(t, { ...WITH_INTERACTIONS, limits: {} }));
    assert.equal(unlimited.interactions, undefined);
    assert.equal(unlimited.objective, 0);
  });
});
