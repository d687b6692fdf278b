import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import { Random } from '../../src/common/random.js';
import type { TaskScores } from '../../src/model/score-choices.js';
import { compareTasks } from '../../src/search/evaluate/kept.js';

function scores(name: string, correct: number[], chance = 0.25): TaskScores {
  const accuracy = correct.reduce((a, b) => a + b, 0) / correct.length;
  const both = <T>(value: T) => ({ sum: value, normalised: value });
  return { name, items: correct.length, chance, accuracy: both(accuracy), correct: both(correct) };
}

/** Answers of parent and child to the same questions, right with these chances, the child's following the parent's. */
function answers(random: Random, items: number, parentRight: number, agreement: number): [number[], number[]] {
  const parent = Array.from({ length: items }, () => Number(random.next() < parentRight));
  const child = parent.map((right) => (random.next() < agreement ? right : 1 - right));
  return [parent, child];
}

function kept(parents: number[][], children: number[][]) {
  const named = (lists: number[][]) => lists.map((correct, i) => scores(`task ${i}`, correct));
  return compareTasks(named(parents), named(children)).accuracy.sum;
}

describe('accuracy kept', () => {
  it('is the ratio of mean accuracies over tasks, each task counting the same', () => {
    const result = compareTasks(
      [scores('a', [1, 1, 1, 0], 0.5), scores('b', [1, 1], 0.25)],
      [scores('a', [1, 0, 1, 0], 0.5), scores('b', [1, 0], 0.25)],
    );
    const { parent, child, chance, difference, kept, keptAboveChance } = result.accuracy.sum;
    assert.deepEqual({ parent, child, chance }, { parent: 0.875, child: 0.5, chance: 0.375 });
    assert.equal(difference.value, -0.375);
    assert.equal(kept?.value, 0.5 / 0.875);
    assert.equal(keptAboveChance?.value, 0.125 / 0.5);
    assert.deepEqual(
      result.tasks.map((task) => [task.name, task.parent.sum, task.child.sum, task.difference.sum.value]),
      [
        ['a', 0.75, 0.5, -0.25],
        ['b', 1, 0.5, -0.5],
      ],
    );
  });

  it('is exactly 1, without error, when the child answers as the parent', () => {
    fc.assert(
      fc.property(fc.array(fc.constantFrom(0, 1), { minLength: 2, maxLength: 40 }), (correct) => {
        fc.pre(correct.includes(1));
        const { kept: ratio, difference } = kept([correct], [correct]);
        assert.deepEqual(ratio, { value: 1, standardError: 0 });
        assert.deepEqual(difference, { value: 0, standardError: 0 });
      }),
    );
  });

  it('has a paired standard error: of one task, the spread of the differences over the root of the items', () => {
    const [parent, child] = [
      [1, 1, 0, 1, 0, 1],
      [1, 0, 0, 1, 1, 1],
    ];
    const { difference } = kept([parent], [child]);
    // Differences 0, -1, 0, 0, 1, 0: mean 0, sample variance 2/5.
    assert.equal(difference.value, 0);
    assert.ok(Math.abs(difference.standardError - Math.sqrt(2 / 5 / 6)) < 1e-12);
  });

  it('has standard errors that agree with the spread over many repetitions', () => {
    const random = new Random(7);
    const repeats = Array.from({ length: 600 }, () => {
      const tasks = [0.9, 0.7, 0.6].map((right) => answers(random, 200, right, 0.93));
      return kept(
        tasks.map(([parent]) => parent),
        tasks.map(([, child]) => child),
      );
    });
    for (const figure of ['kept', 'keptAboveChance', 'difference'] as const) {
      const values = repeats.map((repeat) => repeat[figure]?.value ?? NaN);
      const mean = values.reduce((a, b) => a + b, 0) / values.length;
      const spread = Math.sqrt(values.reduce((a, b) => a + (b - mean) ** 2, 0) / (values.length - 1));
      const claimed = repeats.reduce((a, repeat) => a + (repeat[figure]?.standardError ?? NaN), 0) / repeats.length;
      // 600 repetitions know a spread to about 3%.
      assert.ok(Math.abs(claimed / spread - 1) < 0.1, `${figure}: claimed ${claimed}, observed ${spread}`);
    }
  });

  it('above chance is not defined for a parent that only guesses', () => {
    const { kept: ratio, keptAboveChance } = kept([[1, 0, 0, 0]], [[1, 1, 0, 0]]);
    assert.equal(ratio?.value, 2);
    assert.equal(keptAboveChance, null);
    assert.equal(kept([[0, 0]], [[1, 1]]).kept, null);
  });

  it('refuses answers to other tasks', () => {
    assert.throws(() => compareTasks([scores('a', [1])], [scores('b', [1])]), /other tasks/);
    assert.throws(() => compareTasks([scores('a', [1])], [scores('a', [1, 0])]), /other tasks/);
  });
});
