import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { FAMILIES } from '../../examples/text/grammar-draft.js';
import { HELD_OUT_PREFIX, heldOutStories, isHeldOut, stories, tellStory } from '../../examples/text/grammar.js';
import { Random } from '../../src/common/random.js';

function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  for (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

const NUMBERS = [
  ...['zero', 'one', 'two', 'three', 'four', 'five', 'six', 'seven', 'eight', 'nine', 'ten', 'eleven', 'twelve'],
  ...['thirteen', 'fourteen', 'fifteen', 'sixteen', 'seventeen', 'eighteen'],
];

describe('the story grammar', () => {
  const sample = take(stories(3), 2000);

  it('tells the same stories for the same seed and others for another', () => {
    assert.deepEqual(take(stories(3), 50), sample.slice(0, 50));
    assert.notDeepEqual(take(stories(4), 50), sample.slice(0, 50));
  });

  it('tells stories of 50 to 150 words in well-formed sentences', () => {
    for (const story of sample) {
      const words = story.split(' ').length;
      assert.ok(words >= 50 && words <= 150, `${words} words: ${story}`);
      assert.match(story, /^[A-Z][A-Za-z,.:?! ]*[.!]$/u);
      assert.doesNotMatch(story, / {2}|undefined|\{|\ba [aeiou]|\bone (?!is\b)\w+s\b/u);
      for (const sentence of story.split(/(?<=[.?!]) /u)) assert.match(sentence, /^[A-Z]/u);
    }
  });

  it('keeps to a few hundred different words', () => {
    const words = new Set(
      sample
        .join(' ')
        .toLowerCase()
        .match(/[a-z]+/gu),
    );
    assert.ok(words.size >= 300 && words.size <= 700, `${words.size} words`);
  });

  it('places every probe at its answer, among different choices', () => {
    const families = new Set<string>();
    for (let i = 0; i < 2000; i++) {
      const { text, probes } = tellStory(Random.of(5, i));
      for (const { family, offset, answer, choices } of probes) {
        families.add(family);
        assert.ok(text.startsWith(` ${answer}`, offset));
        assert.ok(choices.includes(answer));
        assert.equal(new Set(choices).size, choices.length);
        assert.ok(choices.length >= 3);
      }
    }
    assert.deepEqual([...families].sort(), [...FAMILIES].sort());
  });

  it('calculates rightly', () => {
    let sums = 0;
    for (const story of sample) {
      for (const [, a, b, sum] of story.matchAll(/knew that (\w+) and (\w+) make (\w+)\./gu)) {
        assert.equal(NUMBERS.indexOf(a ?? '') + NUMBERS.indexOf(b ?? ''), NUMBERS.indexOf(sum ?? ''), story);
        sums++;
      }
      for (const [, owner, a, b, rest] of story.matchAll(
        /(\w+) had (\w+) \w+\. Then \1 gave away (\w+) \w+\. Now \1 had (\w+) /gu,
      )) {
        assert.equal(NUMBERS.indexOf(a ?? '') - NUMBERS.indexOf(b ?? ''), NUMBERS.indexOf(rest ?? ''), owner);
        sums++;
      }
    }
    assert.ok(sums > 50, `${sums} sums read`);
  });

  it('counts rightly', () => {
    let lists = 0;
    for (const story of sample) {
      for (const [, list, kind, count] of story.matchAll(
        /saw (a [^.]+)\. How many (\w+)s did \w+ see\? \w+ saw (\w+)/gu,
      )) {
        const seen = (list ?? '').match(new RegExp(`\\ba ${kind ?? ''}\\b`, 'gu')) ?? [];
        assert.equal(seen.length, NUMBERS.indexOf(count ?? ''), story);
        lists++;
      }
    }
    assert.ok(lists > 50, `${lists} lists read`);
  });

  it('agrees the verb with its subject and not with what stands between', () => {
    let sentences = 0;
    for (const story of sample) {
      for (const [, time, noun, verb] of story.matchAll(
        /(Yesterday|Last week|Today|Right now),(?: [A-Z]\w+ \w+ that)? the (\w+) [^.]*? (was|were|is|are) \w+\./gu,
      )) {
        const present = time === 'Today' || time === 'Right now';
        const many = (noun ?? '').endsWith('s');
        assert.equal(verb, present ? (many ? 'are' : 'is') : many ? 'were' : 'was', story);
        sentences++;
      }
    }
    assert.ok(sentences > 200, `${sentences} sentences read`);
  });

  it('never tells a held-out story in training', () => {
    for (const story of sample) assert.equal(isHeldOut(story), false);
    for (const { text } of take(heldOutStories(3, 'x'), 100)) {
      assert.equal(isHeldOut(text), true);
      assert.equal(isHeldOut(`${text.slice(0, HELD_OUT_PREFIX)} and so on`), true);
    }
  });
});
