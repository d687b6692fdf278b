import type { Draft, Question, Scene } from './grammar-draft.js';
import { ANIMALS, BE } from './grammar-words.js';

const SUBJECTS = [...ANIMALS, 'boy', 'girl', 'farmer', 'teacher'] as const;
const BEINGS = ['boy', 'girl', 'farmer', 'dog', 'cow', 'horse'] as const;
const LANDMARKS = ['tree', 'house', 'gate', 'wall', 'cart', ...BEINGS] as const;
const NEAR = ['near', 'behind', 'beside'] as const;
const PREDICATES = [
  'happy',
  'sad',
  'tired',
  'quiet',
  'hungry',
  'busy',
  'wet',
  'cold',
  'warm',
  'loud',
  'asleep',
] as const;

const CHOICES = [BE.past.one, BE.past.many, BE.present.one, BE.present.many] as const;

const TIMES = {
  past: ['Yesterday,', 'Last week,', 'Yesterday, {name} thought that', 'Last week, {name} said that'],
  present: ['Today,', 'Right now,', 'Today, {name} says that', 'Right now, {name} thinks that'],
} as const;

const VERBS = {
  past: { one: ['saw', 'liked'], many: ['saw', 'liked'] },
  present: { one: ['sees', 'likes'], many: ['see', 'like'] },
} as const;

type Time = keyof typeof BE;
type Count = 'one' | 'many';

const inflect = (noun: string, number: Count): string => (number === 'many' ? `${noun}s` : noun);

/** What stands between subject and verb: another noun or two, in the singular or the plural. */
function between(draft: Draft, time: Time, subject: string): string {
  const nounPhrase = (nouns: readonly string[], number = draft.pick<Count>(['one', 'many'])): string =>
    `the ${inflect(draft.pick(nouns.filter((noun) => noun !== subject)), number)}`;
  const somewhere = (): string =>
    draft.chance(0.25) ? `with ${nounPhrase(BEINGS)}` : `${draft.pick(NEAR)} ${nounPhrase(LANDMARKS)}`;
  const form = draft.random.next();
  if (form < 0.55) return somewhere();
  if (form < 0.8) return `${somewhere()} ${draft.pick(NEAR)} ${nounPhrase(['river', 'lake', 'barn', 'school'])}`;
  const number = draft.pick<Count>(['one', 'many']);
  return `that ${nounPhrase(BEINGS, number)} ${draft.pick(VERBS[time][number])}`;
}

export const agreement: Scene = (draft, cast) => {
  const { name } = draft.pick(cast);
  draft.say(
    draft.pick([`${name} liked to talk about the farm.`, `${name} told a story.`, `${name} looked around the farm.`]),
  );
  const draw = (): Question => {
    const time = draft.pick<Time>(['past', 'present']);
    const number = draft.pick<Count>(['one', 'many']);
    const subject = draft.pick(SUBJECTS);
    const when = draft.pick(TIMES[time]).replace('{name}', draft.pick(cast).name);
    const middle = between(draft, time, subject);
    return {
      before: `${when} the ${inflect(subject, number)} ${middle}`,
      answer: BE[time][number],
      after: ` ${draft.pick(PREDICATES)}.`,
      choices: CHOICES,
    };
  };
  return {
    ask: () => {
      draft.ask('agreement', draw());
    },
  };
};
