import type { Random } from '../../src/common/random.js';
import type { Person } from './grammar-words.js';

/** What the stories practise. The order matters to the generator: another order, other stories. */
export const SKILLS = ['recall-object', 'recall-place', 'counting', 'arithmetic', 'ordering', 'agreement'] as const;
export type Skill = (typeof SKILLS)[number];

/** Families of test items; counting and arithmetic are several. */
export const FAMILIES = [
  'recall-object',
  'recall-place',
  'ordering',
  'agreement',
  'counting-things',
  'counting-kinds',
  'counting-sounds',
  'counting-arrivals',
  'sums-in-stories',
  'sums-of-two',
  'sums-by-heart',
] as const;
export type Family = (typeof FAMILIES)[number];

/**
 * The families the example is judged by. The others are practised in the stories too, but a parent this small, trained on
 * this few tokens, does not get beyond guessing at them: they could tell nothing about a child.
 */
export const TASK_FAMILIES: readonly Family[] = FAMILIES.filter((family) => !/^(recall|ordering)/.test(family));

/** A word of the story that can be known from what stands before it. */
export interface Probe {
  family: Family;
  /** Where the context ends, in UTF-16 units: just before the space and the answer. */
  offset: number;
  answer: string;
  /** All the words to choose from, the answer among them. */
  choices: readonly string[];
}

/** What is told so that it can be asked: `ask` adds one more question with its answer. */
export type Scene = (draft: Draft, cast: readonly Person[]) => { ask: () => void };

/** A question as text before the answer, the answer, and the rest of the sentence. */
export interface Question {
  before: string;
  answer: string;
  after: string;
  choices: readonly string[];
}

function asking({ before }: Pick<Question, 'before'>): string {
  const end = before.indexOf('?');
  return end < 0 ? before : before.slice(0, end);
}

/** A story while it is being told. */
export class Draft {
  text = '';
  words = 0;
  readonly probes: Probe[] = [];
  private readonly asked = new Set<string>();

  constructor(readonly random: Random) {}

  say(sentence: string): void {
    this.text += this.text === '' ? sentence : ` ${sentence}`;
    this.words += sentence.split(' ').length;
  }

  /** Whether this very question was already asked, however its answer is begun. */
  isAsked(question: Question): boolean {
    return this.asked.has(asking(question));
  }

  /** Says a question and its answer. A probe's choices must all be open still. */
  ask(family: Family, { before, answer, after, choices }: Question, isProbe = true): void {
    this.asked.add(asking({ before }));
    this.say(before);
    if (isProbe) this.probes.push({ family, offset: this.text.length, answer, choices });
    this.text += ` ${answer}${after}`;
    this.words += `${answer}${after}`.split(' ').length;
  }

  /** True with probability `share`. */
  chance(share: number): boolean {
    return this.random.next() < share;
  }

  pick<T>(items: readonly T[]): T {
    return this.random.pick(items);
  }

  /** `count` different items in random order. */
  sample<T>(items: readonly T[], count: number): T[] {
    return this.random.shuffle([...items]).slice(0, count);
  }

  /** Uniform integer from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + this.random.below(high - low + 1);
  }
}

/** How often a question is drawn anew when it was asked before. */
const ATTEMPTS = 5;

/**
 * Asks about facts already told, a fresh question each time if a few draws find one. Only the first is a probe: what was
 * answered leaves fewer answers to the next, which would reward elimination instead of memory.
 */
export function questionsOn(draft: Draft, family: Family, draw: () => Question): { ask: () => void } {
  let isFirst = true;
  return {
    ask: () => {
      let question = draw();
      for (let i = 1; i < ATTEMPTS && draft.isAsked(question); i++) question = draw();
      draft.ask(family, question, isFirst);
      isFirst = false;
    },
  };
}
