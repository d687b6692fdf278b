import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { readTask, type TaskItem } from '../../src/formats/tasks.js';
import { loadTokenizer, type Tokenizer } from '../../src/formats/tokenizer.js';
import { planRows } from '../../src/model/choice-rows.js';
import { choiceLogProbs, scoreTask, scoreTasks } from '../../src/model/score-choices.js';
import { type Model, openModel } from '../../src/search/context.js';
import { EXAMPLE_VOCABULARY, temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { referenceForward, referenceNll } from '../support/reference.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

const CONFIG = tinyConfig({ vocabSize: EXAMPLE_VOCABULARY });
const WEIGHTS = randomWeights(CONFIG);

async function subject(
  test: Parameters<typeof temporaryFolder>[0],
  config: ModelConfig = CONFIG,
): Promise<{ model: Model; tokenizer: Tokenizer }> {
  const dir = await temporaryFolder(test);
  await writeModelFolder(dir, config, WEIGHTS);
  return { model: await openModel(dir), tokenizer: await loadTokenizer(dir) };
}

/** log p of the tokens from index `first` on, by the reference, one sequence at a time and nothing shared. */
function logProb(ids: readonly number[], first: number): number {
  const nll = referenceNll(referenceForward(CONFIG, WEIGHTS, ids).logits, ids);
  return -nll.slice(first - 1).reduce((a, b) => a + b, 0);
}

function sharedPrefix(a: readonly number[], b: readonly number[]): number {
  const differs = a.findIndex((id, i) => id !== b[i]);
  return differs < 0 ? a.length : differs;
}

function expected(tokenizer: Tokenizer, { context, choices }: TaskItem): number[] {
  const contextIds = tokenizer.encode(context, { bos: true });
  return choices.map((choice) => {
    const ids = tokenizer.encode(context + choice, { bos: true });
    return logProb(ids, sharedPrefix(contextIds, ids));
  });
}

function assertClose(actual: readonly number[][], wanted: readonly number[][]): void {
  assert.deepEqual(
    actual.map((item) => item.length),
    wanted.map((item) => item.length),
  );
  const errors = actual.flatMap((item, i) => item.map((value, c) => Math.abs(value - (wanted[i]?.[c] ?? NaN))));
  assert.ok(Math.max(...errors) < 1e-3, `differs by up to ${Math.max(...errors)}`);
}

const ITEMS: TaskItem[] = [
  { context: 'Tim had a', choices: [' cat', ' dog', ' bird'], answer: 0 },
  { context: 'Tim had a', choices: [' cat', ' cat and a dog', ' cat and a bird, too.'], answer: 1 },
  { context: '', choices: ['The cats run.', 'The cats runs.'], answer: 0 },
  { context: 'They looked at the ca', choices: ['t and ran', 'ke'], answer: 1 },
  { context: 'One day', choices: [', Lily and Tom went to the market to buy a red hat.', '.'], answer: 0 },
];

describe('the log-probabilities of choices', () => {
  it('are those of each choice run alone, whatever is shared, padded and batched', async (test) => {
    const { model, tokenizer } = await subject(test);
    const actual = await choiceLogProbs(model, tokenizer, ITEMS, { threads: 1 });
    assertClose(
      actual,
      ITEMS.map((item) => expected(tokenizer, item)),
    );
  });

  it('do not depend on how many rows of one length there are', async (test) => {
    const { model, tokenizer } = await subject(test);
    const [item] = ITEMS;
    assert.ok(item);
    // 67 rows: three batches, the last with rows to spare.
    const [first, ...others] = await choiceLogProbs(model, tokenizer, Array<TaskItem>(67).fill(item), { threads: 1 });
    assertClose([first ?? []], [expected(tokenizer, item)]);
    assertClose(others, Array<number[]>(66).fill(first ?? []));
  });

  it('of an item longer than the model reads come from its end', async (test) => {
    const positions = 10;
    const { model, tokenizer } = await subject(test, { ...CONFIG, maxPositionEmbeddings: positions });
    const context = 'Once upon a time, Mia, Lucy, Ruby, and Rose were friends. Ruby was taller than';
    const item = { context, choices: [' Mia', ' Rose and Lucy'], answer: 0 };
    const actual = await choiceLogProbs(model, tokenizer, [item], { threads: 1 });
    const wanted = item.choices.map((choice) => {
      const ids = tokenizer.encode(context + choice, { bos: true });
      const own = ids.length - tokenizer.encode(context, { bos: true }).length;
      const kept = ids.slice(-(positions + 1));
      return logProb(kept, kept.length - own);
    });
    assertClose(actual, [wanted]);
  });

  it('of a choice longer than the model reads are refused by name', async (test) => {
    const { model, tokenizer } = await subject(test, { ...CONFIG, maxPositionEmbeddings: 4 });
    const item = { context: 'Tim', choices: [' had a cat and a dog', ' ran'], answer: 0 };
    await assert.rejects(
      choiceLogProbs(model, tokenizer, [item], { threads: 1 }),
      /" had a cat and a dog" cannot be scored/,
    );
  });
});

describe('rows', () => {
  it('are one per item where choices differ only in their last token, as nearly all of the example do', async (test) => {
    const { model, tokenizer } = await subject(test);
    for (const name of ['counting-things', 'sums-of-two', 'agreement']) {
      const { items } = await readTask(new URL(`../../examples/stories/tasks/${name}.jsonl`, import.meta.url).pathname);
      const rows = items.slice(0, 50).flatMap((item) => planRows(tokenizer, item, 0, model));
      assert.ok(rows.length < 1.1 * 50, `${name}: ${rows.length} rows for 50 items`);
    }
  });

  it('serve every choice whose beginning they are', async (test) => {
    const { model, tokenizer } = await subject(test);
    const item = { context: 'Tim had a', choices: [' cat', ' cat and', ' cat and a', ' dog ran'], answer: 0 };
    const rows = planRows(tokenizer, item, 10, model);
    assert.deepEqual(
      rows.map(({ queries }) => [...new Set(queries.map(({ choice }) => choice))].sort((a, b) => a - b)),
      [[10, 11, 12], [13]],
    );
  });
});

describe('a task', () => {
  it('is judged by the likeliest choice, and by the likeliest per byte of its text', async (test) => {
    const { model, tokenizer } = await subject(test);
    const sums = await choiceLogProbs(model, tokenizer, ITEMS, { threads: 1 });
    const right = (scores: number[], answer: number) => (scores[answer] === Math.max(...scores) ? 1 : 0);
    const wanted = {
      sum: ITEMS.map(({ answer }, i) => right(sums[i] ?? [], answer)),
      normalised: ITEMS.map(({ answer, choices }, i) => {
        return right(
          (sums[i] ?? []).map((sum, c) => sum / Buffer.byteLength(choices[c] ?? '')),
          answer,
        );
      }),
    };
    const scores = await scoreTask(model, tokenizer, { name: 'mixed', items: ITEMS }, { threads: 1 });
    assert.deepEqual(scores.correct, wanted);
    assert.notDeepEqual(wanted.sum, wanted.normalised, 'the items must tell the two ways apart');
    assert.equal(scores.chance, (1 / 3 + 1 / 3 + 1 / 2 + 1 / 2 + 1 / 2) / 5);
    assert.equal(scores.accuracy.sum, wanted.sum.reduce<number>((a, b) => a + b, 0) / 5);
  });

  it('gets the same answers alone and among others, and progress up to the whole', async (test) => {
    const { model, tokenizer } = await subject(test);
    const tasks = [
      { name: 'first', items: ITEMS.slice(0, 2) },
      { name: 'second', items: ITEMS.slice(2) },
    ];
    const shares: number[] = [];
    const beforeBatch = (done: number) => void shares.push(done);
    const together = await scoreTasks(model, tokenizer, tasks, { threads: 1, beforeBatch });
    for (const [i, task] of tasks.entries()) {
      assert.deepEqual(together[i], await scoreTask(model, tokenizer, task, { threads: 1 }));
    }
    assert.equal(shares[0], 0);
    assert.ok(shares.every((share, i) => share < 1 && share >= (shares[i - 1] ?? 0)));
  });
});
