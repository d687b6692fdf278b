import { questionsOn } from './grammar-draft.js';
import type { Draft, Question, Scene } from './grammar-draft.js';
import { COLOURS, CONTAINERS, PLACES, THINGS, listed } from './grammar-words.js';

/** Two lists of equal length, read side by side: who and what, what and where. */
interface Fact {
  key: string;
  value: string;
}

function facts(keys: readonly string[], values: readonly string[]): Fact[] {
  return keys.map((key, i) => ({ key, value: values[i] ?? '' }));
}

const keysOf = (list: readonly Fact[]): string[] => list.map((fact) => fact.key);
const valuesOf = (list: readonly Fact[]): string[] => list.map((fact) => fact.value);

// ---------------------------------------------------------------- who has what

const GETTING = ['had', 'found', 'got', 'bought', 'took', 'came with', 'showed them'] as const;
const DETAILS = ['It was very pretty.', 'It was new.', 'It was old but good.', 'It was small.'] as const;

function who(name: string, thing: string, choices: string[], asking: string): Question {
  return { before: asking, answer: name, after: ` had the ${thing}.`, choices };
}

function what(draft: Draft, fact: Fact, choices: string[]): Question {
  const asking = draft.pick([`What did ${fact.key} have?`, `Do you know what ${fact.key} had?`]);
  return { before: `${asking} ${fact.key} had the`, answer: fact.value, after: '.', choices };
}

/** Everyone has a different thing. */
function eachHasOne(draft: Draft, names: readonly string[]): () => Question {
  if (draft.chance(0.3)) draft.say('Everyone wanted to show something.');
  const owned = facts(names, draft.sample(THINGS, names.length));
  const coloured = draft.chance(0.4);
  const described = owned.map(({ key, value }) => ({
    key,
    value: coloured ? `${draft.pick(COLOURS)} ${value}` : value,
  }));
  if (draft.chance(0.3)) {
    draft.say(`${listed(described.map(({ key, value }) => `${key} had a ${value}`))}.`);
  } else {
    for (const { key, value } of described) {
      draft.say(`${key} ${draft.pick(GETTING)} a ${value}.`);
      if (draft.chance(0.15)) draft.say(draft.pick(DETAILS));
    }
  }
  return () => {
    const fact = draft.pick(owned);
    return draft.chance(0.55)
      ? what(draft, fact, valuesOf(owned))
      : who(fact.key, fact.value, keysOf(owned), `Who had the ${fact.value}?`);
  };
}

/** Everyone has the same thing in another colour, which must be told apart. */
function eachHasAColour(draft: Draft, names: readonly string[]): () => Question {
  const thing = draft.pick(THINGS);
  const owned = facts(names, draft.sample(COLOURS, names.length));
  for (const { key, value } of owned) draft.say(`${key} had a ${value} ${thing}.`);
  return () => {
    const { key, value } = draft.pick(owned);
    if (draft.chance(0.5)) return who(key, `${value} ${thing}`, keysOf(owned), `Who had the ${value} ${thing}?`);
    const before = `Which ${thing} did ${key} have? ${key} had the`;
    return { before, answer: value, after: ` ${thing}.`, choices: valuesOf(owned) };
  };
}

/** One thing is given away, so "first" and "in the end" differ. */
function oneIsGiven(draft: Draft, names: readonly string[]): () => Question {
  const owned = facts(names, draft.sample(THINGS, names.length));
  for (const { key, value } of owned) draft.say(`${key} ${draft.pick(GETTING)} a ${value}.`);
  const [giver, taker] = draft.sample(owned, 2);
  if (giver === undefined || taker === undefined) throw new RangeError('a gift needs two people');
  draft.say(`Then ${giver.key} gave the ${giver.value} to ${taker.key}.`);
  return () => {
    const fact = draft.pick(owned);
    if (draft.chance(0.3)) {
      const before = `What did ${fact.key} have first? First, ${fact.key} had the`;
      return { before, answer: fact.value, after: '.', choices: valuesOf(owned) };
    }
    // The answer is drawn first, so that giver and taker are asked for no more often than the others.
    const first = fact === giver || draft.chance(0.3);
    const thing = fact === taker && !first && draft.chance(0.7) ? giver.value : fact.value;
    return who(fact.key, thing, keysOf(owned), `Who had the ${thing} ${first ? 'first' : 'in the end'}?`);
  };
}

const OBJECT_MODES = [
  { share: 0.55, tell: eachHasOne },
  { share: 0.2, tell: eachHasAColour },
  { share: 0.25, tell: oneIsGiven },
] as const;

export const recallObject: Scene = (draft, cast) => {
  const draw = pickMode(draft, OBJECT_MODES)(
    draft,
    draft.sample(cast, cast.length).map((person) => person.name),
  );
  return questionsOn(draft, 'recall-object', draw);
};

