import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { InputError } from '../../src/common/errors.js';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { loadTokenizer, type Tokenizer } from '../../src/formats/tokenizer.js';
import { generate } from '../../src/model/generate.js';
import { documentNll } from '../../src/model/likelihood.js';
import { type Model, openModel } from '../../src/search/context.js';
import { EXAMPLE_VOCABULARY, temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { referenceForward, referenceNll } from '../support/reference.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

const POSITIONS = 12;
const CONFIG = tinyConfig({ vocabSize: EXAMPLE_VOCABULARY, maxPositionEmbeddings: POSITIONS });
const WEIGHTS = randomWeights(CONFIG);

type Test = Parameters<typeof temporaryFolder>[0];

async function tinyModel(test: Test, config: ModelConfig = CONFIG, weights = WEIGHTS): Promise<Model> {
  const dir = await temporaryFolder(test);
  await writeModelFolder(dir, config, weights);
  return openModel(dir);
}

function nllOf(ids: readonly number[]): number[] {
  return referenceNll(referenceForward(CONFIG, WEIGHTS, ids).logits, ids);
}

function total(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0);
}

describe('the likelihood of a document', () => {
  it('is that of the reference over all tokens but the first', async (test) => {
    const ids = randomIds(CONFIG, POSITIONS + 1);
    const { tokens, nllSum, perplexity } = await documentNll(await tinyModel(test), ids, { threads: 1 });
    assert.equal(tokens, ids.length);
    assert.ok(Math.abs(nllSum - total(nllOf(ids))) < 1e-4);
    assert.ok(Math.abs(perplexity - Math.exp(nllSum / POSITIONS)) < 1e-9);
  });

  it('beyond the positions of the model comes from windows that overlap by half', async (test) => {
    const ids = randomIds(CONFIG, 30);
    const { nllSum } = await documentNll(await tinyModel(test), ids, { threads: 1 });
    // Inputs 0-11 predict 1-12; 6-17 then 13-18; 12-23 then 19-24; the last window ends with the document: 17-28, 25-29.
    const windows = [
      { start: 0, counted: 12 },
      { start: 6, counted: 6 },
      { start: 12, counted: 6 },
      { start: 17, counted: 5 },
    ];
    const expected = windows.flatMap(({ start, counted }) =>
      nllOf(ids.slice(start, start + POSITIONS + 1)).slice(-counted),
    );
    assert.equal(expected.length, ids.length - 1);
    assert.ok(Math.abs(nllSum - total(expected)) < 1e-3, `${nllSum}, expected ${total(expected)}`);
  });

  it('of a single token is refused: there is nothing to predict', async (test) => {
    const model = await tinyModel(test);
    await assert.rejects(documentNll(model, [3], { threads: 1 }), InputError);
  });

  it('names a token that is not in the vocabulary, be it read or only predicted', async (test) => {
    const model = await tinyModel(test);
    const message = /token 1024 is not in the vocabulary of 1024/;
    await assert.rejects(documentNll(model, [1, 1024, 2], { threads: 1 }), message);
    await assert.rejects(documentNll(model, [1, 2, 1024], { threads: 1 }), message);
  });

  it('says so when weights are damaged, and gives no number', async (test) => {
    const damaged = new Map(WEIGHTS).set('model.norm.weight', new Float32Array(CONFIG.hiddenSize).fill(NaN));
    const model = await tinyModel(test, CONFIG, damaged);
    await assert.rejects(documentNll(model, [1, 2, 3], { threads: 1 }), /only NaN or infinity/);
  });
});

/** The same tokenizer with other tokens that end a text. */
function withEnds(tokenizer: Tokenizer, eosIds: readonly number[]): Tokenizer {
  return {
    encode: (text, options) => tokenizer.encode(text, options),
    decode: (ids) => tokenizer.decode(ids),
    bosId: tokenizer.bosId,
    eosIds,
    vocabSize: tokenizer.vocabSize,
  };
}

describe('generation', () => {
  it('stops in front of a token that ends a text', async (test) => {
    const model = await tinyModel(test);
    const tokenizer = await loadTokenizer(model.dir);
    const free = await generate(model, withEnds(tokenizer, []), 'Once', 6);
    const [end = -1] = free.ids.slice(2);
    const first = free.ids.indexOf(end);
    const ended = await generate(model, withEnds(tokenizer, [end]), 'Once', 6);
    assert.deepEqual(ended, { text: ended.text, ids: free.ids.slice(0, first), stopped: 'end-of-text' });
    assert.equal(free.ids.length, 6);
    assert.equal(free.stopped, 'length');
  });

  it('of nothing gives the prompt back', async (test) => {
    const model = await tinyModel(test);
    const { text, ids } = await generate(model, await loadTokenizer(model.dir), 'Once', 0);
    assert.deepEqual({ text, ids }, { text: 'Once', ids: [] });
  });

  it('beyond the positions of the model is refused with the numbers', async (test) => {
    const model = await tinyModel(test);
    const tokenizer = await loadTokenizer(model.dir);
    const prompt = tokenizer.encode('Once', { bos: true }).length;
    await assert.rejects(
      generate(model, tokenizer, 'Once', POSITIONS),
      new RegExp(`a prompt of ${prompt} tokens and ${POSITIONS} more exceed the model's ${POSITIONS} positions`),
    );
  });
});
