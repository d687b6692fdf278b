import { Random } from '../../src/common/random.js';
import type { Family } from './grammar-draft.js';
import { HELD_OUT_PREFIX, heldOutStories } from './grammar.js';

/** One line of a task file: which of `choices` continues `context`? */
export interface StoryTaskItem {
  context: string;
  choices: string[];
  answer: number;
}

/** Context lengths in tokens, `<s>` not counted. */
const SHORTEST_CONTEXT = 36;
const LONGEST_CONTEXT = 98;

/**
 * The first `count` items of `family` from the held-out stories of `seed`, one per story and no context twice. The right choice
 * stands at a uniformly random place. `countTokens` measures the context.
 */
export function makeTask(
  family: Family,
  count: number,
  seed: number,
  countTokens: (text: string) => number,
): StoryTaskItem[] {
  const random = Random.of(seed, 'task', family);
  const items: StoryTaskItem[] = [];
  const contexts = new Set<string>();
  for (const { text, probes } of heldOutStories(seed, family)) {
    const fitting = probes.filter((probe) => {
      // A context shorter than the held-out prefix could begin a training story too.
      if (probe.family !== family || probe.offset < HELD_OUT_PREFIX) return false;
      const tokens = countTokens(text.slice(0, probe.offset));
      return tokens >= SHORTEST_CONTEXT && tokens <= LONGEST_CONTEXT;
    });
    if (fitting.length === 0) continue;
    const probe = random.pick(fitting);
    const context = text.slice(0, probe.offset);
    if (contexts.has(context)) continue;
    contexts.add(context);
    const choices = random.shuffle([...probe.choices]).map((choice) => ` ${choice}`);
    items.push({ context, choices, answer: choices.indexOf(` ${probe.answer}`) });
    if (items.length === count) return items;
  }
  return items;
}
