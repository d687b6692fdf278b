import type { Draft, Family, Question, Scene } from './grammar-draft.js';
import type { Person } from './grammar-words.js';
import { ANIMALS, COUNTABLES, LARGEST_NUMBER, THINGS, amount, listed, numberWord, plural } from './grammar-words.js';

const NUMBER_CHOICES = 4;

/** The numbers an answer could as well have been, both ends included. */
interface Range {
  low: number;
  high: number;
}

/**
 * A question for the number `value`. The wrong choices are drawn from all that `value` might have been: as it was drawn
 * uniformly from the same range, no choice looks more likely than another before the story is read.
 */
function numberQuestion(draft: Draft, before: string, value: number, after: string, range: Range): Question {
  let { low, high } = range;
  while (high - low + 1 < NUMBER_CHOICES) {
    if (high < LARGEST_NUMBER && (low === 1 || draft.chance(0.5))) high++;
    else low--;
  }
  const others = Array.from({ length: high - low + 1 }, (_, i) => low + i).filter((other) => other !== value);
  const choices = [value, ...draft.sample(others, NUMBER_CHOICES - 1)].map(numberWord);
  return { before, answer: numberWord(value), after, choices };
}

// ---------------------------------------------------------------- counting

const SOUNDS = [
  { source: 'dog', verb: 'barked', sound: 'woof' },
  { source: 'bell', verb: 'rang', sound: 'ding' },
  { source: 'cow', verb: 'called', sound: 'moo' },
  { source: 'duck', verb: 'called', sound: 'quack' },
  { source: 'cat', verb: 'called', sound: 'meow' },
  { source: 'drum', verb: 'went', sound: 'boom' },
] as const;

const LIST_LENGTHS: Range = { low: 2, high: 7 };
const KIND_COUNTS: Range = { low: 1, high: 5 };
const ARRIVALS: Range = { low: 2, high: 6 };

function countSounds(draft: Draft): Question {
  const count = draft.between(LIST_LENGTHS.low, LIST_LENGTHS.high);
  const { source, verb, sound } = draft.pick(SOUNDS);
  draft.say(`The ${source} ${verb}: ${Array.from({ length: count }, () => sound).join(', ')}!`);
  const before = draft.pick([`The ${source} ${verb}`, `How many times was that? The ${source} ${verb}`]);
  return numberQuestion(draft, before, count, ' times.', LIST_LENGTHS);
}

function countThings(draft: Draft, cast: readonly Person[]): Question {
  const count = draft.between(LIST_LENGTHS.low, LIST_LENGTHS.high);
  const { name } = draft.pick(cast);
  const where = draft.pick(['on the table', 'on the bed', 'on the floor']);
  draft.say(`${name} put ${listed(draft.sample(THINGS, count).map((thing) => `a ${thing}`))} ${where}.`);
  const before = draft.pick([`How many things did ${name} put ${where}? ${name} put`, `So ${name} put`]);
  return numberQuestion(draft, before, count, ` things ${where}.`, LIST_LENGTHS);
}

/** Only one of two kinds is asked for. */
function countOneKind(draft: Draft, cast: readonly Person[]): Question {
  const { name } = draft.pick(cast);
  const [kind, other] = draft.sample(ANIMALS, 2);
  const count = draft.between(KIND_COUNTS.low, KIND_COUNTS.high);
  const others = draft.between(1, 3);
  const seen = draft.random.shuffle([
    ...Array.from({ length: count }, () => kind ?? ''),
    ...Array.from({ length: others }, () => other ?? ''),
  ]);
  draft.say(`${name} saw ${listed(seen.map((animal) => `a ${animal}`))}.`);
  const before = `How many ${kind ?? ''}s did ${name} see? ${name} saw`;
  return numberQuestion(draft, before, count, ` ${plural(kind ?? '', count)}.`, KIND_COUNTS);
}

const ARRIVING = ['came', 'walked up', 'ran up'] as const;

function countArrivals(draft: Draft): Question {
  const count = draft.between(ARRIVALS.low, ARRIVALS.high);
  const animal = draft.pick(ANIMALS);
  draft.say(`A ${animal} ${draft.pick(ARRIVING)}.`);
  for (let i = 1; i < count; i++) {
    draft.say(`${draft.pick(['Another', 'Then another', 'And another'])} ${animal} ${draft.pick(ARRIVING)}.`);
  }
  const before = draft.pick([`Now there were`, `How many ${animal}s were there? There were`]);
  return numberQuestion(draft, before, count, ` ${animal}s.`, ARRIVALS);
}

const COUNTING: readonly { family: Family; tell: (draft: Draft, cast: readonly Person[]) => Question }[] = [
  { family: 'counting-sounds', tell: countSounds },
  { family: 'counting-things', tell: countThings },
  { family: 'counting-things', tell: countThings },
  { family: 'counting-kinds', tell: countOneKind },
  { family: 'counting-kinds', tell: countOneKind },
  { family: 'counting-arrivals', tell: countArrivals },
];

