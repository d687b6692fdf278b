import { describe, it, type TestContext } from 'node:test';
import assert from 'node:assert/strict';
import { mkdir, mkdtemp, rm, symlink, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import fc from 'fast-check';
import { MAX_DOCUMENT_CHARS } from '../../src/formats/documents.js';
import { MAX_LINE_CHARS, readLines } from '../../src/formats/lines.js';
import { readTask } from '../../src/formats/tasks.js';
import { packText, readDocuments, type PackedSplit } from '../../src/formats/text.js';
import { loadTokenizer, type Tokenizer } from '../../src/formats/tokenizer.js';
import { saying } from '../support/errors.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

async function folder(t: TestContext, files: Record<string, string | Uint8Array>): Promise<string> {
  const dir = await mkdtemp(join(tmpdir(), 'puzzle-formats-'));
  t.after(() => rm(dir, { recursive: true }));
  for (const [name, content] of Object.entries(files)) {
    await mkdir(dirname(join(dir, name)), { recursive: true });
    await writeFile(join(dir, name), content);
  }
  return dir;
}

async function all<T>(items: AsyncIterable<T>): Promise<T[]> {
  const list: T[] = [];
  for await (const item of items) list.push(item);
  return list;
}

/** One token per character, its code; the first token is 0. */
const CHARACTERS: Tokenizer = {
  encode: (text, { bos = false } = {}) => [
    ...(bos ? [0] : []),
    ...Array.from(text, (char) => char.codePointAt(0) ?? 0),
  ],
  decode: (ids) => String.fromCodePoint(...ids),
  bosId: 0,
  eosIds: [],
  vocabSize: 0x110000,
};

describe('reading lines', () => {
  it('gives what splitting the whole text gives, with numbers from 1', async (t) => {
    const dir = await folder(t, {});
    const part = fc.oneof(fc.string({ unit: 'grapheme', maxLength: 5 }), fc.constantFrom('\n', '\r\n', '\n\n'));
    await fc.assert(
      fc.asyncProperty(fc.array(part), async (parts) => {
        // A byte order mark at the very beginning is no part of the text.
        const text = parts.join('').replace(/^\ufeff/, '');
        await writeFile(join(dir, 'x'), text);
        const expected = text.split('\n').map((line) => (line.endsWith('\r') ? line.slice(0, -1) : line));
        if (text === '' || text.endsWith('\n')) expected.pop();
        assert.deepEqual(
          await all(readLines(join(dir, 'x'))),
          expected.map((line, i) => ({ text: line, number: i + 1 })),
        );
      }),
      { numRuns: 100 },
    );
  });

  it('joins characters that lie across the pieces it reads', async (t) => {
    const text = '層'.repeat(1_000_003);
    const dir = await folder(t, { x: `a${text}\nend` });
    assert.deepEqual(
      (await all(readLines(join(dir, 'x')))).map(({ text: line }) => line.length),
      [1_000_004, 3],
    );
  });

  it('refuses bytes that are not UTF-8, and a line beyond the cap, by its number', async (t) => {
    const dir = await folder(t, {
      latin: Buffer.from([0x61, 0x0a, 0xe9, 0x62, 0x0a]),
      long: `a\n${'b'.repeat(MAX_LINE_CHARS + 1)}`,
    });
    await assert.rejects(all(readLines(join(dir, 'latin'))), saying(/latin: line \d: is not UTF-8/));
    await assert.rejects(all(readLines(join(dir, 'long'))), saying(/long: line 2: is longer than/));
    await assert.rejects(all(readLines(join(dir, 'absent'))), saying(/absent: cannot be read/));
    await assert.rejects(all(readLines(dir)), saying(/is not a file/));
  });
});

describe('reading documents', () => {
  it('separates a .txt at blank lines', async (t) => {
    const dir = await folder(t, { 'a.txt': '\n\none\nline two  \r\n\r\n \t\nthree\n\n\n\nfour' });
    assert.deepEqual(await all(readDocuments([join(dir, 'a.txt')])), ['one\nline two', 'three', 'four']);
  });

  it('takes "text" of every line of a .jsonl, with its own blank lines', async (t) => {
    const dir = await folder(t, { 'a.jsonl': '{"text":"a\\n\\nb","id":1}\n\n{"text":" "}\n{"text":"c"}' });
    assert.deepEqual(await all(readDocuments([join(dir, 'a.jsonl')])), ['a\n\nb', 'c']);
  });

  it('reads folders by name, recursively, past hidden and other files, and several paths in order', async (t) => {
    const dir = await folder(t, {
      'data/b.txt': 'b',
      'data/a.jsonl': '{"text":"a"}',
      'data/c/d.txt': 'd',
      'data/.hidden.txt': 'no',
      'data/.git/x.txt': 'no',
      'data/readme.md': 'no',
      'z.txt': 'z',
    });
    await symlink(join(dir, 'data'), join(dir, 'data/c/round'));
    const paths = [join(dir, 'z.txt'), join(dir, 'data')];
    assert.deepEqual(await all(readDocuments(paths)), ['z', 'a', 'b', 'd']);
  });

  it('cuts a text without blank lines at the end of a line', async (t) => {
    const line = `${'x'.repeat(99)}\n`;
    const dir = await folder(t, { 'a.txt': line.repeat(25_000) });
    const documents = await all(readDocuments([join(dir, 'a.txt')]));
    assert.equal(documents.length, 3);
    assert.ok(documents.every((document) => document.length <= MAX_DOCUMENT_CHARS));
    assert.equal(documents.join('\n'), line.repeat(25_000).trim());
  });

  it('refuses what it cannot read, with the file and the line', async (t) => {
    const dir = await folder(t, {
      'a.jsonl': '{"text":"a"}\n{"txt":1}',
      'b.jsonl': '{"text":"a"}\n{',
      'c.jsonl': '7',
      'd.pdf': '',
      'e/f.md': '',
    });
    const reading = (name: string) => all(readDocuments([join(dir, name)]));
    await assert.rejects(reading('a.jsonl'), saying(/a\.jsonl: line 2: "text" is absent; a string/));
    await assert.rejects(reading('b.jsonl'), saying(/b\.jsonl: line 2: is not valid JSON/));
    await assert.rejects(reading('c.jsonl'), saying(/c\.jsonl: line 1: an object is expected, not 7/));
    await assert.rejects(reading('d.pdf'), saying(/d\.pdf: .*supported: \.txt, \.jsonl/));
    await assert.rejects(reading('e'), saying(/e: holds no text files; supported: \.txt, \.jsonl/));
    await assert.rejects(reading('nowhere'), saying(/nowhere: cannot be read/));
  });
});

describe('packing text', () => {
  const SPLITS = ['train', 'validation', 'test'] as const;
  const story = (i: number) => `story ${i}: ${'once upon a time '.repeat(1 + (i % 4))}`.trim();
  const stories = (count: number) => Array.from({ length: count }, (_, i) => story(i));
  const textOf = ({ tokens }: PackedSplit) => CHARACTERS.decode([...tokens]);
  const pack = async (t: TestContext, documents: string[], wanted: [number, number, number], seed = 1) => {
    const dir = await folder(t, { 'a.txt': documents.join('\n\n') });
    const [train, validation, test] = wanted;
    return packText([dir], CHARACTERS, { sequenceLength: 32, seed, wanted: { train, validation, test } });
  };

  it('gives whole sequences of documents, each after one first token', async (t) => {
    const splits = await pack(t, stories(400), [6400, 3200, 3200]);
    const known = new Set(stories(400));
    for (const name of SPLITS) {
      const { sequences, sequenceLength, tokens, documents } = splits[name];
      assert.equal(tokens.length, sequences * sequenceLength);
      const found = textOf(splits[name]).split('\0');
      assert.equal(found.shift(), '', 'begins with the first token');
      assert.equal(found.length, documents);
      const last = found.pop() ?? '';
      assert.ok(found.every((document) => known.has(document)));
      assert.ok([...known].some((document) => document.startsWith(last)));
    }
  });

  it('gives every split the sequences that reach what is wanted, where there is enough text', async (t) => {
    const splits = await pack(t, stories(1000), [5000, 640, 650]);
    assert.deepEqual(
      SPLITS.map((name) => splits[name].sequences),
      [157, 20, 21],
    );
  });

  it('gives all there is, in fixed shares, where there is not', async (t) => {
    const documents = stories(2000);
    const splits = await pack(t, documents, [1e6, 1e6, 1e6]);
    const total = documents.reduce((sum, document) => sum + 1 + document.length, 0);
    const shares = SPLITS.map((name) => splits[name].tokens.length / total);
    for (const [i, expected] of [0.9, 0.05, 0.05].entries()) {
      assert.ok(Math.abs((shares[i] ?? NaN) - expected) < 0.02, `share ${shares[i]} of split ${i}`);
    }
  });

  it('begins a larger split with a smaller one', async (t) => {
    const few = await pack(t, stories(2000), [640, 320, 320]);
    const many = await pack(t, stories(2000), [6400, 1600, 640]);
    for (const name of SPLITS) {
      assert.deepEqual(many[name].tokens.subarray(0, few[name].tokens.length), few[name].tokens, name);
    }
  });

  it('never puts equal documents into two splits, wherever they stand', async (t) => {
    await fc.assert(
      fc.asyncProperty(fc.array(fc.nat(400), { minLength: 200, maxLength: 200 }), fc.nat(), async (order, seed) => {
        // Every story once, and some again.
        const splits = await pack(t, [...stories(400), ...order.map(story)], [1e6, 1e6, 1e6], seed);
        // The last document of a split may be cut short.
        const documents = SPLITS.map((name) => new Set(textOf(splits[name]).split('\0').slice(1, -1)));
        for (const [i, mine] of documents.entries()) {
          for (const other of documents.slice(i + 1)) assert.ok([...mine].every((document) => !other.has(document)));
        }
      }),
      { numRuns: 20 },
    );
  });

  it('is the same again with the same seed, and another with another', async (t) => {
    const first = await pack(t, stories(300), [3200, 1600, 1600], 7);
    assert.deepEqual(await pack(t, stories(300), [3200, 1600, 1600], 7), first);
    assert.notDeepEqual(await pack(t, stories(300), [3200, 1600, 1600], 8), first);
  });

  it('puts a document into the same split whatever files stand around it', async (t) => {
    const alone = await pack(t, stories(200), [1e6, 1e6, 1e6]);
    const among = await pack(t, [...stories(300).slice(200), ...stories(200)], [1e6, 1e6, 1e6]);
    for (const name of SPLITS) {
      const inAmong = textOf(among[name]).split('\0');
      assert.ok(
        textOf(alone[name])
          .split('\0')
          .slice(1, -2)
          .every((document) => inAmong.includes(document)),
      );
    }
  });

  it('stops reading when it has what is wanted', async (t) => {
    const dir = await folder(t, { 'a.txt': stories(500).join('\n\n'), 'b.jsonl': 'never read, or this would fail' });
    const options = { sequenceLength: 32, seed: 1, wanted: { train: 320, validation: 320, test: 320 } };
    const { train } = await packText([dir], CHARACTERS, options);
    assert.equal(train.sequences, 10);
    await assert.rejects(
      packText([dir], CHARACTERS, { ...options, wanted: { train: 1e7, validation: 320, test: 320 } }),
      saying(/b\.jsonl: line 1/),
    );
  });

  it('refuses an empty data set, one that is too small, and impossible requests', async (t) => {
    await assert.rejects(pack(t, [''], [10, 10, 10]), saying(/the data set is empty/));
    await assert.rejects(pack(t, ['   ', '\t'], [10, 10, 10]), saying(/the data set is empty/));
    await assert.rejects(pack(t, ['a', 'b'], [10, 10, 10]), saying(/too little text: the \w+ split has \d+ tokens/));
    await assert.rejects(pack(t, ['a'], [1e12, 0, 0]), saying(/1000000000000 tokens wanted/));
    await assert.rejects(pack(t, ['a'], [NaN, 0, 0]), saying(/NaN tokens wanted/));
    const dir = await folder(t, { 'a.txt': 'a' });
    const wanted = { train: 1, validation: 0, test: 0 };
    await assert.rejects(
      packText([dir], CHARACTERS, { sequenceLength: 0, seed: 1, wanted }),
      saying(/sequence length of 0/),
    );
  });

  it('packs real stories', { skip: skipWithoutShared() }, async () => {
    const tokenizer = await loadTokenizer(join(sharedDir() ?? '', 'models/stories260K'));
    const wanted = { train: 20_000, validation: 4_000, test: 4_000 };
    const splits = await packText([join(sharedDir() ?? '', 'text/tinystories.txt')], tokenizer, {
      sequenceLength: 128,
      seed: 3,
      wanted,
    });
    assert.deepEqual(
      SPLITS.map((name) => splits[name].sequences),
      [157, 32, 32],
    );
    for (const name of SPLITS) {
      assert.equal(splits[name].tokens[0], 1);
      assert.ok(splits[name].tokens.every((id) => id >= 0 && id < 512));
      assert.equal(splits[name].tokens.filter((id) => id === 1).length, splits[name].documents);
    }
  });
});

describe('multiple-choice tasks', () => {
  it('are read with their questions and named after their file', async (t) => {
    const dir = await folder(t, {
      'agreement.jsonl':
        '{"context":"The","choices":[" dogs"," dog"],"answer":1,"id":7}\n\n{"context":"","choices":["a","b","c"],"answer":0}\n',
    });
    assert.deepEqual(await readTask(join(dir, 'agreement.jsonl')), {
      name: 'agreement',
      items: [
        { context: 'The', choices: [' dogs', ' dog'], answer: 1 },
        { context: '', choices: ['a', 'b', 'c'], answer: 0 },
      ],
    });
  });

  const good = { context: 'x', choices: ['a', 'b'], answer: 0 };
  const cases: { line: unknown; says: RegExp }[] = [
    { line: { ...good, context: undefined }, says: /line 2: "context" is absent; a string/ },
    { line: { ...good, choices: 'ab' }, says: /line 2: "choices" is "ab"; 2 to 64/ },
    { line: { ...good, choices: ['a'] }, says: /line 2: "choices" is \["a"\]/ },
    { line: { ...good, choices: ['a', ''] }, says: /line 2: "choices"/ },
    { line: { ...good, choices: ['a', 1] }, says: /line 2: "choices"/ },
    { line: { ...good, choices: Array(65).fill('a') }, says: /line 2: "choices"/ },
    { line: { ...good, answer: 2 }, says: /line 2: "answer" is 2; an index from 0 to 1/ },
    { line: { ...good, answer: '0' }, says: /line 2: "answer" is "0"/ },
    { line: [], says: /line 2: an object is expected/ },
  ];
  for (const { line, says } of cases) {
    it(`are refused with the line ${JSON.stringify(line).slice(0, 60)}`, async (t) => {
      const dir = await folder(t, { 'x.jsonl': `${JSON.stringify(good)}\n${JSON.stringify(line)}` });
      await assert.rejects(readTask(join(dir, 'x.jsonl')), saying(/x\.jsonl: /, says));
    });
  }

  it('are refused without questions, broken, or absent', async (t) => {
    const dir = await folder(t, { 'x.jsonl': '\n', 'y.jsonl': '{"context":' });
    await assert.rejects(readTask(join(dir, 'x.jsonl')), saying(/x\.jsonl: holds no questions/));
    await assert.rejects(readTask(join(dir, 'y.jsonl')), saying(/y\.jsonl: line 1: is not valid JSON/));
    await assert.rejects(readTask(join(dir, 'z.jsonl')), saying(/z\.jsonl: cannot be read/));
  });

  it('of BLiMP are read: 500 pairs', { skip: skipWithoutShared() }, async () => {
    const task = await readTask(join(sharedDir() ?? '', 'tasks/blimp-anaphor-gender-agreement.jsonl'));
    assert.equal(task.name, 'blimp-anaphor-gender-agreement');
    assert.equal(task.items.length, 500);
    assert.deepEqual(task.items[0], {
      context: '',
      choices: ["Katherine can't help herself.", "Katherine can't help himself."],
      answer: 0,
    });
  });
});
