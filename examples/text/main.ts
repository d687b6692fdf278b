import { mkdir, rename, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { loadTokenizer } from '../../src/formats/tokenizer.js';
import { countWords, learnMerges, tokenizerConfig, tokenizerJson } from './bpe.js';
import { TASK_FAMILIES } from './grammar-draft.js';
import { HELD_OUT_PREFIX, stories } from './grammar.js';
import { ANSWER_WORDS } from './grammar-words.js';
import { shortcutAccuracies } from './shortcuts.js';
import { makeTask } from './tasks.js';

/**
 * Writes what the example is made from: the tokenizer, the tasks, and `text.txt`.
 *
 *     node --import tsx examples/text/main.ts [--stories 15000] [--seed 1] [--out examples/stories] [--text-only]
 */
const VOCABULARY_SIZE = 1024;
const CONTEXT_LENGTH = 512;
const ITEMS_PER_TASK = 500;
/** The tokenizer is learnt from so many stories, of its own seed, so that it depends on neither option. */
const TOKENIZER_STORIES = 5000;
const TOKENIZER_SEED = 0;
/** Answers count as at least so frequent, so that each becomes one token. */
const ANSWER_COUNT = 300;
const TASK_SEED = 20;

function take<T>(items: Iterable<T>, count: number): T[] {
  const taken: T[] = [];
  if (count === 0) return taken;
  for (const item of items) {
    taken.push(item);
    if (taken.length === count) break;
  }
  return taken;
}

const json = (value: unknown): string => `${JSON.stringify(value, null, 2)}\n`;
const percent = (share: number): string => `${(100 * share).toFixed(1)}%`;

const { values } = parseArgs({
  options: {
    stories: { type: 'string', default: '15000' },
    seed: { type: 'string', default: '1' },
    out: { type: 'string', default: 'examples/stories' },
    'text-only': { type: 'boolean', default: false },
  },
});
const out = values.out;
await mkdir(join(out, 'model'), { recursive: true });
await mkdir(join(out, 'tasks'), { recursive: true });

const documents = take(stories(Number(values.seed)), Number(values.stories));
const text = `${documents.join('\n\n')}\n`;
// Under its name only when it is whole: its presence is what the build looks at.
await writeFile(join(out, 'text.txt.tmp'), text);
await rename(join(out, 'text.txt.tmp'), join(out, 'text.txt'));
console.log(`${documents.length} stories, ${(text.length / 1e6).toFixed(1)} MB of text`);

if (!values['text-only']) {
  const counts = countWords(take(stories(TOKENIZER_SEED), TOKENIZER_STORIES));
  for (const word of ANSWER_WORDS) counts.set(` ${word}`, Math.max(counts.get(` ${word}`) ?? 0, ANSWER_COUNT));
  const model = join(out, 'model');
  await writeFile(join(model, 'tokenizer.json'), json(tokenizerJson(learnMerges(counts, VOCABULARY_SIZE))));
  await writeFile(join(model, 'tokenizer_config.json'), json(tokenizerConfig(CONTEXT_LENGTH)));
  const tokenizer = await loadTokenizer(model);
  const countTokens = (part: string): number => tokenizer.encode(part).length;

  const sample = documents.slice(0, 2000);
  const tokens = sample.reduce((sum, story) => sum + countTokens(story), 0);
  const words = sample.reduce((sum, story) => sum + story.split(' ').length, 0);
  const distinct = new Set(text.toLowerCase().match(/\p{L}+/gu));
  console.log(`${tokenizer.vocabSize} tokens in the vocabulary, ${distinct.size} distinct words`);
  console.log(
    `per story: ${(words / sample.length).toFixed(1)} words, ${(tokens / sample.length).toFixed(1)} tokens; ` +
      `${(sample.join('').length / tokens).toFixed(2)} bytes per token`,
  );

  const starts = new Set(documents.map((story) => story.slice(0, HELD_OUT_PREFIX)));
  for (const family of TASK_FAMILIES) {
    const items = makeTask(family, ITEMS_PER_TASK, TASK_SEED, countTokens);
    for (const { context, choices } of items) {
      if (starts.has(context.slice(0, HELD_OUT_PREFIX))) {
        throw new Error(`a ${family} context is in the training text: ${context}`);
      }
      const split = choices.filter((choice) => countTokens(choice) !== 1);
      if (split.length > 0) throw new Error(`${family}: not one token: ${split.join(',')}`);
    }
    await writeFile(join(out, 'tasks', `${family}.jsonl`), items.map((item) => `${JSON.stringify(item)}\n`).join(''));
    const lengths = items.map(({ context }) => countTokens(context));
    const mean = lengths.reduce((sum, length) => sum + length, 0) / items.length;
    console.log(
      `${family}: ${items.length} items, contexts of ${mean.toFixed(1)} tokens (at most ${Math.max(...lengths)})`,
    );
    const shortcuts = Object.entries(shortcutAccuracies(items));
    console.log(`    ${shortcuts.map(([name, share]) => `${name} ${percent(share)}`).join(', ')}`);
  }
}
