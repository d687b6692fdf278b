import assert from 'node:assert/strict';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { enumerateVariants } from '../../src/model/variants.js';
import { OPTIONAL_STAGES, STAGES } from '../../src/run/events.js';
import { budgets } from '../../src/search/context.js';
import { peakMemoryBytes, runDirectoryBytes } from '../../src/search/footprint.js';
import { checkInputs, preflightItems } from '../../src/search/preflight.js';
import { parseSpec, readSpec, resolveSpec } from '../../src/search/spec.js';
import { uptrainPlan } from '../../src/search/uptrain-plan.js';
import { missingDevice } from '../support/devices.js';
import { temporaryDirectory } from '../support/run-process.js';
import { tinyConfig } from '../support/tiny-model.js';
import { MEASURED, type SpecChanges, writeSpec, tinySpec, writeTinySearch } from '../support/tiny-search.js';

async function folder(t: TestContext): Promise<string> {
  const dir = await temporaryDirectory(t);
  await writeTinySearch(dir);
  return dir;
}

/** The preflight of a spec in a folder with everything a search needs: its items by name, and its stages. */
async function preflight(dir: string, changes: SpecChanges = {}) {
  const { items, stages } = await preflightItems(await writeSpec(dir, tinySpec(changes)));
  for (const { status, fix } of items) assert.equal(fix === null, status === 'ok');
  return { items: new Map(items.map((item) => [item.name, item])), stages };
}

const failed = ({ items }: Awaited<ReturnType<typeof preflight>>) =>
  [...items.values()].filter(({ status }) => status === 'failed').map(({ name }) => name);

