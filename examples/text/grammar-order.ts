import { questionsOn } from './grammar-draft.js';
import type { Draft, Question, Scene } from './grammar-draft.js';
import { listed } from './grammar-words.js';

interface Scale {
  /** "A `more` B" and "B `less` A" say the same. */
  more: string;
  less: string;
  /** What is said of each place, from the top. */
  places: Record<3 | 4, readonly string[]>;
}

const adjective = (more: string, most: string, less: string, least: string): Scale => ({
  more: `was ${more} than`,
  less: `was ${less} than`,
  places: {
    3: [`was the ${most}`, 'was in the middle', `was the ${least}`],
    4: [`was the ${most}`, `was the second ${most}`, `was the second ${least}`, `was the ${least}`],
  },
});

const ARRIVAL: Scale = {
  more: 'came home before',
  less: 'came home after',
  places: {
    3: ['came first', 'came second', 'came last'],
    4: ['came first', 'came second', 'came third', 'came last'],
  },
};

const SCALES: readonly Scale[] = [
  adjective('taller', 'tallest', 'shorter', 'shortest'),
  adjective('older', 'oldest', 'younger', 'youngest'),
  adjective('faster', 'fastest', 'slower', 'slowest'),
  ARRIVAL,
];

/** "Who was the tallest?", the place being drawn uniformly. */
function placeQuestion(draft: Draft, names: readonly string[], places: readonly string[]): Question {
  const place = draft.random.below(names.length);
  const name = names[place] ?? '';
  const said = places[place] ?? '';
  return draft.chance(0.5)
    ? { before: `Who ${said}?`, answer: name, after: ` ${said}.`, choices: names }
    : { before: `Who ${said}? It was`, answer: name, after: '.', choices: names };
}

/** Neighbours on a scale are compared; who is at the ends, or in the middle? */
function compare(draft: Draft, names: readonly string[]): () => Question {
  const { more, less, places } = draft.pick(SCALES);
  const pairs = names.slice(1).map((name, i) => [names[i] ?? '', name] as const);
  // With all pairs told, everyone is named equally often; without, the order has to be put together.
  const allPairs = names.length === 3 && draft.chance(0.35);
  const told = draft.chance(0.5) ? draft.random.shuffle([...pairs]) : pairs;
  if (allPairs) told.push([names[0] ?? '', names[2] ?? '']);
  const mixed = draft.chance(0.35);
  const turned = draft.chance(0.5);
  for (const [high, low] of told) {
    const turn = mixed ? draft.chance(0.5) : turned;
    draft.say(turn ? `${low} ${less} ${high}.` : `${high} ${more} ${low}.`);
  }
  return () => placeQuestion(draft, names, places[names.length === 3 ? 3 : 4]);
}

/** The order is told outright, but not in order. */
function lineUp(draft: Draft, names: readonly string[]): () => Question {
  const places = ARRIVAL.places[names.length === 3 ? 3 : 4];
  draft.say(`${listed(draft.random.shuffle(names.map((name, i) => `${name} ${places[i] ?? ''}`)))}.`);
  return () => placeQuestion(draft, names, places);
}

export const ordering: Scene = (draft, cast) => {
  const names = draft.sample(cast, draft.chance(0.75) ? 3 : 4).map((person) => person.name);
  const draw = (draft.chance(0.8) ? compare : lineUp)(draft, names);
  return questionsOn(draft, 'ordering', draw);
};