// ---------------------------------------------------------------- what is where

const GOING = ['went', 'walked', 'ran', 'rode'] as const;

/** Everyone goes to another place. */
function eachGoes(draft: Draft, names: readonly string[]): () => Question {
  if (draft.chance(0.3)) draft.say('Then it was time to go.');
  const gone = facts(names, draft.sample(PLACES, names.length));
  for (const { key, value } of gone) draft.say(`${key} ${draft.pick(GOING)} to the ${value}.`);
  return () => {
    const { key, value } = draft.pick(gone);
    if (draft.chance(0.25)) {
      return {
        before: `Who went to the ${value}?`,
        answer: key,
        after: ` went to the ${value}.`,
        choices: keysOf(gone),
      };
    }
    const asking = draft.pick([`Where did ${key} go?`, `Do you know where ${key} went?`]);
    return { before: `${asking} ${key} went to the`, answer: value, after: '.', choices: valuesOf(gone) };
  };
}

/** One person goes to several places, one after the other; or two do. */
function someoneMovesOn(draft: Draft, names: readonly string[]): () => Question {
  const [a, b] = draft.sample(names, 2);
  const stops = draft.sample(PLACES, 4);
  const trip = [
    { key: `${a ?? ''} go first? First, ${a ?? ''}`, value: stops[0] ?? '' },
    { key: `${b ?? ''} go first? First, ${b ?? ''}`, value: stops[1] ?? '' },
    { key: `${a ?? ''} go in the end? In the end, ${a ?? ''}`, value: stops[2] ?? '' },
    { key: `${b ?? ''} go in the end? In the end, ${b ?? ''}`, value: stops[3] ?? '' },
  ];
  draft.say(`First, ${a ?? ''} ${draft.pick(GOING)} to the ${stops[0] ?? ''}.`);
  draft.say(`First, ${b ?? ''} ${draft.pick(GOING)} to the ${stops[1] ?? ''}.`);
  draft.say(`Then ${a ?? ''} ${draft.pick(GOING)} to the ${stops[2] ?? ''}.`);
  draft.say(`Then ${b ?? ''} ${draft.pick(GOING)} to the ${stops[3] ?? ''}.`);
  return () => {
    const { key, value } = draft.pick(trip);
    return { before: `Where did ${key} went to the`, answer: value, after: '.', choices: stops };
  };
}

/** Things are put into different places; sometimes one of them is moved. */
function thingsArePut(draft: Draft, names: readonly string[]): () => Question {
  if (draft.chance(0.3)) draft.say('It was time to clean up.');
  const count = draft.chance(0.4) ? 4 : 3;
  const moved = draft.chance(0.35);
  const places = draft.sample(CONTAINERS, count);
  const put = facts(draft.sample(THINGS, moved ? count - 1 : count), places);
  const together = draft.chance(0.4) ? draft.pick(names) : undefined;
  if (together !== undefined) {
    draft.say(`${together} put ${listed(put.map(({ key, value }) => `a ${key} in the ${value}`))}.`);
  } else {
    for (const { key, value } of put) draft.say(`${draft.pick(names)} put a ${key} in the ${value}.`);
  }
  const end = places[count - 1] ?? '';
  const mover = draft.pick(put);
  if (moved) draft.say(`Then ${draft.pick(names)} took the ${mover.key} and put it in the ${end}.`);
  return () => {
    const place = draft.pick(places);
    const thing = put.find((fact) => fact.value === place)?.key ?? mover.key;
    const when = !moved
      ? ''
      : place === mover.value
        ? ' first'
        : place === end || draft.chance(0.5)
          ? ' in the end'
          : ' first';
    const before = `Where was the ${thing}${when}? The ${thing} was in the`;
    return { before, answer: place, after: '.', choices: places };
  };
}

const PLACE_MODES = [
  { share: 0.4, tell: eachGoes },
  { share: 0.15, tell: someoneMovesOn },
  { share: 0.45, tell: thingsArePut },
] as const;

export const recallPlace: Scene = (draft, cast) => {
  const draw = pickMode(draft, PLACE_MODES)(
    draft,
    draft.sample(cast, cast.length).map((person) => person.name),
  );
  return questionsOn(draft, 'recall-place', draw);
};

type Tell = (draft: Draft, names: readonly string[]) => () => Question;

function pickMode(draft: Draft, modes: readonly { share: number; tell: Tell }[]): Tell {
  let left = draft.random.next();
  for (const { share, tell } of modes) {
    left -= share;
    if (left < 0) return tell;
  }
  return modes[0]?.tell ?? eachGoes;
}
