import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import fc from 'fast-check';
import { countWords, learnMerges, tokenizerConfig, tokenizerJson } from '../../examples/text/bpe.js';
import { loadTokenizer } from '../../src/formats/tokenizer.js';
import type { Tokenizer } from '../../src/formats/tokenizer.js';

const TEXT = ['The red ball and the red kite.', 'The ball was red, the kite was blue.', 'A ball, a ball, a ball!'];
const VOCABULARY = 275;

describe('byte-pair encoding of the stories', () => {
  let dir = '';
  let tokenizer: Tokenizer;
  const merges = learnMerges(countWords(TEXT), VOCABULARY);

  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'bpe-'));
    await writeFile(join(dir, 'tokenizer.json'), JSON.stringify(tokenizerJson(merges)));
    await writeFile(join(dir, 'tokenizer_config.json'), JSON.stringify(tokenizerConfig(64)));
    tokenizer = await loadTokenizer(dir);
  });
  after(() => rm(dir, { recursive: true, force: true }));

  it('learns the most frequent pairs first, as worked out by hand', () => {
    // space-a and a-a both occur five times; code order puts a-a first, after which space-aa occurs five times.
    const counts = new Map([
      [' aab', 3],
      [' aac', 2],
    ]);
    const learnt = learnMerges(counts, 258 + 2).map((pair) => pair.join('+'));
    assert.deepEqual(learnt, ['a+a', 'Ġ+aa']);
  });

  it('counts words as the pre-tokenizer splits them', () => {
    assert.deepEqual(
      [...countWords(["It's a ball, a  ball."])],
      [
        ['It', 1],
        ["'s", 1],
        [' a', 2],
        [' ball', 2],
        [',', 1],
        [' ', 1],
        ['.', 1],
      ],
    );
  });

  it('gives the vocabulary the size asked for, frequent words whole', () => {
    assert.equal(tokenizer.vocabSize, VOCABULARY);
    assert.equal(tokenizer.encode(' ball').length, 1);
  });

  it('stops when every word is whole', () => {
    assert.deepEqual(learnMerges(countWords(['ab ab']), 1000).length, 2);
  });

  it('begins a text with <s> and ends it with </s>', () => {
    assert.equal(tokenizer.bosId, 0);
    assert.deepEqual(tokenizer.eosIds, [1]);
    assert.deepEqual(tokenizer.encode('A ball', { bos: true }).slice(0, 1), [0]);
  });

  it('gives any text back unchanged', () => {
    fc.assert(
      fc.property(fc.string({ unit: 'binary', minLength: 1 }), (text) => {
        fc.pre(!text.includes('<s>') && !text.includes('</s>'));
        assert.equal(tokenizer.decode(tokenizer.encode(text)), text);
      }),
    );
  });
});
