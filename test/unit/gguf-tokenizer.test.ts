import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ggufTokenizer } from '../../src/formats/gguf-tokenizer.js';
import { loadTokenizer } from '../../src/formats/tokenizer.js';
import { openModel } from '../../src/search/context.js';
import { saying } from '../support/errors.js';
import { inLlamaCpp, skipWithoutLlamaCpp } from '../support/llama-cpp.js';
import { EXAMPLE_VOCABULARY, temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

interface TokenizerJson {
  model: Record<string, unknown> & { vocab: Record<string, number>; merges: string[] };
  [field: string]: unknown;
}

/** Whatever a way of cutting text could fall over. */
const ODD = [
  ...["I'll say they've 12345 apples, don't you? WE'LL see.", '  two  spaces\tand\ttabs \n\n a line \r\nmore   '],
  ...[
    'café naïve Ærø — “quotes”…',
    '日本語の文章。한국어 русский язык',
    '🙂🙃 👩‍👩‍👧',
    'x=1;y+=2; // {a:[b]}',
    ' ',
    '\n',
    '',
  ],
  ...['▁literal', '<s> is no token here', 'a\u00a0b\u2003c'],
];

const LLAMA3 =
  "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+";
const byteLevel = (regex: boolean) => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: regex,
});
const sequence = (...pretokenizers: object[]) => ({ type: 'Sequence', pretokenizers });

/** Ways of cutting text, and the changes that make the example's tokenizer cut so. */
const CUTS: Record<string, (json: TokenizerJson) => TokenizerJson> = {
  'GPT-2': (json) => json,
  SmolLM: (json) => ({
    ...json,
    pre_tokenizer: sequence({ type: 'Digits', individual_digits: true }, byteLevel(true)),
  }),
  'Llama 3': (json) => ({
    ...json,
    model: { ...json.model, ignore_merges: true },
    pre_tokenizer: sequence(
      { type: 'Split', pattern: { Regex: LLAMA3 }, behavior: 'Isolated', invert: false },
      byteLevel(false),
    ),
  }),
};

/** A model with the example's tokenizer, changed. */
async function modelWith(test: Parameters<typeof temporaryFolder>[0], change: (json: TokenizerJson) => unknown) {
  const config = tinyConfig({ vocabSize: EXAMPLE_VOCABULARY, hiddenSize: 32 });
  const dir = await temporaryFolder(test);
  await writeModelFolder(dir, config, randomWeights(config));
  const file = join(dir, 'tokenizer.json');
  const json = JSON.parse(await readFile(file, 'utf8')) as TokenizerJson;
  await writeFile(file, JSON.stringify(change(json)));
  return openModel(dir);
}

/** Characters with bytes to fall back on, as SentencePiece makes them. */
function sentencePiece(merges: string[]): object {
  const pieces = ['<unk>', '<s>', '</s>'];
  for (let byte = 0; byte < 256; byte++) pieces.push(`<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  pieces.push(...new Set([...merges.map((merge) => merge.replace(' ', '')), ...Array.from('▁abcdehlnrst')]));
  return {
    version: '1.0',
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    model: {
      ...{ type: 'BPE', unk_token: '<unk>', fuse_unk: true, byte_fallback: true, merges },
      vocab: Object.fromEntries(pieces.map((piece, id) => [piece, id])),
    },
    added_tokens: ['<unk>', '<s>', '</s>'].map((content, id) => ({ id, content, special: true })),
  };
}

describe('tokenizers of a GGUF', () => {
  for (const [name, change] of Object.entries(CUTS)) {
    it(`byte-level BPE as of ${name}: the same ids as ours`, { skip: skipWithoutLlamaCpp() }, async (test) => {
      const model = await modelWith(test, change);
      const tokenizer = await loadTokenizer(model.dir);
      const { llama, model: loaded } = await inLlamaCpp(test, model);
      const text = (await readFile(new URL('../../README.md', import.meta.url), 'utf8')).slice(0, 20_000);
      for (const each of [...ODD, text]) {
        const ids = await llama.ask('tokenize', { model: loaded, text: each });
        assert.deepEqual(ids, tokenizer.encode(each), JSON.stringify(each.slice(0, 60)));
      }
    });
  }

  it(
    'BPE over characters, with bytes to fall back on: the same ids as ours',
    { skip: skipWithoutLlamaCpp() },
    async (test) => {
      const merges = ['▁ t', 'h e', '▁t he', '▁th e', '▁t h', 'a n', 'an d', 'a nd', 'n d', '▁ s', 'e r', 'l l', '▁ ▁'];
      // All splits of a token stand together, as SentencePiece's converter writes them.
      const model = await modelWith(test, () => sentencePiece(orderly(merges)));
      const tokenizer = await loadTokenizer(model.dir);
      const { llama, model: loaded } = await inLlamaCpp(test, model);
      for (const text of [...ODD, 'the hand and the letters, then he and she stand']) {
        assert.deepEqual(
          await llama.ask('tokenize', { model: loaded, text }),
          tokenizer.encode(text),
          JSON.stringify(text),
        );
      }
    },
  );

  it('are refused where llama.cpp would split texts differently', async (test) => {
    const refuses = async (change: (json: TokenizerJson) => unknown, message: RegExp) => {
      const { dir } = await modelWith(test, change);
      await assert.rejects(() => ggufTokenizer(dir, EXAMPLE_VOCABULARY), saying(message));
    };
    await refuses(() => sentencePiece(['a b', 'ab c', 'b c']), /merges into "abc" lack that of "a" and "bc"/);
    await refuses(
      () => sentencePiece(['b c', 'a b', 'a bc', 'c d', 'ab c']),
      /merges into "abc" do not stand together/,
    );
    await refuses((json) => ({ ...json, normalizer: { type: 'NFC' } }), /normalizer .* null is expected/);
    await refuses(
      (json) => ({ ...json, pre_tokenizer: { type: 'Whitespace' } }),
      /in a way that a GGUF has no name for/,
    );
    await refuses(
      (json) => ({ ...json, model: { ...json.model, ignore_merges: true } }),
      /in a way that a GGUF has no name for; known: gpt-2, smollm, llama-bpe/,
    );
    const { dir } = await modelWith(test, (json) => json);
    await assert.rejects(() => ggufTokenizer(dir, 1000), saying(/the model has embeddings for 1000/));
  });
});

/** Merges by the token they make, in the order of its first one. */
function orderly(merges: readonly string[]): string[] {
  const tokens = [...new Set(merges.map((merge) => merge.replace(' ', '')))];
  return tokens.flatMap((token) => merges.filter((merge) => merge.replace(' ', '') === token));
}
