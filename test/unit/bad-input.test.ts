import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { cp, open, readdir, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { parseSpec } from '../../src/search/spec.js';
import { puzzle, puzzleJson } from '../support/cli.js';
import { temporaryDirectory } from '../support/run-process.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';
import { MEASURED, type SpecChanges, tinyRun, tinySpec, writeSpec, writeTinySearch } from '../support/tiny-search.js';

interface Case {
  /** What the message says, of `where`. */
  says: RegExp;
  /** Where it says the fault is, within the folder. */
  where: string;
  spoil: (dir: string) => Promise<unknown>;
  skip?: string | false;
}

const weights = (dir: string) => join(dir, 'parent', 'model.safetensors');
const withSpec = (changes: SpecChanges) => (dir: string) => writeSpec(dir, tinySpec(changes));

async function overwrite(file: string, offset: number, bytes: Buffer): Promise<void> {
  const handle = await open(file, 'r+');
  await handle.write(bytes, 0, bytes.length, offset);
  await handle.close();
}

/** Everything here is found before a run directory appears. */
const REFUSED: Record<string, Case> = {
  'weights that end too early': {
    says: /needs bytes up to \d+, but the file has 5000: it is truncated; fetch it again/,
    where: 'parent/model.safetensors: tensor "model.embed_tokens.weight"',
    spoil: (dir) => truncate(weights(dir), 5000),
  },
  'weights that end in their header': {
    says: /header of \d+ bytes, but the file has 100: the file is truncated/,
    where: 'parent/model.safetensors',
    spoil: (dir) => truncate(weights(dir), 100),
  },
  'weights with a damaged header': {
    says: /is not valid JSON/,
    where: 'parent/model.safetensors: header',
    spoil: (dir) => overwrite(weights(dir), 20, Buffer.from('{"x')),
  },
  'weights of another shape': {
    says: /tensor model\.embed_tokens\.weight has shape \[1024,24\], config\.json asks for \[1000,24\]/,
    where: 'parent/model.safetensors',
    spoil: async (dir) => {
      const file = join(dir, 'parent', 'config.json');
      const config = JSON.parse(await readFile(file, 'utf8')) as object;
      await writeFile(file, JSON.stringify({ ...config, vocab_size: 1000 }));
    },
  },
  'an index that names a missing shard': {
    says: /names 1 of 1 shards that are not in the folder: model-00001-of-00001\.safetensors; fetch the missing files/,
    where: 'parent/model.safetensors.index.json',
    spoil: async (dir) => {
      await rm(weights(dir));
      const index = { weight_map: { 'model.norm.weight': 'model-00001-of-00001.safetensors' } };
      await writeFile(`${weights(dir)}.index.json`, JSON.stringify(index));
    },
  },
  'a pickled checkpoint': {
    says: /"pytorch_model\.bin" is a pickled checkpoint.* convert it once: python -c /,
    where: 'parent',
    spoil: async (dir) => {
      await rm(weights(dir));
      await writeFile(join(dir, 'parent', 'pytorch_model.bin'), 'weights');
    },
  },
  'an unsupported family': {
    says: /not supported: model_type is "mixtral" \(supported: llama, nemotron-nas\); num_local_experts is 8/,
    where: 'parent/config.json',
    spoil: (dir) =>
      cp(join(sharedDir() ?? '', 'configs/Mixtral-8x7B-v0.1/config.json'), join(dir, 'parent', 'config.json')),
    skip: skipWithoutShared(),
  },
  'a parent without a tokenizer': {
    says: /tokenizer\.json/,
    where: 'parent',
    spoil: (dir) => rm(join(dir, 'parent', 'tokenizer.json')),
  },
  'a parent that is not there': {
    says: /cannot be read/,
    where: 'parent/config.json',
    spoil: (dir) => rm(join(dir, 'parent'), { recursive: true }),
  },
  'a data set without text': {
    says: /the data set is empty: no document holds any text/,
    where: 'text.txt',
    spoil: (dir) => writeFile(join(dir, 'text.txt'), ' \n\n \n'),
  },
  'a data set that is not there': {
    says: /cannot be read: .*no such file/,
    where: 'text.txt',
    spoil: (dir) => rm(join(dir, 'text.txt')),
  },
  'a task that is not one': {
    says: /"choices" is \["x"\]; 2 to 64 non-empty strings are expected/,
    where: 'task.jsonl: line 2',
    spoil: (dir) =>
      writeFile(
        join(dir, 'task.jsonl'),
        '{"context":"a","choices":["x","y"],"answer":0}\n{"context":"a","choices":["x"],"answer":0}\n',
      ),
  },
  'a cost table with gaps': {
    says: /lacks "attention\/kv4", .*; add them to "variants"/,
    where: 'costs.json',
    spoil: (dir) => {
      const table = { version: 1, nonBlock: { prefillSeconds: 1, decodeSeconds: 1 }, variants: {} };
      return writeFile(join(dir, 'costs.json'), JSON.stringify(table));
    },
  },
  'sequences longer than the parent was made for': {
    says: /is 4096, but the parent was made for at most 64 tokens/,
    where: 'tiny.puzzle.json: data.sequenceLength',
    spoil: withSpec({ data: { text: 'text.txt', sequenceLength: 4096 } }),
  },
  'limits nothing can meet': {
    says: /no architecture of this space meets "memory <= 20%" \(alone, [\d.]+% can be reached\); the smallest relaxation/,
    where: 'limits',
    spoil: withSpec({ limits: { memory: '<= 20%', throughput: '>= 1.2x' } }),
  },
  'limits nothing can meet, before anything is measured': {
    says: /no architecture of this space meets "memory <= 20%"/,
    where: 'limits',
    spoil: withSpec({ limits: { memory: '<= 20%', throughput: '>= 1.2x' }, target: MEASURED }),
  },
  'a limit that is not one': {
    says: /"less" is not understood; write <= or >=, a number above 0, and a unit .* for example "<= 60%"/,
    where: 'tiny.puzzle.json: limits.memory',
    spoil: withSpec({ limits: { memory: 'less' } }),
  },
  'a field that does not exist': {
    says: /line \d+: distil\.token is not a known field here; known: start, closedFormTokens, tokens, /,
    where: 'tiny.puzzle.json',
    spoil: async (dir) => {
      const lines = JSON.stringify(tinySpec(), null, 2).split('\n');
      const at = lines.findIndex((line) => line.includes('"distil"')) + 1;
      await writeFile(join(dir, 'tiny.puzzle.json'), lines.with(at, '    "token": 512,').join('\n'));
    },
  },
  'a spec that is not there': {
    says: /cannot be read; give the path of a \*\.puzzle\.json file/,
    where: 'tiny.puzzle.json',
    spoil: (dir) => rm(join(dir, 'tiny.puzzle.json')),
  },
};

describe('a search is refused at once, with exit 2 and nothing written, for', { concurrency: 2 }, () => {
  for (const [name, { says, where, spoil, skip = false }] of Object.entries(REFUSED)) {
    it(name, { skip }, async (t) => {
      const dir = await temporaryDirectory(t);
      const spec = await writeTinySearch(dir);
      await spoil(dir);
      const { status, answer, stderr } = await puzzleJson('search', spec);
      assert.equal(status, 2, stderr);
      const { error } = answer as { error: { message: string; where: string | null } };
      assert.match(error.message, says);
      assert.equal(error.where?.replace(`${dir}/`, ''), where);
      assert.equal(stderr, `error: ${error.message}\n`);
      assert.ok(!existsSync(tinyRun(dir)), 'a run directory appeared');
    });
  }
});

describe('a search that finds out on the way', { concurrency: 2 }, () => {
  const assertNoChild = async (dir: string) => {
    const { status, answer } = await puzzleJson('status', tinyRun(dir));
    assert.equal(status, 0);
    assert.equal((answer as { state: string }).state, 'failed');
    const left = await readdir(tinyRun(dir), { recursive: true });
    assert.deepEqual(
      left.filter((name) => /^child$|report|\.tmp/.test(name)),
      [],
    );
  };

  it('says that there is too little text, and goes on when there is more', async (t) => {
    const dir = await temporaryDirectory(t);
    const spec = await writeTinySearch(dir);
    const text = await readFile(join(dir, 'text.txt'), 'utf8');
    await writeFile(join(dir, 'text.txt'), 'A dog ran.');
    const short = await puzzle('search', spec);
    assert.equal(short.status, 2);
    assert.match(short.stderr, /error: .*text\.txt: too little text: .*; add text, .* or shorten the sequences\n/);
    await assertNoChild(dir);
    await writeFile(join(dir, 'text.txt'), text);
    assert.equal((await puzzle('search', spec, '--until', 'space')).status, 0);
  });

  it('that weights are damaged behind their header names the layer', async (t) => {
    const dir = await temporaryDirectory(t);
    const spec = await writeTinySearch(dir);
    const bytes = await readFile(weights(dir));
    await overwrite(weights(dir), bytes.length - 4000, Buffer.alloc(4000, 0xff));
    const { status, answer, stderr } = await puzzleJson('search', spec);
    assert.equal(status, 2, stderr);
    const { message } = (answer as { error: { message: string } }).error;
    assert.match(message, /parent: the attention of layer 2 of the parent gives NaN .*: its weights are damaged$/);
    await assertNoChild(dir);
  });

  it('that the disk is full leaves nothing half-written, and goes on when there is room', async (t) => {
    const dir = await temporaryDirectory(t);
    await writeTinySearch(dir);
    const main = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
    // A mount name space of its own: the small file system is gone with the process, so what is on it is copied.
    const script = `
      mkdir disk && mount -t tmpfs -o size=4k tmpfs disk || exit 77
      for size in 250k 700k 16m; do
        mount -o remount,size=$size disk || exit 77
        "$@" search tiny.puzzle.json --run disk/run --json > $size.json 2> $size.txt
        echo $? > $size.status; cp -a disk/run $size
      done`;
    const program = [process.execPath, '--import', import.meta.resolve('tsx'), main];
    try {
      await promisify(execFile)('unshare', ['-rm', 'sh', '-c', script, 'sh', ...program], { cwd: dir });
    } catch (error) {
      const failure = error as { code?: unknown; stderr?: string };
      if (failure.code === 'ENOENT' || failure.code === 77 || (failure.stderr ?? '').startsWith('unshare:')) {
        t.skip('mounting a small file system is not permitted here');
        return;
      }
      throw error;
    }
    const text = (file: string) => readFile(join(dir, file), 'utf8');
    for (const size of ['250k', '700k']) {
      assert.equal(await text(`${size}.status`), '1\n', await text(`${size}.txt`));
      const { error } = JSON.parse(await text(`${size}.json`)) as { error: { message: string } };
      assert.match(
        error.message,
        /^\/.*: could not be written: the disk is full; free some space, then resume the run$/,
      );
      assert.ok(
        (await text(`${size}.txt`)).endsWith(`error: ${error.message}\n`),
        'a stack trace explains nothing here',
      );
      const left = await readdir(join(dir, size), { recursive: true });
      assert.deepEqual(
        left.filter((name) => /^child|report|\.tmp/.test(name)),
        [],
      );
    }
    assert.equal(await text('16m.status'), '0\n', await text('16m.txt'));
    assert.ok(existsSync(join(dir, '16m', 'child', 'model.safetensors')));
  });
});

describe('a spec', () => {
  it('that is wrong in many places is told of line by line, each with what is expected', () => {
    const wrong = {
      ...{ parent: 7, limit: {}, data: { text: [], sequenceLength: 1.5 } },
      target: { engine: 'abacus' },
      ...{ distil: { tokens: -1 }, tasks: 'a', margin: 2, seed: null, score: [] },
    };
    assert.throws(() => parseSpec(JSON.stringify(wrong, null, 1), 'spec'), {
      name: 'InputError',
      message: `spec: ${[
        'line 2: parent is 7; expected: a text in quotes',
        'line 3: limit is not a known field here; known: parent, data, tasks, space, target, limits, margin, rules, distil, score, search, uptrain, evaluate, seed, cacheMiB, processes, threads',
        'line 5: data.text is []; expected: not empty',
        'line 6: data.sequenceLength is 1.5; expected: a whole number',
        'line 9: target.engine is "abacus"; expected: "onnxruntime" or "llama.cpp" or "profile" or "table"',
        'line 12: distil.tokens is -1; expected: at least 0',
        'line 14: tasks is "a"; expected: a list in [ ]',
        'line 15: margin is 2; expected: at most 0.9',
        'line 16: seed is null; expected: a number',
        'line 17: score is []; expected: fields in { }',
      ].join('; ')}`,
    });
  });

  it('that lacks a field, or is not JSON, says where', () => {
    for (const [text, message] of [
      ['{\n "parent": "p" }', 'line 1: data is missing; expected: fields in { }'],
      [
        '{\n "parent": "p",\n "data": {} }',
        'line 3: data.text is missing; expected: a text in quotes or a list in [ ]',
      ],
      ['{\n // A comment.\n "parent" "p" }', 'line 3: is not valid JSON: colon expected'],
      ['', 'line 1: is not valid JSON: value expected'],
      ['['.repeat(100_000), 'line 1: is nested deeper than 64 levels'],
    ] as const) {
      assert.throws(() => parseSpec(text, 'spec'), { name: 'InputError', message: `spec: ${message}` });
    }
  });
});
