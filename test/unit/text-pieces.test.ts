import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { Random } from '../../src/common/random.js';
import { loadTokenizer } from '../../src/formats/tokenizer.js';
import { TextPieces } from '../../src/model/text-pieces.js';

const MODEL = join(import.meta.dirname, '../../examples/stories/model');

describe('generated text, token by token', () => {
  it('is in pieces that together are the whole text, each made of whole characters', async () => {
    const tokenizer = await loadTokenizer(MODEL);
    const text = 'She paid 3 € for “naïve” tea, 茶, in 東京 😀. '.repeat(9);
    const ids = tokenizer.encode(text);
    for (const prompt of [0, 1, 5, 40]) {
      const pieces = new TextPieces(tokenizer, ids.slice(0, prompt));
      const told = ids.slice(prompt).map((id) => pieces.add(id));
      assert.equal(pieces.rest(), '');
      const whole = tokenizer.decode(ids.slice(0, prompt));
      // A prompt that ends inside a character is completed by what follows.
      if (!whole.endsWith('\ufffd')) assert.equal(whole + told.join(''), text);
      assert.ok(!told.join('').includes('\ufffd'));
      assert.ok(told.filter((piece) => piece !== '').length > 20);
    }
  });

  it('is what all its tokens decode to, also where they are no text', async () => {
    const tokenizer = await loadTokenizer(MODEL);
    const random = Random.of(1, 'ids');
    const ids = Array.from({ length: 200 }, () => random.below(tokenizer.vocabSize));
    const pieces = new TextPieces(tokenizer, []);
    const told = ids.map((id) => pieces.add(id)).join('') + pieces.rest();
    assert.equal(told, tokenizer.decode(ids));
  });
});
