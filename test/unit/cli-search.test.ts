import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import type { Status } from '../../src/cli/status.js';
import { eventsPath } from '../../src/run/event-log.js';
import { readRunState } from '../../src/run/run.js';
import type { Report } from '../../src/search/report.js';
import type { SolvedArchitecture } from '../../src/search/solve.js';
import { puzzle, puzzleJson, startNode, startPuzzle } from '../support/cli.js';
import { temporaryDirectory } from '../support/run-process.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const SHARED = sharedDir() ?? '';
const BUILT = join(import.meta.dirname, '../../dist/puzzle.js');

/** A spec of a search that takes seconds, on a published model. */
async function writeSpec(dir: string, changes: object = {}): Promise<string> {
  const task = (await readFile(join(SHARED, 'tasks/blimp-anaphor-gender-agreement.jsonl'), 'utf8')).split('\n');
  await writeFile(join(dir, 'gender.jsonl'), task.slice(0, 20).join('\n'));
  const text = await readFile(join(SHARED, 'text/tinystories.txt'), 'utf8');
  await writeFile(join(dir, 'text.txt'), text.slice(0, 60_000));
  const spec = {
    parent: join(SHARED, 'models/stories260K'),
    data: { text: 'text.txt', sequenceLength: 32 },
    tasks: ['gender.jsonl'],
    space: { attention: { kvHeads: [2], linear: false }, ffn: { percents: [50], linear: false } },
    target: { engine: 'onnxruntime', threads: 1, workload: { batch: 2, prefill: 8, generated: 8 } },
    limits: { memory: '<= 80%' },
    distil: { tokens: 1024, distinctTokens: 1024, batch: 4 },
    score: { tokens: 256 },
    uptrain: { tokens: 1024, batch: 8 },
    evaluate: { tokens: 256, pairs: 3 },
    ...{ processes: 1, threads: 1 },
    ...changes,
  };
  const file = join(dir, 'small.puzzle.json');
  await writeFile(file, `// A comment is allowed.\n${JSON.stringify(spec)}`);
  return file;
}

const finishedTasks = async (run: string): Promise<string[]> => {
  const lines = (await readFile(eventsPath(run), 'utf8')).trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { type: string; key?: string });
  return events.flatMap(({ type, key }) => (type === 'task-finished' && key !== undefined ? [key] : []));
};

/** The stages of the tasks that were started after the first `finished` had finished. */
const tasksStarted = async (run: string, finished: number): Promise<string[]> => {
  const lines = (await readFile(eventsPath(run), 'utf8')).trim().split('\n');
  const events = lines.map((line) => JSON.parse(line) as { type: string; stage?: string });
  const after = events.findIndex(
    (_, i) => events.slice(0, i).filter(({ type }) => type === 'task-finished').length === finished,
  );
  return events
    .slice(after)
    .flatMap(({ type, stage }) => (type === 'task-started' && stage !== undefined ? [stage] : []));
};

