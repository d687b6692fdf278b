import assert from 'node:assert/strict';
import { mkdir, readFile, rm, writeFile } from 'node:fs/promises';
import { join, resolve } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { build } from 'esbuild';
import { METRICS } from '../../src/search/constraints.js';
import { limitRange, specDiagnostics } from '../../src/search/spec-diagnostics.js';
import { temporaryDirectory } from '../support/run-process.js';
import { type SpecChanges, tinySpec, writeTinySearch } from '../support/tiny-search.js';

/** What is said about a spec in a folder with everything a search needs: the text marked, and the message. */
async function saidOf(dir: string, changes: SpecChanges | string): Promise<string[]> {
  const text = typeof changes === 'string' ? changes : JSON.stringify(tinySpec(changes), null, 2);
  const found = await specDiagnostics(text, join(dir, 'tiny.puzzle.json'));
  return found.map(
    ({ kind, severity, message, start, end }) =>
      `${kind} ${severity}: ${text.slice(start, end)} ${message.replaceAll(`${dir}/`, '')}`,
  );
}

async function folder(t: TestContext): Promise<string> {
  const dir = await temporaryDirectory(t);
  await writeTinySearch(dir);
  return dir;
}

describe('the diagnostics of a spec', () => {
  it('have nothing to say about what can be searched', async (t) => {
    assert.deepEqual(await saidOf(await folder(t), {}), []);
    const example = resolve('examples/stories.puzzle.json');
    assert.deepEqual(await specDiagnostics(await readFile(example, 'utf8'), example), []);
  });

  it('mark what is no JSON, and what is there twice', async (t) => {
    const dir = await folder(t);
    assert.deepEqual(await saidOf(dir, '{ "parent" "p" }'), ['json error: "p" is not valid JSON: colon expected']);
    assert.deepEqual(await saidOf(dir, '{ "seed": 1, "seed": 2 }'), [
      'json error: "seed" "seed" is there twice; keep one',
    ]);
    assert.deepEqual(await saidOf(dir, `{ "parent": ${'['.repeat(100_000)}`), [
      'json error: { is nested deeper than 64 levels',
    ]);
    assert.deepEqual(await saidOf(dir, ''), ['json error:  is not valid JSON: value expected']);
  });

  it('mark the field that the schema refuses, or the one that lacks it', async (t) => {
    const dir = await folder(t);
    assert.deepEqual(
      await saidOf(dir, '{ "parent": 7, "data": {}, "limit": {}, "rules": [{ "layer": 0, "half": "ffn" }] }'),
      [
        'schema error: 7 parent is 7; expected: a text in quotes',
        'schema error: "data" data.text is missing; expected: a text in quotes or a list in [ ]',
        'schema error: { "layer": 0, "half": "ffn" } rules.0 is {"layer":0,"half":"ffn"}; expected: a variant to pin or to ban',
        'schema error: "limit" limit is not a known field here; known: parent, data, tasks, space, target, limits, margin, rules, distil, score, search, uptrain, evaluate, seed, cacheMiB, processes, threads',
      ],
    );
    const [missing] = await saidOf(dir, ' // Nothing.\n {}');
    assert.equal(missing, 'schema error: { parent is missing; expected: a text in quotes');
  });

  it('mark folders and files that are not there, or hold nothing', async (t) => {
    const dir = await folder(t);
    await mkdir(join(dir, 'empty'));
    await writeFile(join(dir, 'blank.txt'), '\n\n');
    const target = { engine: 'table', file: 'gone.json' };
    const said = await saidOf(dir, {
      ...{ parent: 'gone', data: { text: ['gone.txt', 'text.txt', 'empty', 'blank.txt', 'costs.json'] } },
      ...{ tasks: ['task.jsonl', 'gone', 'empty'], target },
    });
    assert.deepEqual(said, [
      'content error: "gone" no such folder: gone',
      'content error: "gone.txt" no such file or folder: gone.txt',
      'content error: "empty" empty: holds no text files; supported: .txt, .jsonl',
      'content error: "blank.txt" holds no text: blank.txt',
      'content error: "costs.json" costs.json: is not a text file that can be read; supported: .txt, .jsonl',
      'content error: "gone" no such file or folder: gone',
      'content error: "empty" holds no .jsonl files with multiple-choice tasks: empty',
      'content error: "gone.json" no such file: gone.json',
    ]);
    assert.deepEqual(await saidOf(dir, { data: { text: 'gone.txt' } }), [
      'content error: "gone.txt" no such file or folder: gone.txt',
    ]);
  });

  it('mark a parent that cannot be searched', async (t) => {
    const dir = await folder(t);
    const only = async (changes: SpecChanges) => {
      const said = await saidOf(dir, changes);
      assert.equal(said.length, 1, said.join('\n'));
      return said[0];
    };
    assert.match(
      (await only({ parent: 'text.txt' })) ?? '',
      /"text.txt" is a file; give the folder that holds config.json/,
    );
    assert.match((await only({ parent: '.' })) ?? '', /"\." has no config\.json; give the folder of a trained model: /);
    await mkdir(join(dir, 'bare'));
    const config = join(dir, 'bare', 'config.json');
    await writeFile(config, await readFile(join(dir, 'parent', 'config.json')));
    assert.equal(
      await only({ parent: 'bare' }),
      'content error: "bare" has no *.safetensors and no tokenizer.json, which a search needs: bare',
    );
    await writeFile(config, '{ "model_type": "qwen2" }');
    assert.match(
      (await only({ parent: 'bare' })) ?? '',
      /"bare" bare\/config\.json: this model is not supported: model_type is "qwen2" \(supported: llama, nemotron-nas\)/,
    );
  });

  it('mark what does not go with the parent', async (t) => {
    const dir = await folder(t);
    const attention = { kvHeads: [1, 3, 2, 7], linear: false, noOp: true };
    assert.deepEqual(await saidOf(dir, { space: { attention }, data: { text: 'text.txt', sequenceLength: 65 } }), [
      'content error: 65 the parent was made for at most 64 tokens (max_position_embeddings)',
      "content error: 3 space.attention.kvHeads: 3 KV heads cannot be pooled from the parent's 4; possible: 4, 2, 1",
      "content error: 7 space.attention.kvHeads: 7 KV heads cannot be pooled from the parent's 4; possible: 4, 2, 1",
    ]);
    const rules = [
      { layer: 0, half: 'attention', pin: 'kv4' },
      { layer: 1, half: 'attention', pin: 'kv2' },
      { layer: 3, half: 'ffn', ban: ['linear'] },
      { layer: 2, half: 'ffn', ban: ['linear', 'no-op'] },
    ];
    assert.deepEqual(await saidOf(dir, { rules }), [
      'content error: "kv2" layer 1 has no attention variant "kv2"; possible: kv4, kv1, no-op',
      'content error: 3 layer 3 does not exist; layers are 0 to 2',
      'content error: "no-op" layer 2 has no ffn variant "no-op"; possible: ffn-100%, ffn-50%, linear',
    ]);
    const [table, ...others] = await saidOf(dir, { space: { attention: { linear: true } } });
    assert.deepEqual(others, []);
    assert.match(table ?? '', /^content error: "costs.json" costs\.json: lacks "attention\/kv2", .*; add them to/);
  });

  it('mark limits that are not understood, their names where those are at fault', async (t) => {
    const dir = await folder(t);
    const [memory, speed, ...others] = await saidOf(dir, { limits: { memory: '60%', speed: '>= 2x', kv: '<= 50%' } });
    assert.deepEqual(others, []);
    assert.match(memory ?? '', /^content error: "60%" limits\.memory: "60%" is not understood; write <= or >=/);
    assert.equal(speed, `content error: "speed" limits: "speed" cannot be limited; possible: ${METRICS.join(', ')}`);
    assert.deepEqual(await saidOf(dir, { limits: { kv: '<= 50%', kvCache: '<= 40%' } }), [
      'content error: "limits" limits: "kvCache <= 50%" and "kvCache <= 40%" limit the same thing twice; keep one',
    ]);
  });

  it('read no weight: a search in which they are damaged looks the same', async (t) => {
    const dir = await folder(t);
    await writeFile(join(dir, 'parent', 'model.safetensors'), 'no tensors');
    assert.deepEqual(await saidOf(dir, {}), []);
    await rm(join(dir, 'parent', 'model.safetensors'));
    assert.match((await saidOf(dir, {}))[0] ?? '', /has no \*\.safetensors, which a search needs/);
  });

  it('load neither the runtime nor the solver nor a reader of weights', async () => {
    for (const module of ['spec-diagnostics', 'spec-edit', 'new-spec', 'spec-json-schema']) {
      const { metafile, outputFiles } = await build({
        entryPoints: [resolve(`src/search/${module}.ts`)],
        ...{ bundle: true, platform: 'node', format: 'esm', packages: 'external', write: false, metafile: true },
      });
      assert.equal(outputFiles.length, 1);
      const files = Object.keys(metafile.inputs);
      const packages = Object.values(metafile.outputs).flatMap(({ imports }) => imports.map(({ path }) => path));
      assert.ok(
        files.every((file) => !/\/(graph|solver)\/|safetensors/.test(file)),
        files.join(', '),
      );
      assert.deepEqual(
        new Set(packages.filter((name) => !name.startsWith('node:'))),
        new Set(packages.filter((name) => ['zod', 'jsonc-parser'].includes(name))),
      );
    }
  });
});

describe('where a limit stands', () => {
  const text = '{ "limits": { "Memory": "<= 60%" }, "seed": 1 }';
  const at = (metric: Parameters<typeof limitRange>[1], source = text) => {
    const range = limitRange(source, metric);
    return range && source.slice(range.start, range.end);
  };

  it('is its text, or the field of all limits', () => {
    assert.equal(at('memory'), '"<= 60%"');
    assert.equal(at('throughput'), '"limits"');
    assert.equal(at('memory', '{ "seed": 1 }'), undefined);
    assert.equal(at('memory', ''), undefined);
    assert.equal(at('memory', '{ "limits": { "memory": "<= 60%" '), '"<= 60%"');
  });
});
