import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Follower } from '../../src/cli/follow.js';
import { progressLine, stageLine } from '../../src/cli/render-progress.js';
import { renderTable } from '../../src/cli/render-table.js';
import { bytes, count, duration, percent, plural, significant, times } from '../../src/common/units.js';
import { createRun } from '../../src/run/run.js';
import type { RunState } from '../../src/run/state.js';
import { taskKey } from '../../src/run/task-key.js';
import { temporaryDirectory } from '../support/run-process.js';

const STATE: RunState = {
  state: 'running',
  stage: 'distil',
  stages: { distil: { state: 'running', done: 10, total: 25, seconds: 60, tokens: 5000, etaSeconds: 90 } },
  planned: [],
  waiting: {},
  stoppedAfter: null,
  progress: 0.205,
  etaSeconds: 312,
  seconds: 75,
  apartSeconds: 0,
  tasks: { finished: 10, failed: 0, retried: 0 },
  error: null,
  warnings: [],
  header: {},
};

describe('the progress line', () => {
  it('tells stage, share, tasks, time left and loss, of the stage and of the run', () => {
    const line = progressLine(STATE, { loss: { series: 'loss', value: 0.01234 } });
    assert.equal(line, 'distil      40%  10/25  ETA 1:30 min  loss 0.0123 | run 20.5%, 1:15 min, ETA 5:12 min');
    assert.match(progressLine(STATE, {}, { bar: true }), /distil +█{8}░{12} +40%/);
  });

  it('promises nothing where nothing is known', () => {
    const stages = {
      distil: { state: 'running', done: 0, total: 25, seconds: 0, tokens: 0, etaSeconds: null } as const,
    };
    const line = progressLine({ ...STATE, stages, progress: 0, etaSeconds: null });
    assert.equal(line, 'distil       0%  0/25 | run 1:15 min');
    assert.equal(progressLine({ ...STATE, stage: null }), 'starting');
  });

  it('names the task at hand between two stages', () => {
    const stages = { distil: { state: 'done', done: 25, total: 25, seconds: 60, tokens: 0, etaSeconds: 0 } as const };
    const line = progressLine({ ...STATE, stages }, { task: 'activations (validation): layer 3' });
    assert.match(line, /^activations \(validation\): layer 3 \| run 20\.5%/);
  });

  it('says of a finished stage what it took', () => {
    const stage = { state: 'done', done: 25, total: 25, seconds: 83.4, tokens: 524_288, etaSeconds: 0 } as const;
    assert.equal(stageLine('distil', stage), 'distil     done in 1:23 min, 524,288 tokens');
    assert.equal(stageLine('solve', { ...stage, seconds: 0.0035, tokens: 0 }), 'solve      done in 3.50 ms');
  });
});

/** Follows a run of two stages on a screen, and returns all that was written. */
async function followed(dir: string, terminal: { isTTY?: boolean; columns?: number }): Promise<string> {
  const run = await createRun(dir, {});
  const written: string[] = [];
  const follower = new Follower(dir, { ...terminal, write: (text) => written.push(text) });
  const key = taskKey('test', terminal);
  run.append({ type: 'stage-started', stage: 'space', total: 1 });
  run.append({ type: 'stage-finished', stage: 'space' });
  run.append({ type: 'log', level: 'warning', message: 'a variant is left out' });
  run.append({ type: 'stage-started', stage: 'distil', total: 4 });
  run.taskStarted(key, { stage: 'distil', kind: 'test', label: 'layer 0' });
  run.append({ type: 'loss', stage: 'distil', series: 'loss', steps: [1, 2], values: [0.5, null] });
  run.taskFinished(key, { tokens: 128 }, 1);
  run.append({ type: 'stage-progress', stage: 'distil', done: 1, total: 4 });
  await follower.stop();
  await run.close();
  return written.join('');
}

describe('following a run', () => {
  it('prints plain lines at every change of stage where the screen is no terminal', async (t) => {
    const text = await followed(await temporaryDirectory(t), {});
    assert.match(
      text,
      /^space +0% +0\/1 .*\nspace +done in .*\nwarning: a variant is left out\ndistil +0% +0\/4 \|.*\n$/,
    );
  });

  it('keeps one line up to date on a terminal, within its width, and takes it away at the end', async (t) => {
    const text = await followed(await temporaryDirectory(t), { isTTY: true, columns: 60 });
    const [permanent = '', ...live] = text.split('\r\x1b[2K');
    assert.match(permanent, /^space +done in .*\nwarning: a variant is left out\n$/);
    assert.match(live[0] ?? '', /^distil +█{5}░{15} +25% +1\/4 /);
    assert.equal(live[0]?.length, 59);
    assert.equal(live.at(-1), '');
  });
});

describe('numbers for people', () => {
  it('have units, and about three significant digits', () => {
    assert.deepEqual([0, 1023, 1024, 1_572_864, 3 * 2 ** 30].map(bytes), [
      ...['0 B', '1023 B', '1.00 KiB', '1.50 MiB', '3.00 GiB'],
    ]);
    assert.deepEqual([0, 0.00001234, 0.0123456, 1.005, 12.34, 123.4, 98765].map(significant), [
      ...['0.00', '0.000012', '0.0123', '1.00', '12.3', '123', '98,765'],
    ]);
    assert.deepEqual([0, 0.0042, 4.24, 59.9, 60, 3599.6, 3723].map(duration), [
      ...['0.0 s', '4.20 ms', '4.2 s', '59.9 s', '1:00 min', '1:00:00 h', '1:02:03 h'],
    ]);
    assert.deepEqual(
      [percent(0.98444), times(2.1666), count(1234567), plural(1, 'thread'), plural(2, 'thread')],
      [...['98.4%', '2.17x', '1,234,567', '1 thread', '2 threads']],
    );
  });

  it('stand to the right in tables, words to the left', () => {
    const table = renderTable(
      ['name', 'n'],
      [
        ['a', '10'],
        ['long name', '9'],
      ],
    );
    assert.equal(table, ['name        n', '─────────  ──', 'a          10', 'long name   9'].join('\n'));
  });
});
