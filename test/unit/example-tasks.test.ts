import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAMILIES } from '../../examples/text/grammar-draft.js';
import { HELD_OUT_PREFIX, isHeldOut, stories } from '../../examples/text/grammar.js';
import { shortcutAccuracies } from '../../examples/text/shortcuts.js';
import { makeTask } from '../../examples/text/tasks.js';

/** Words and marks: what a token is, but for a few. */
const countTokens = (text: string): number => (text.match(/[A-Za-z]+|[^A-Za-z\s]/gu) ?? []).length;
const COUNT = 1000;
/** Four standard errors of a share near a third, of as many items. */
const MARGIN = 0.06;

describe('the example tasks', () => {
  const tasks = FAMILIES.map((family) => ({ family, items: makeTask(family, COUNT, 9, countTokens) }));

  for (const { family, items } of tasks) {
    it(`${family}: asks different questions of held-out stories with 3 or 4 one-word choices`, () => {
      assert.equal(items.length, COUNT);
      assert.equal(new Set(items.map((item) => item.context)).size, COUNT);
      for (const { context, choices, answer } of items) {
        assert.equal(isHeldOut(context), true);
        assert.ok(choices.length === 3 || choices.length === 4);
        assert.ok(answer >= 0 && answer < choices.length);
        assert.doesNotMatch(context, /\s$/u);
        for (const choice of choices) assert.match(choice, /^ [A-Za-z]+$/u);
      }
    });

    it(`${family}: cannot be answered by place, frequency or the usual answer`, () => {
      const { chance = 0, ...shortcuts } = shortcutAccuracies(items);
      for (const [name, share] of Object.entries(shortcuts)) {
        assert.ok(share < chance + MARGIN, `${name}: ${share.toFixed(3)} where chance is ${chance.toFixed(3)}`);
      }
    });
  }

  it('shares no beginning with training stories', () => {
    const starts = new Set<string>();
    for (const story of stories(1)) {
      starts.add(story.slice(0, HELD_OUT_PREFIX));
      if (starts.size === 5000) break;
    }
    for (const { items } of tasks) {
      for (const { context } of items) assert.equal(starts.has(context.slice(0, HELD_OUT_PREFIX)), false);
    }
  });

  it('makes the same items from the same seed', () => {
    assert.deepEqual(makeTask('counting-things', 20, 9, countTokens), makeTask('counting-things', 20, 9, countTokens));
    assert.notDeepEqual(
      makeTask('counting-things', 20, 9, countTokens),
      makeTask('counting-things', 20, 10, countTokens),
    );
  });
});

describe('shortcut accuracies', () => {
  it('recognise a task that a shortcut solves', () => {
    const items = Array.from({ length: 40 }, (_, i) => ({
      context: `the x the y the x the z${i}`,
      choices: [' x', ' y'],
      answer: 0,
    }));
    const shortcuts = shortcutAccuracies(items);
    assert.equal(shortcuts['chance'], 0.5);
    assert.equal(shortcuts['first mentioned'], 1);
    assert.equal(shortcuts['last mentioned'], 1);
    assert.equal(shortcuts['most mentioned'], 1);
    assert.equal(shortcuts['least mentioned'], 0);
    assert.equal(shortcuts['first listed'], 1);
    assert.equal(shortcuts['usual answer'], 1);
  });
});