export const counting: Scene = (draft, cast) => {
  if (draft.chance(0.5)) {
    draft.say(draft.pick(['They liked to count.', 'It was time to count.', 'They played a counting game.']));
  }
  return {
    ask: () => {
      const { family, tell } = draft.pick(COUNTING);
      draft.ask(family, tell(draft, cast));
    },
  };
};

// ---------------------------------------------------------------- arithmetic

/** Up to this most sums stay; the rest form the harder tail. */
const EASY_TOTAL = 10;
const HARD_SHARE = 0.25;

/** A new total and all that it might have become by such a change. */
interface Change {
  total: number;
  range: Range;
}

/** A gain or a loss that keeps the total from 1 to `limit`. */
function change(draft: Draft, total: number, limit: number): Change {
  const most = limit === EASY_TOTAL ? 5 : 8;
  const gains = { low: total + 1, high: Math.min(total + most, limit) };
  const losses = { low: Math.max(1, total - most), high: total - 1 };
  const range = total < 3 || (total < limit - 1 && draft.chance(0.5)) ? gains : losses;
  return { total: draft.between(range.low, range.high), range };
}

function tellGain(draft: Draft, owner: Person, giver: Person | undefined, noun: string, size: number): void {
  const more = `${numberWord(size)} more ${plural(noun, size)}`;
  const found = `Then ${owner.name} found ${more}.`;
  draft.say(
    giver === undefined
      ? found
      : draft.pick([
          found,
          `Then ${giver.name} gave ${owner.him} ${more}.`,
          `Then ${owner.he} got ${more} from ${giver.name}.`,
        ]),
  );
}

function tellLoss(draft: Draft, owner: Person, taker: Person, noun: string, size: number): void {
  const some = amount(size, noun);
  draft.say(
    draft.pick([
      `Then ${owner.he} gave ${some} to ${taker.name}.`,
      `Then ${owner.name} lost ${some}.`,
      `Then ${owner.name} gave away ${some}.`,
    ]),
  );
}

interface Sum {
  family: Family;
  tell: () => Question;
}

export const arithmetic: Scene = (draft, cast) => {
  const [owner, other] = draft.sample(cast, 2);
  if (owner === undefined || other === undefined) throw new RangeError('arithmetic needs two people');
  const noun = draft.pick(COUNTABLES);
  const limit = draft.chance(HARD_SHARE) ? 18 : EASY_TOTAL;
  let total = draft.between(2, limit - 2);
  let otherCounted = false;
  draft.say(
    draft.chance(0.7)
      ? `${owner.name} had ${amount(total, noun)}.`
      : `${owner.name} had a bag with ${amount(total, noun)}.`,
  );

  const step = (): Range => {
    const changed = change(draft, total, limit);
    const by = changed.total - total;
    // Once it is said how many the other one has, they can no longer be given away without a second sum.
    if (by > 0) tellGain(draft, owner, otherCounted ? undefined : other, noun, by);
    else tellLoss(draft, owner, other, noun, -by);
    total = changed.total;
    return changed.range;
  };
  const changing = (): Question => {
    const first = step();
    const range = draft.chance(0.2) ? step() : first;
    const before = draft.pick([
      `Now ${owner.name} had`,
      `How many ${noun}s did ${owner.name} have now? ${owner.name} had`,
    ]);
    return numberQuestion(draft, before, total, ` ${plural(noun, total)}.`, range);
  };
  const together = (): Question => {
    if (total > limit - 2) return changing();
    const others = { low: 1, high: Math.min(8, limit - total) };
    const added = draft.between(others.low, others.high);
    draft.say(`${other.name} had ${amount(added, noun)}.`);
    otherCounted = true;
    const before = `How many did they have together? Together ${owner.name} and ${other.name} had`;
    const range = { low: total + others.low, high: total + others.high };
    return numberQuestion(draft, before, total + added, ` ${noun}s.`, range);
  };
  const saying = (): Question => {
    const { name } = draft.pick(cast);
    const most = limit === EASY_TOTAL ? 6 : 9;
    const [a, b] = [draft.between(1, most), draft.between(1, most)];
    if (draft.chance(0.5)) {
      const before = `${name} knew that ${numberWord(a)} and ${numberWord(b)} make`;
      return numberQuestion(draft, before, a + b, '.', { low: a + 1, high: a + most });
    }
    const before = `${name} knew that ${numberWord(a + b)} take away ${numberWord(a)} is`;
    return numberQuestion(draft, before, b, '.', { low: 1, high: most });
  };
  const inStory: Sum = { family: 'sums-in-stories', tell: changing };
  const ofTwo: Sum = { family: 'sums-of-two', tell: together };
  const byHeart: Sum = { family: 'sums-by-heart', tell: saying };
  const kinds = [inStory, inStory, inStory, ofTwo, byHeart, byHeart] as const;
  let first = true;
  return {
    ask: () => {
      // The total just told is used at once; later questions may leave it.
      const { family, tell } = first ? draft.pick([inStory, inStory, ofTwo]) : draft.pick(kinds);
      draft.ask(family, tell());
      first = false;
    },
  };
};