describe('a search from the command line', { skip: skipWithoutShared() }, () => {
  it('stops after a stage, goes on from there, and leaves a child with its report', async (t) => {
    const dir = await temporaryDirectory(t);
    const spec = await writeSpec(dir);
    const run = join(dir, '.puzzle', 'small');

    const first = await puzzleJson('search', spec, '--until', 'measure');
    assert.equal(first.status, 0, first.stderr);
    assert.equal((first.answer as Status).run, run);
    assert.equal((first.answer as Status).report, null);
    assert.equal((first.answer as Status).state, 'paused');
    assert.match((await puzzle('status', run)).stdout, /paused: stopped after measure, as asked; resume to go on/);
    assert.match(first.stderr, /^distil +done in /m);

    const solved = await puzzleJson('solve', run, '--constraint', 'memory<=70%');
    assert.equal(solved.status, 0, solved.stderr);
    const { totals, parent } = solved.answer as SolvedArchitecture;
    assert.ok(totals.memory <= 0.7 * parent.memory);
    const impossible = await puzzle('solve', run, '--constraint', 'memory<=1%');
    assert.equal(impossible.status, 2);
    assert.match(impossible.stderr, /no architecture of this space meets "memory <= 1%"/);

    const flags = ['--pin', '0:attention=no-op', '--ban', '1:ffn=ffn-100%'];
    const ruled = await puzzleJson('solve', run, ...flags);
    const [pinned, banned] = (ruled.answer as SolvedArchitecture).architecture;
    assert.equal(pinned?.attention, 'no-op', ruled.stderr);
    assert.notEqual(banned?.ffn, 'ffn-100%');
    const unknown = await puzzle('solve', run, '--pin', '0:attention=kv3');
    assert.equal(unknown.status, 2);
    assert.match(unknown.stderr, /layer 0 has no attention variant "kv3"; possible: kv4, kv2, no-op/);

    const second = await puzzleJson('resume', run);
    assert.equal(second.status, 0, second.stderr);
    const report = second.answer as Report;
    assert.deepEqual(report, JSON.parse(await readFile(report.paths.report, 'utf8')));
    assert.ok(report.kept.memory <= 0.8);
    assert.equal(report.architecture.length, 5);
    assert.deepEqual(
      report.stages.map(({ stage }) => stage),
      ['space', 'distil', 'score', 'measure', 'solve', 'assemble', 'uptrain', 'evaluate', 'export'],
    );

    const out = join(dir, 'out');
    assert.equal((await puzzle('export', run, '--out', out)).status, 0);
    const evaluated = await puzzleJson('eval', out, '--tasks', join(dir, 'gender.jsonl'));
    assert.equal(evaluated.status, 0, evaluated.stderr);
    const [task] = (evaluated.answer as { tasks: { accuracy: number }[] }).tasks;
    assert.equal(task?.accuracy, report.child.tasks[0]?.accuracy, 'the exported child is the one that was evaluated');

    // The same spec again: everything is there, nothing is done twice, and people get the tables.
    const again = await puzzle('search', spec);
    assert.equal(again.status, 0, again.stderr);
    assert.match(again.stdout, /Architecture of the child[^]*Parent and child[^]*Cost of the search[^]*Files/);
    const keys = await finishedTasks(run);
    assert.equal(new Set(keys).size, keys.length);

    // Another limit in the spec: solved again and assembled again, but nothing is trained or measured again.
    const changed = await puzzleJson('search', await writeSpec(dir, { limits: { memory: '<= 60%' } }));
    assert.equal(changed.status, 0, changed.stderr);
    assert.ok((changed.answer as Report).kept.memory <= 0.6);
    const stagesOf = await tasksStarted(run, keys.length);
    assert.deepEqual(
      stagesOf.filter((stage) => ['distil', 'score', 'measure'].includes(stage)),
      [],
    );
    assert.ok(stagesOf.includes('solve') && stagesOf.includes('uptrain'));

    // And back: the first child returns, whatever was written over it meanwhile.
    const back = await puzzleJson('search', await writeSpec(dir));
    assert.equal(back.status, 0, back.stderr);
    assert.equal((back.answer as Report).child.parameters, report.child.parameters);
    const config = await readFile(join(run, 'child', 'config.json'), 'utf8');
    assert.equal(config, await readFile(join(out, 'config.json'), 'utf8'));
  });

  it(
    'works as the built program too, its tasks in the built worker',
    { skip: existsSync(BUILT) ? false : 'dist/ is not built' },
    async (t) => {
      const spec = await writeSpec(await temporaryDirectory(t));
      const { status, stdout, stderr } = await startNode(BUILT, 'search', spec, '--until', 'score', '--json').result;
      assert.equal(status, 0, stderr);
      assert.equal((JSON.parse(stdout) as Status).stage, 'score');
      assert.doesNotMatch(stderr, /warning/);
    },
  );

  it('is cancelled by Ctrl-C after the step at hand, and says how to go on', async (t) => {
    const dir = await temporaryDirectory(t);
    const spec = await writeSpec(dir, { distil: { tokens: 2_000_000, distinctTokens: 1024, batch: 4 } });
    const { process: search, result } = startPuzzle('search', spec, '--json');
    const run = join(dir, '.puzzle', 'small');
    const isAtWork = async () => (await readRunState(run).catch(() => undefined))?.stage === 'distil';
    while (!(await isAtWork())) {
      assert.equal(search.exitCode, null, 'the search ended before it could be cancelled');
      await sleep(50);
    }
    const closed = once(search, 'close');
    search.kill('SIGINT');
    await closed;
    const { status, stdout, stderr } = await result;
    assert.equal(status, 1);
    const { error } = JSON.parse(stdout) as { error: { message: string } };
    assert.equal(error.message, `cancelled; to go on: puzzle resume '${run}'`);
    assert.match(stderr, /stopping after the step at hand/);
    assert.equal((await readRunState(run)).state, 'cancelled');
  });
});
