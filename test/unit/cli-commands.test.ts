import assert from 'node:assert/strict';
import { mkdir, readdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { Evaluation } from '../../src/cli/eval.js';
import { type Inspection, inspectConfig } from '../../src/cli/inspect.js';
import type { Status } from '../../src/cli/status.js';
import { toNemotronNas } from '../../src/formats/hf-config.js';
import { concludeRun, createRun } from '../../src/run/run.js';
import { buildReport, writeReport } from '../../src/search/report.js';
import { puzzle, puzzleJson } from '../support/cli.js';
import { exampleReportPieces } from '../support/report-pieces.js';
import { temporaryDirectory } from '../support/run-process.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const STORIES = join(sharedDir() ?? '', 'models', 'stories260K');

interface Failure {
  error: { message: string; where: string | null };
}

describe('the command line', { concurrency: 2 }, () => {
  it('answers --help with exit 0, and a command it does not know, or none, with exit 2', async () => {
    const help = await puzzle('--help');
    assert.equal(help.status, 0);
    assert.match(help.stdout, /search .*resume .*status .*inspect .*eval .*generate .*solve .*export /s);
    for (const args of [
      [],
      ['frobnicate'],
      ['inspect'],
      ['search', 'spec', '--until', 'never'],
      ['status', 'a', '-x'],
    ]) {
      const { status, stdout, stderr } = await puzzle(...args);
      assert.equal(status, 2, args.join(' '));
      assert.equal(stdout, '');
      assert.match(stderr, /error: .+/);
    }
  });

  it('tells of bad input in one JSON object with exit 2, and in words on stderr', async () => {
    for (const [command, where] of [
      [['inspect', '/no/such/model'], '/no/such/model/config.json'],
      [['search', '/no/such/spec.puzzle.json'], '/no/such/spec.puzzle.json'],
      [['resume', '/no/such/run'], '/no/such/run'],
      [['status', '/no/such/run'], '/no/such/run'],
      [['solve', '/no/such/run', '--constraint', 'memory'], '--constraint'],
      [['export', '/no/such/run', '--out', '/tmp/x'], '/no/such/run'],
      [['generate', '/no/such/model', '--prompt', 'x', '--tokens', 'many'], '--tokens'],
      [['inspect'], null],
    ] as const) {
      const { status, answer, stderr } = await puzzleJson(...command);
      const json = answer as Failure;
      assert.equal(status, 2, command.join(' '));
      assert.equal(json.error.where, where);
      assert.ok(json.error.message.length > 0);
      assert.match(stderr, /^error: /);
      assert.doesNotMatch(stderr, / {4}at /, 'bad input is no reason for a stack trace');
    }
  });

  it('inspects a child by its config.json alone', async (t) => {
    const dir = await temporaryDirectory(t);
    const { config } = exampleReportPieces().child;
    await writeFile(join(dir, 'config.json'), JSON.stringify(toNemotronNas(config)));
    const { status, answer } = await puzzleJson('inspect', dir);
    const json = answer as Inspection;
    assert.equal(status, 0);
    assert.equal(json.family, 'nemotron-nas');
    assert.deepEqual(json, inspectConfig(toNemotronNas(config), 'config.json'));
    assert.deepEqual(json.heads, { attention: 8, kv: 4 });
    assert.deepEqual(json.choices, [
      { attention: 'kv4', ffn: 'ffn-100%' },
      { attention: 'kv1', ffn: 'ffn-50%' },
      { attention: 'linear', ffn: 'ffn-25%' },
      { attention: 'no-op', ffn: 'linear' },
      { attention: 'kv2', ffn: 'no-op' },
    ]);
    const { stdout } = await puzzle('inspect', dir);
    assert.match(stdout, /159,808 parameters, 312 KiB as F16/);
  });

  it('inspects a model of a family that it does not know, and one that it cannot count in part', async (t) => {
    const dir = await temporaryDirectory(t);
    const inspectJson = async (json: object) => {
      await writeFile(join(dir, 'config.json'), JSON.stringify(json));
      const { status, answer } = await puzzleJson('inspect', dir);
      assert.equal(status, 0);
      return { answer: answer as Inspection, text: (await puzzle('inspect', dir)).stdout };
    };
    const sizes = { num_hidden_layers: 2, hidden_size: 64, num_attention_heads: 8, num_key_value_heads: 4 };
    const unknown = await inspectJson({ ...sizes, model_type: 'foo' });
    const choice = { attention: 'kv4', ffn: 'unknown' };
    const { notes, ...facts } = unknown.answer;
    assert.deepEqual(facts, {
      ...{ family: 'foo', layers: 2, heads: { attention: 8, kv: 4 }, parameters: null, bytes: null },
      choices: [choice, choice],
    });
    assert.match(notes?.join() ?? '', /family foo are not known/);
    assert.match(
      unknown.text,
      /vocabulary unknown\n8 attention heads of unknown.*\nparameters unknown, bytes unknown\nnote: /,
    );
    const more = { model_type: 'nemotron_h', hybrid_override_pattern: 'M*', vocab_size: 100 };
    const partly = await inspectJson({ ...sizes, ...more });
    assert.equal(partly.answer.parameters, null);
    assert.match(partly.text, /at least 25,216 parameters, bytes unknown\nnote: .*mamba is not counted/);
  });

  it('tells the state of a run that failed, and that nobody is there to be paused', async (t) => {
    const dir = join(await temporaryDirectory(t), 'run');
    const failing = concludeRun(await createRun(dir, {}), (run) => {
      run.append({ type: 'stage-started', stage: 'distil', total: 4 });
      return Promise.reject(new Error('out of luck'));
    });
    await assert.rejects(failing, /out of luck/);
    const { status, answer } = await puzzleJson('status', dir);
    const json = answer as Status;
    assert.equal(status, 0);
    assert.deepEqual(json, {
      ...{ run: dir, state: 'failed', stage: 'distil', progress: 0, etaSeconds: null, report: null },
    });
    assert.match((await puzzle('status', dir)).stdout, /failed: out of luck/);
    for (const request of ['pause', 'cancel']) {
      const asked = await puzzle(request, dir);
      assert.equal(asked.status, 2);
      assert.match(asked.stderr, /no process is working on this run/);
    }
  });

  it('exports the child of a finished run as a whole folder, and never into one that holds something', async (t) => {
    const base = await temporaryDirectory(t);
    const [run, child, out] = [join(base, 'run'), join(base, 'run', 'child'), join(base, 'a', 'out')];
    await mkdir(child, { recursive: true });
    await writeFile(join(child, 'config.json'), '{}');
    await writeFile(join(child, 'model.safetensors'), 'weights');
    const pieces = exampleReportPieces();
    await writeReport(
      buildReport({ ...pieces, paths: { ...pieces.paths, run, child, report: join(run, 'report.json') } }),
    );
    const { status, answer } = await puzzleJson('export', run, '--format', 'hf', '--out', out);
    const json = answer as { files: string[] };
    assert.equal(status, 0);
    assert.deepEqual(json.files, ['config.json', 'model.safetensors']);
    assert.deepEqual((await readdir(out)).sort(), json.files);
    const again = await puzzle('export', run, '--out', out);
    assert.equal(again.status, 2);
    assert.match(again.stderr, /is not empty/);
    const ontoFile = await puzzle('export', run, '--out', join(out, 'config.json'));
    assert.equal(ontoFile.status, 2);
    assert.match(ontoFile.stderr, /is no directory to write to/);
  });
});

describe('the command line on a published model', { skip: skipWithoutShared(), concurrency: 2 }, () => {
  it('inspects it', async () => {
    const { status, answer } = await puzzleJson('inspect', STORIES);
    const json = answer as Inspection;
    assert.equal(status, 0);
    const { choices, ...facts } = json;
    const heads = { attention: 8, kv: 4 };
    assert.deepEqual(facts, { family: 'llama', layers: 5, heads, parameters: 260_032, bytes: 1_040_128 });
    assert.deepEqual(choices, Array(5).fill({ attention: 'kv4', ffn: 'ffn-100%' }));
  });

  it('inspects a mixture of experts, and says what it means', async () => {
    const mixture = join(sharedDir() ?? '', 'configs', 'Mixtral-8x7B-v0.1');
    const { status, answer } = await puzzleJson('inspect', mixture);
    const { choices, notes, ...facts } = answer as Inspection;
    assert.equal(status, 0);
    const heads = { attention: 32, kv: 8 };
    const parameters = 46_702_792_704;
    assert.deepEqual(facts, { family: 'mixtral', layers: 32, heads, parameters, bytes: 2 * parameters });
    assert.deepEqual(choices[31], { attention: 'kv8', ffn: '8 experts, 2 active' });
    assert.match(notes?.join() ?? '', /2 of the 8 experts/);
    assert.match((await puzzle('inspect', mixture)).stdout, /46,702,792,704 parameters, 87.0 GiB as BF16\nnote: /);
  });

  it('names the field of a model that it does not support', async () => {
    const mixture = join(sharedDir() ?? '', 'configs', 'Mixtral-8x7B-v0.1');
    const { status, answer } = await puzzleJson('generate', mixture, '--prompt', 'x', '--tokens', '1');
    const json = answer as Failure;
    assert.equal(status, 2);
    assert.match(json.error.message, /model_type is "mixtral"/);
  });

  it('evaluates the published sentence to the published likelihood, with or without a line break at its end', async (t) => {
    const dir = await temporaryDirectory(t);
    for (const end of ['', '\n']) {
      const file = join(dir, 'sentence.txt');
      await writeFile(file, `One day, a clever fox found a shiny key under the old oak tree.${end}`);
      const { status, answer } = await puzzleJson('eval', STORIES, '--text', file);
      const json = answer as Evaluation;
      assert.equal(status, 0);
      assert.equal(json.tokens, 35);
      assert.ok(Math.abs((json.nllSum ?? 0) - 54.404121) < 1e-3, String(json.nllSum));
      assert.ok(Math.abs((json.perplexity ?? 0) - 4.953633) < 1e-3, String(json.perplexity));
      assert.deepEqual(json.tasks, []);
    }
  });

  it('evaluates tasks, each by its name, and reads a table of them', async (t) => {
    const dir = await temporaryDirectory(t);
    const item = { context: 'Once upon a', choices: [' time', ' qqq'], answer: 0 };
    for (const name of ['one', 'two']) await writeFile(join(dir, `${name}.jsonl`), `${JSON.stringify(item)}\n`);
    const files = [join(dir, 'one.jsonl'), join(dir, 'two.jsonl')];
    const { answer } = await puzzleJson('eval', STORIES, '--tasks', ...files);
    const json = answer as Evaluation;
    const scores = { items: 1, chance: 0.5, accuracy: 1, accuracyNormalised: 1 };
    assert.deepEqual(json.tasks, [
      { name: 'one', ...scores },
      { name: 'two', ...scores },
    ]);
    assert.equal(json.nllSum, null);
    assert.match((await puzzle('eval', STORIES, '--tasks', ...files)).stdout, /mean +50.0% +100.0%/);
  });

  it('refuses to evaluate on nothing, and names the line of a task that is not one', async (t) => {
    const nothing = await puzzle('eval', STORIES);
    assert.equal(nothing.status, 2);
    const file = join(await temporaryDirectory(t), 'task.jsonl');
    await writeFile(file, '{"context": "", "choices": ["a", "b"], "answer": 7}\n');
    const { status, answer } = await puzzleJson('eval', STORIES, '--tasks', file);
    const json = answer as Failure;
    assert.equal(status, 2);
    assert.equal(json.error.where, `${file}: line 1`);
  });

  it('continues a story, the same in words as in JSON, and by as many tokens as asked', async () => {
    const args = ['generate', STORIES, '--prompt', 'Once upon a time', '--tokens', '12'];
    const { status, answer } = await puzzleJson(...args);
    const json = answer as { text: string; ids: number[]; tokens: number };
    assert.equal(status, 0);
    assert.equal(json.tokens, 12);
    assert.equal(json.ids.length, 12);
    assert.match(json.text, /^Once upon a time, there was a/);
    assert.equal((await puzzle(...args)).stdout.trimEnd(), json.text.trimEnd());
  });
});