describe('a preflight', () => {
  it('says of everything that it is there, and how long each stage will take', async (t) => {
    const { items, stages } = await preflight(await folder(t));
    const names = ['parent', 'space', 'tokenizer', 'text', 'tasks', 'target', 'limits', 'memory', 'disk', 'time'];
    assert.deepEqual([...items.keys()], names);
    for (const { status, message } of items.values()) assert.equal(status, 'ok', message);
    assert.equal(items.get('parent')?.message, '3 layers, 44,328 parameters');
    assert.equal(items.get('tasks')?.message, '1 task, 6 questions');
    assert.equal(items.get('limits')?.message, 'can be met');
    assert.deepEqual(
      stages.map(({ stage }) => stage),
      STAGES.filter((stage) => !OPTIONAL_STAGES.has(stage)),
    );
    for (const { seconds } of stages) assert.ok(seconds >= 0 && Number.isFinite(seconds));
    // It takes five to twenty seconds, as quick as the machine is.
    assert.match(items.get('time')?.message ?? '', /^about (5|10|15|20) s in all, by estimate$/);
  });

  it('goes on after what fails, and says what to do about each', async (t) => {
    const dir = await folder(t);
    await rm(join(dir, 'parent', 'tokenizer.json'));
    await writeFile(join(dir, 'task.jsonl'), '{"context": 7}');
    const found = await preflight(dir, { data: { text: 'gone' }, limits: { memory: '60%' } });
    assert.deepEqual(failed(found), ['tokenizer', 'text', 'tasks', 'limits']);
    assert.equal(found.items.get('tokenizer')?.fix, "Put the model's tokenizer.json into its folder.");
    assert.match(found.items.get('tasks')?.message ?? '', /task\.jsonl: line 1: "context" is 7; a string is expected/);
    assert.equal(found.stages.length, 9);
  });

  it('tells nothing of what depends on a parent that is not there', async (t) => {
    const found = await preflight(await folder(t), { parent: 'gone', rules: [{ layer: 9, half: 'ffn', pin: 'x' }] });
    assert.deepEqual([...found.items.keys()], ['parent', 'tokenizer', 'text', 'tasks', 'target', 'limits']);
    assert.deepEqual(failed(found), ['parent', 'tokenizer']);
    assert.equal(found.items.get('limits')?.message, 'understood');
    assert.deepEqual(found.stages, []);
  });

  it('blames each thing once', async (t) => {
    const dir = await folder(t);
    const rules = [{ layer: 0, half: 'ffn', pin: 'ffn-33%' }];
    assert.deepEqual(failed(await preflight(dir, { rules })), ['rules']);
    assert.deepEqual(failed(await preflight(dir, { target: { engine: 'table', file: 'gone.json' } })), ['target']);
    const shapes = { attention: { kvHeads: [3] } };
    const found = await preflight(dir, { space: shapes });
    assert.deepEqual(failed(found), ['space']);
    assert.deepEqual(failed(await preflight(dir, { data: { text: 'text.txt', sequenceLength: 65 } })), ['space']);
  });

  it('finds out that limits cannot be met, under the rules too', async (t) => {
    const dir = await folder(t);
    const alone = await preflight(dir, { limits: { kvCache: '<= 10%' } });
    assert.deepEqual(failed(alone), []);
    const rules = [{ layer: 1, half: 'attention', pin: 'kv4' }];
    const found = await preflight(dir, { limits: { kvCache: '<= 10%' }, rules });
    assert.deepEqual(failed(found), ['limits']);
    assert.match(found.items.get('limits')?.message ?? '', /rules, of which "layer 1 attention is kv4" suffices to/);
    assert.equal(found.items.get('rules')?.message, '1 rule');
  });

  it('tries the device that the runtimes are to be measured on', async (t) => {
    const dir = await folder(t);
    const missing = missingDevice();
    const found = await preflight(dir, { target: { ...MEASURED, device: missing } });
    assert.deepEqual(failed(found), ['device']);
    const { message = '', fix } = found.items.get('device') ?? {};
    assert.match(message, /target\.device: "\w+" does not work here: ONNX Runtime .* only; it needs /);
    assert.match(fix ?? '', /`puzzle devices`/);
    assert.equal((await preflight(dir, { target: MEASURED })).items.has('device'), false);
  });

  it('leaves to the clock what only it can tell', async (t) => {
    const dir = await folder(t);
    const timed = await preflight(dir, { target: MEASURED, limits: { throughput: '>= 99x', memory: '<= 99%' } });
    assert.equal(timed.items.get('limits')?.status, 'ok');
    assert.match(timed.items.get('limits')?.message ?? '', /understood; throughput will be known when/);
    assert.equal((await preflight(dir, { limits: {} })).items.get('limits')?.status, 'warning');
  });

  it('compares memory, disk and time with what there is', async (t) => {
    const dir = await folder(t);
    const large = await preflight(dir, { uptrain: { batch: 10_000_000 } });
    assert.match(large.items.get('memory')?.message ?? '', /^about .* TiB of .* memory: too little$/);
    const long = await preflight(dir, { distil: { tokens: 1e14, distinctTokens: 1e14 } });
    assert.match(long.items.get('disk')?.message ?? '', /^about .* TiB of .* disk space: too little$/);
    assert.equal(long.items.get('time')?.status, 'warning');
  });

  it('of a text that is no spec says where', async (t) => {
    const dir = await temporaryDirectory(t);
    const file = join(dir, 'a.puzzle.json');
    for (const text of ['{', '{ "parent": 7 }', undefined]) {
      if (text !== undefined) await writeFile(file, text);
      const { items, stages } = await preflightItems(text === undefined ? join(dir, 'gone') : file);
      assert.deepEqual([items.map(({ name, status }) => [name, status]), stages], [[['spec', 'failed']], []]);
    }
  });

  it('fails where the search would refuse to start, and only there', async (t) => {
    const dir = await folder(t);
    const changes: SpecChanges[] = [
      ...[{}, { limits: { memory: '<= 1%' } }, { tasks: ['gone'] }, { rules: [{ layer: 0, half: 'ffn', pin: 'x' }] }],
      ...[{ parent: 'gone' }, { limits: { memory: '60%' } }, { target: { engine: 'table', file: 'text.txt' } }],
      { target: { ...MEASURED, device: missingDevice() } },
    ];
    for (const change of changes) {
      const file = await writeSpec(dir, tinySpec(change));
      const starts = await checkInputs(resolveSpec(await readSpec(file), file), file).then(
        () => true,
        () => false,
      );
      assert.equal(starts, failed(await preflight(dir, change)).length === 0, JSON.stringify(change));
    }
  });
});

describe('the footprint of a search', () => {
  const config = tinyConfig();
  const spec = (changes: object) => parseSpec(JSON.stringify({ parent: 'p', data: { text: 't' }, ...changes }), '');
  const memory = (changes: object) => {
    const sizes = budgets(spec(changes), config);
    return peakMemoryBytes(config, sizes, uptrainPlan(config, sizes, undefined), 1);
  };
  const disk = (changes: object) => {
    const { space, ...rest } = spec(changes);
    return runDirectoryBytes(config, enumerateVariants(config, space), budgets({ space, ...rest }, config));
  };

  it('grows with batches in memory, and with calibration tokens and variants on disk', () => {
    const [one, two, three] = [1000, 2000, 3000].map((batch) => memory({ uptrain: { batch } })) as [
      number,
      number,
      number,
    ];
    assert.ok(Math.abs(three - two - (two - one)) < 1e-6 * two && two > one);
    // Hidden states: of 2 layers of 24 numbers, 5 of them in F16, and a token id.
    const tokens = (distinctTokens: number) => disk({ distil: { tokens: 1e7, distinctTokens } });
    assert.equal(tokens(3_000_000) - tokens(2_000_000), 1_000_000 * (5 * 24 * 2 + 4));
    const space = { attention: { linear: false } };
    // A matrix of 24 x 24 and a norm, in F32, in each layer.
    assert.equal(disk({}) - disk({ space }), 2 * 4 * (24 * 24 + 24));
  });
});
