import { Random, hash32 } from '../../src/common/random.js';
import { agreement } from './grammar-agreement.js';
import { Draft, SKILLS } from './grammar-draft.js';
import type { Probe, Scene, Skill } from './grammar-draft.js';
import { arithmetic, counting } from './grammar-numbers.js';
import { ordering } from './grammar-order.js';
import { recallObject, recallPlace } from './grammar-recall.js';
import { PEOPLE, listed } from './grammar-words.js';

export interface Story {
  text: string;
  probes: readonly Probe[];
}

/** How each skill is told; `share` says how often, more for those that take longer to learn. */
const SCENES: Record<Skill, { share: number; tell: Scene; late: boolean }> = {
  'recall-object': { share: 3, tell: recallObject, late: true },
  'recall-place': { share: 3, tell: recallPlace, late: true },
  counting: { share: 3, tell: counting, late: false },
  arithmetic: { share: 4, tell: arithmetic, late: false },
  ordering: { share: 4, tell: ordering, late: true },
  agreement: { share: 2, tell: agreement, late: false },
};

const OPENINGS = [
  'One day, {cast} met under the old tree.',
  'Once there were some good friends: {cast}.',
  'Once upon a time, {cast} were friends.',
  'This is a story about {cast}.',
  'It was a sunny day. {cast} wanted to play.',
  'It was a rainy day. {cast} stayed at home.',
  'One morning, {cast} got up early.',
  'Long ago, {cast} lived in a small town.',
  'In the summer, {cast} played outside every day.',
] as const;

const FILLERS = [
  'The sun was warm.',
  'Everyone laughed.',
  'They sat down on the grass.',
  'It was a lot of fun.',
  'A soft wind blew.',
  'They drank some tea.',
  'Then they sang a song.',
  'They all had a great time.',
  'The sky was clear.',
  'After that they had a little rest.',
  'Some leaves fell to the ground.',
  'They looked at each other and smiled.',
  'Grandma made soup for lunch.',
  'Music played far away.',
  'They could smell fresh bread.',
  'Then the clouds went away.',
  'Nobody was afraid.',
] as const;

const CLOSINGS = [
  'Then they all went home.',
  'It was a very good day.',
  'They were all happy.',
  'That night they slept well.',
  'They said goodbye and smiled.',
  'Soon the moon was up.',
  'Tomorrow they will meet again.',
  'What a wonderful day it was!',
] as const;

/** Words after which no further scene, and no further question, is begun. */
const ENOUGH_FOR_SCENES = 62;
const ENOUGH_FOR_QUESTIONS = 105;
/** Share of facts first asked for only at the end, past another scene. */
const PUT_OFF = 0.25;

function pickSkills(draft: Draft, count: number): Skill[] {
  const left = [...SKILLS];
  return Array.from({ length: count }, () => {
    const total = left.reduce((sum, skill) => sum + SCENES[skill].share, 0);
    let at = draft.random.next() * total;
    const index = left.findIndex((skill) => (at -= SCENES[skill].share) < 0);
    return left.splice(Math.max(index, 0), 1)[0] ?? 'arithmetic';
  });
}

/** One story of 60 to 150 words: friends, two or three scenes with questions, sometimes a late question, an end. */
export function tellStory(random: Random): Story {
  const draft = new Draft(random);
  const cast = draft.sample(PEOPLE, draft.chance(0.6) ? 3 : 4);
  draft.say(draft.pick(OPENINGS).replace('{cast}', listed(cast.map((person) => person.name))));
  const later: (() => void)[] = [];
  for (const skill of pickSkills(draft, 4)) {
    if (draft.words > ENOUGH_FOR_SCENES) break;
    const { tell, late } = SCENES[skill];
    const { ask } = tell(draft, cast);
    if (draft.chance(0.3)) draft.say(draft.pick(FILLERS));
    const isPutOff = late && draft.chance(PUT_OFF);
    if (!isPutOff) {
      ask();
      if (draft.chance(0.7)) ask();
    }
    if (late) later.push(ask);
  }
  for (const ask of later) {
    if (draft.words < ENOUGH_FOR_QUESTIONS && draft.chance(0.8)) ask();
  }
  if (draft.chance(0.5)) draft.say(draft.pick(CLOSINGS));
  return { text: draft.text, probes: draft.probes };
}

/** Of a story's beginning, as much as decides whether it is held out, in UTF-16 units. */
export const HELD_OUT_PREFIX = 120;
const HELD_OUT_SHARE = 8;

/**
 * Whether a story is kept from training, by its own first words: so no seed can ever bring a test story into the training text.
 * A text shorter than the prefix is never held out.
 */
export function isHeldOut(text: string): boolean {
  return text.length >= HELD_OUT_PREFIX && hash32(text.slice(0, HELD_OUT_PREFIX)) % HELD_OUT_SHARE === 0;
}

function* tell(seed: number, stream: string, heldOut: boolean): Generator<Story> {
  for (let i = 0; ; i++) {
    const story = tellStory(Random.of(seed, stream, i));
    if (isHeldOut(story.text) === heldOut) yield story;
  }
}

/** Training stories without end. Same seed, same stories. */
export function* stories(seed: number): Generator<string> {
  for (const { text } of tell(seed, 'training', false)) yield text;
}

/** Held-out stories without end, another sequence for each `stream`; no training seed yields any of them. */
export function heldOutStories(seed: number, stream: string): Generator<Story> {
  return tell(seed, `held-out/${stream}`, true);
}
