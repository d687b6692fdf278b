import { describe, it, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { loadTokenizer } from '../../src/formats/tokenizer.js';
import { saying } from '../support/errors.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const special = (id: number, content: string) => ({ id, content, special: true, normalized: false });

/** Lower-case letters and the space, "ab" merged; `<s>` and `</s>` special. Its template adds `<s>`, as Llama's does. */
const LETTERS = {
  added_tokens: [special(0, '<s>'), special(1, '</s>')],
  post_processor: {
    type: 'TemplateProcessing',
    single: [{ SpecialToken: { id: '<s>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
    pair: [],
    special_tokens: { '<s>': { id: '<s>', ids: [0], tokens: ['<s>'] } },
  },
  decoder: { type: 'Fuse' },
  model: {
    type: 'BPE',
    vocab: Object.fromEntries(['<s>', '</s>', ' ', '.', 'a', 'b', 'c', 'ab'].map((token, id) => [token, id])),
    merges: ['a b'],
  },
};
const SETTINGS = { bos_token: '<s>', eos_token: '</s>' };

async function folder(t: TestContext, files: Record<string, unknown>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'puzzle-formats-'));
  t.after(() => rm(dir, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await writeFile(join(dir, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return dir;
}
const load = async (t: TestContext, files: Record<string, unknown>) => loadTokenizer(await folder(t, files));

describe('a tokenizer', () => {
  it('encodes without special tokens, and with the first token once when asked', async (t) => {
    const tokenizer = await load(t, { 'tokenizer.json': LETTERS, 'tokenizer_config.json': SETTINGS });
    assert.deepEqual(tokenizer.encode('abc a'), [7, 6, 2, 4]);
    assert.deepEqual(tokenizer.encode('abc', { bos: true }), [0, 7, 6]);
    assert.deepEqual(tokenizer.encode('<s>abc', { bos: true }), [0, 7, 6]);
    assert.deepEqual(tokenizer.encode('', { bos: true }), [0]);
    assert.deepEqual(tokenizer.encode(''), []);
    assert.equal(tokenizer.vocabSize, 8);
  });

  it('decodes without special tokens and without tidying spaces', async (t) => {
    const tokenizer = await load(t, { 'tokenizer.json': LETTERS, 'tokenizer_config.json': SETTINGS });
    assert.equal(tokenizer.decode([0, 7, 2, 3, 1]), 'ab .');
    assert.equal(tokenizer.decode([]), '');
    assert.equal(tokenizer.decode([0]), '');
  });

  it('names the text it has no tokens for', async (t) => {
    const json = { ...LETTERS, model: { ...LETTERS.model, unk_token: '<unk>' } };
    const tokenizer = await load(t, { 'tokenizer.json': json });
    assert.throws(() => tokenizer.encode('abz'), saying(/tokenizer\.json/, /cannot encode "abz"/));
  });

  const bos: { what: string; files: Record<string, unknown>; expected: number | null }[] = [
    { what: 'as text', files: { 'tokenizer_config.json': SETTINGS }, expected: 0 },
    { what: 'as an object', files: { 'tokenizer_config.json': { bos_token: { content: '</s>' } } }, expected: 1 },
    { what: 'switched off', files: { 'tokenizer_config.json': { ...SETTINGS, add_bos_token: false } }, expected: null },
    {
      what: 'as null, whatever the model says',
      files: { 'tokenizer_config.json': { bos_token: null }, 'config.json': { bos_token_id: 0 } },
      expected: null,
    },
    { what: 'by the model alone', files: { 'config.json': { bos_token_id: 1 } }, expected: 1 },
    {
      what: 'by the generation config before the model',
      files: { 'generation_config.json': { bos_token_id: 0 }, 'config.json': { bos_token_id: 1 } },
      expected: 0,
    },
    { what: 'nowhere', files: {}, expected: null },
  ];
  for (const { what, files, expected } of bos) {
    it(`takes the first token given ${what}`, async (t) => {
      const tokenizer = await load(t, { 'tokenizer.json': LETTERS, ...files });
      assert.equal(tokenizer.bosId, expected);
      assert.deepEqual(tokenizer.encode('c', { bos: true }), expected === null ? [6] : [expected, 6]);
    });
  }

  it('ends a text at any end token that any of the files names', async (t) => {
    const tokenizer = await load(t, {
      'tokenizer.json': LETTERS,
      'tokenizer_config.json': SETTINGS,
      'generation_config.json': { eos_token_id: [3, 1] },
      'config.json': { eos_token_id: 2 },
    });
    assert.deepEqual(tokenizer.eosIds, [3, 1, 2]);
    assert.deepEqual((await load(t, { 'tokenizer.json': LETTERS })).eosIds, []);
  });

  it('counts added tokens beyond the vocabulary', async (t) => {
    const json = { ...LETTERS, added_tokens: [special(0, '<s>'), special(11, '<pad>')] };
    assert.equal((await load(t, { 'tokenizer.json': json })).vocabSize, 12);
  });

  it('reads Unigram vocabularies, whose ids are positions', async (t) => {
    const vocab = ['<unk>', 'a', 'b', 'ab'].map((token, i) => [token, -i]);
    const json = {
      added_tokens: [special(0, '<unk>')],
      decoder: { type: 'Fuse' },
      model: { type: 'Unigram', unk_id: 0, vocab },
    };
    const tokenizer = await load(t, { 'tokenizer.json': json, 'tokenizer_config.json': { eos_token: 'b' } });
    assert.equal(tokenizer.vocabSize, 4);
    assert.deepEqual(tokenizer.eosIds, [2]);
  });
});

describe('an unusable tokenizer is refused', () => {
  const model = LETTERS.model;
  const cases: { what: string; files: Record<string, unknown>; says: RegExp[] }[] = [
    { what: 'absent', files: {}, says: [/has no tokenizer\.json/] },
    {
      what: 'as SentencePiece only',
      files: { 'tokenizer.model': 'x' },
      says: [/tokenizer\.model/, /python -c "[^"]+" '[^']+'$/],
    },
    { what: 'broken', files: { 'tokenizer.json': '{' }, says: [/tokenizer\.json: is not valid JSON/] },
    { what: 'without a model', files: { 'tokenizer.json': {} }, says: [/model must be an object, not absent/] },
    {
      what: 'of an unknown model',
      files: { 'tokenizer.json': { model: { ...model, type: 'Magic' } } },
      says: [/model\.type is "Magic"; supported: BPE, WordPiece, Unigram/],
    },
    {
      what: 'with an id that would make a table of billions',
      files: { 'tokenizer.json': { ...LETTERS, added_tokens: [special(4e9, '<x>')] } },
      says: [/token "<x>" has the id 4000000000/],
    },
    {
      what: 'with a negative id',
      files: { 'tokenizer.json': { ...LETTERS, model: { ...model, vocab: { a: -1 } } } },
      says: [/token "a" has the id -1/],
    },
    {
      what: 'with no tokens',
      files: { 'tokenizer.json': { model: { ...model, vocab: {} } } },
      says: [/empty vocabulary/],
    },
    {
      what: 'with a part the library lacks',
      files: { 'tokenizer.json': { ...LETTERS, normalizer: { type: 'Rot13' } } },
      says: [/tokenizer\.json: this tokenizer is not supported: ".*Rot13/],
    },
    {
      what: 'with settings that are no object',
      files: { 'tokenizer.json': LETTERS, 'tokenizer_config.json': '[]' },
      says: [/tokenizer_config\.json: is not a JSON object/],
    },
  ];
  for (const { what, files, says } of cases) {
    it(what, async (t) => {
      const dir = await folder(t, files);
      await assert.rejects(loadTokenizer(dir), saying(...says));
    });
  }
});

describe('the tokenizer of stories260K', { skip: skipWithoutShared() }, () => {
  const dir = join(sharedDir() ?? '', 'models/stories260K');

  it('gives the published tokens of the golden sentence', async () => {
    const golden = JSON.parse(await readFile(join(dir, 'golden.json'), 'utf8')) as {
      text: string;
      tokens: number;
      tokenIds: number[];
    };
    const tokenizer = await loadTokenizer(dir);
    const ids = tokenizer.encode(golden.text, { bos: true });
    assert.equal(ids.length, golden.tokens);
    assert.deepEqual(ids.slice(0, golden.tokenIds.length), golden.tokenIds);
    assert.deepEqual(tokenizer.encode(golden.text), ids.slice(1));
    assert.deepEqual([tokenizer.bosId, tokenizer.eosIds, tokenizer.vocabSize], [1, [2], 512]);
  });

  it('gives back any text, through its byte tokens where it must', async () => {
    const tokenizer = await loadTokenizer(dir);
    const text = fc
      .oneof(fc.string({ unit: 'grapheme', maxLength: 60 }), fc.string({ maxLength: 60 }))
      // The tokenizer writes a space as this sign, so the two cannot be told apart; and special tokens leave no trace.
      .filter((value) => !value.includes('▁') && !/<s>|<\/s>|<unk>/.test(value));
    fc.assert(
      fc.property(text, (value) => {
        assert.equal(tokenizer.decode(tokenizer.encode(value, { bos: true })), value);
      }),
      { numRuns: 500 },
    );
  });
});
