import type { StoryTaskItem } from './tasks.js';

type Score = (item: StoryTaskItem, choice: string) => number;

const mentions = (text: string, word: string): number => text.split(new RegExp(`${word}\\b`, 'u')).length - 1;

/** Ways to answer without reading for meaning; each takes the choice that scores highest. All should stay near chance. */
const SHORTCUTS: Record<string, Score> = {
  'first mentioned': ({ context }, choice) => -(context.indexOf(choice) + 1 || context.length),
  'last mentioned': ({ context }, choice) => context.lastIndexOf(choice),
  'most mentioned': ({ context }, choice) => mentions(context, choice),
  'least mentioned': ({ context }, choice) => -mentions(context, choice),
  'first listed': ({ choices }, choice) => -choices.indexOf(choice),
};

/** Share of items a shortcut answers; choices that tie share the item between them. */
function accuracy(items: readonly StoryTaskItem[], score: Score): number {
  let right = 0;
  for (const item of items) {
    const scores = item.choices.map((choice) => score(item, choice));
    const best = Math.max(...scores);
    if (scores[item.answer] === best) right += 1 / scores.filter((value) => value === best).length;
  }
  return right / items.length;
}

/** How often each word is right where it is offered: knowing the answers but not the stories. */
function rightRates(items: readonly StoryTaskItem[]): Map<string, number> {
  const offered = new Map<string, { right: number; times: number }>();
  for (const { choices, answer } of items) {
    choices.forEach((choice, i) => {
      const { right, times } = offered.get(choice) ?? { right: 0, times: 0 };
      offered.set(choice, { right: right + (i === answer ? 1 : 0), times: times + 1 });
    });
  }
  return new Map([...offered].map(([word, { right, times }]) => [word, right / times]));
}

/** Always the usual answer, learnt from one half of the items and tried on the other. */
function usualAnswer(items: readonly StoryTaskItem[]): number {
  const halves = [0, 1].map((parity) => items.filter((_, i) => i % 2 === parity));
  const [a = [], b = []] = halves;
  const tried = [
    [a, b],
    [b, a],
  ].map(([learnt = [], rest = []]) => {
    const rates = rightRates(learnt);
    return accuracy(rest, (_, choice) => rates.get(choice) ?? 0);
  });
  return tried.reduce((sum, share) => sum + share, 0) / tried.length;
}

/** Accuracy of guessing and of every shortcut, by name. */
export function shortcutAccuracies(items: readonly StoryTaskItem[]): Record<string, number> {
  return {
    chance: items.reduce((sum, { choices }) => sum + 1 / choices.length, 0) / items.length,
    ...Object.fromEntries(Object.entries(SHORTCUTS).map(([name, score]) => [name, accuracy(items, score)])),
    'usual answer': usualAnswer(items),
  };
}
