import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { loadTokenizer } from '../../src/formats/tokenizer.js';
import { readTask } from '../../src/formats/tasks.js';
import { input, argMax } from '../../src/graph/primitives.js';
import { int64, Session } from '../../src/graph/session.js';
import { forward } from '../../src/model/forward.js';
import { generate } from '../../src/model/generate.js';
import { documentNll } from '../../src/model/likelihood.js';
import { scoreTask } from '../../src/model/score-choices.js';
import { checkpointWeights } from '../../src/model/weights.js';
import { type Model, openModel } from '../../src/search/context.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

interface Golden {
  text: string;
  tokens: number;
  nllSum: number;
  perplexity: number;
}

const DIR = join(sharedDir() ?? '', 'models', 'stories260K');

/** The likeliest token after `ids`, by the whole forward pass and no cache. */
async function likeliest({ config, checkpoint }: Model, ids: readonly number[]): Promise<number> {
  const batch = { config, batch: 1, sequence: ids.length };
  const { logits } = forward(batch, checkpointWeights(checkpoint), input('ids', [ids.length], 'int64'));
  const session = await Session.create({ next: argMax(logits) });
  const { next } = await session.run({ ids: int64(ids, [ids.length]) });
  await session.release();
  return Number(next?.data[ids.length - 1]);
}

describe('a published model, stories260K', { skip: skipWithoutShared() }, () => {
  it('gives the published likelihood of a sentence within 1e-3 nats', async () => {
    const golden = JSON.parse(await readFile(join(DIR, 'golden.json'), 'utf8')) as Golden;
    const ids = (await loadTokenizer(DIR)).encode(golden.text, { bos: true });
    const { tokens, nllSum, perplexity } = await documentNll(await openModel(DIR), ids, { threads: 1 });
    assert.equal(tokens, golden.tokens);
    assert.ok(Math.abs(nllSum - golden.nllSum) < 1e-3, `${nllSum}, published ${golden.nllSum}`);
    assert.ok(Math.abs(perplexity - golden.perplexity) < 1e-4, `${perplexity}, published ${golden.perplexity}`);
  });

  it('continues a story with the same tokens as the forward pass without a cache', async (test) => {
    const model = await openModel(DIR);
    const tokenizer = await loadTokenizer(DIR);
    const prompt = 'Once upon a time, there was a little girl';
    const { text, ids, stopped } = await generate(model, tokenizer, prompt, 100);
    test.diagnostic(text);
    assert.equal(ids.length, 100);
    assert.equal(stopped, 'length');
    assert.ok(text.startsWith(prompt), text);
    const all = [...tokenizer.encode(prompt, { bos: true }), ...ids];
    assert.equal(text, tokenizer.decode(all));
    for (let i = 0; i < 24; i++) {
      assert.equal(await likeliest(model, all.slice(0, all.length - ids.length + i)), ids[i], `token ${i}`);
    }
    // A story, not noise: words of the language, told as the training stories tell.
    const words = text.split(/\s+/);
    assert.ok(words.length > 50, `${words.length} words`);
    assert.match(text, /\b(named|girl|She|mom)\b.*\b(was|wanted|loved|said|saw)\b/s);
  });

  it('tells right from wrong grammar better than chance', async () => {
    const task = await readTask(join(sharedDir() ?? '', 'tasks', 'blimp-irregular-past-participle-verbs.jsonl'));
    const few = { ...task, items: task.items.slice(0, 100) };
    const { accuracy, chance } = await scoreTask(await openModel(DIR), await loadTokenizer(DIR), few, { threads: 1 });
    assert.equal(chance, 0.5);
    assert.ok(accuracy.sum > 0.75, `${accuracy.sum}`);
  });
});
