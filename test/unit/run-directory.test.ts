import assert from 'node:assert/strict';
import { once } from 'node:events';
import { mkdir, readFile, readdir, rm, utimes, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, InputError } from '../../src/common/errors.js';
import { writeJson } from '../../src/run/artifacts.js';
import { clearControl, requestControl } from '../../src/run/control.js';
import { eventsPath, readEvents } from '../../src/run/event-log.js';
import { isLocked } from '../../src/run/lock-state.js';
import { concludeRun, createRun, holdsRun, openRun, readRun, readRunState } from '../../src/run/run.js';
import { taskKey } from '../../src/run/task-key.js';
import { killNow, startRunWorker, temporaryDirectory } from '../support/run-process.js';

const META = { stage: 'score', kind: 'k', label: 'layer 0' } as const;
const KEY = taskKey('k', 0);

async function countEvents(dir: string): Promise<Map<string, number>> {
  const counts = new Map<string, number>();
  for await (const { event } of readEvents(eventsPath(dir))) {
    const name = event.type === 'task-finished' ? `${event.type} ${event.key}` : event.type;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return counts;
}

describe('a run directory', () => {
  it('keeps its header and what its tasks gave', async (t) => {
    const dir = join(await temporaryDirectory(t), 'deep/run');
    const run = await createRun(dir, { seed: 7 });
    const task = await run.once(KEY, META, () => Promise.resolve({ result: { kl: 0.25 }, tokens: 3 }));
    await run.close();
    const view = await readRun(dir);
    assert.deepEqual(view.state().header, { seed: 7 });
    assert.deepEqual(view.finished(KEY), task);
    assert.deepEqual(task.result, { kl: 0.25 });
  });

  it('never computes a finished key again, in this process or a later one', async (t) => {
    const dir = await temporaryDirectory(t);
    let computed = 0;
    const compute = async (): Promise<{ result: number }> => {
      await sleep(5);
      return { result: ++computed };
    };
    const first = await createRun(dir, {});
    const both = await Promise.all([first.once(KEY, META, compute), first.once(KEY, META, compute)]);
    await first.close();
    const second = await openRun(dir);
    const again = await second.once(KEY, META, compute);
    await second.close();
    assert.deepEqual(
      [...both, again].map((task) => task.result),
      [1, 1, 1],
    );
    assert.equal(computed, 1);
  });

  it('computes a key again when its artifact is gone', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    t.after(() => run.close());
    let computed = 0;
    const compute = async (): Promise<{ artifact: string }> => {
      await writeJson(run.path('scores/0.json'), ++computed);
      return { artifact: 'scores/0.json' };
    };
    await run.once(KEY, META, compute);
    await rm(run.path('scores/0.json'));
    assert.equal(run.finished(KEY), undefined);
    await run.once(KEY, META, compute);
    assert.equal(computed, 2);
  });

  it('does not log a task as finished that failed, or whose artifact or result is not what it said', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    t.after(() => run.close());
    await assert.rejects(
      run.once(KEY, META, () => Promise.reject(new Error('diverged'))),
      /diverged/,
    );
    await assert.rejects(
      run.once(KEY, META, () => Promise.resolve({ artifact: 'nowhere' })),
      /not there/,
    );
    await assert.rejects(
      run.once(KEY, META, () => Promise.resolve({ result: NaN })),
      TypeError,
    );
    await assert.rejects(
      run.once(KEY, META, () => Promise.resolve({ artifact: '../x' })),
      /outside/,
    );
    assert.equal(run.finished(KEY), undefined);
    assert.equal(run.state().tasks.failed, 4);
  });

  it('refuses to start where a run is, to open where none is, and paths that lead out', async (t) => {
    const dir = await temporaryDirectory(t);
    await assert.rejects(openRun(dir), InputError);
    await assert.rejects(readRunState(join(dir, 'nothing')), InputError);
    // What a process leaves that is killed while it begins.
    await writeFile(join(dir, 'events.jsonl'), '{"v":1');
    assert.equal(await holdsRun(dir), false);
    const run = await createRun(dir, {});
    assert.equal(await holdsRun(dir), true);
    for (const path of ['..', '../x', 'a/../../x', '/etc/passwd']) assert.throws(() => run.path(path), InputError);
    assert.equal(run.path('..a/b'), join(dir, '..a/b'));
    await run.close();
    await assert.rejects(
      createRun(dir, {}),
      (error) => error instanceof InputError && /already holds/.test(error.message),
    );
  });

  it('that is done holds nothing that a process left half-written', async (t) => {
    const dir = await temporaryDirectory(t);
    await concludeRun(await createRun(dir, {}), (run) => writeFile(run.path('.tmp-0123456789ab-x'), ''));
    assert.deepEqual((await readdir(dir)).sort(), ['events.jsonl', 'holder.json']);
  });

  it('tells how work ended, and frees the run', async (t) => {
    const ends: [string, () => Promise<void>][] = [
      ['done', () => Promise.resolve()],
      ['failed', () => Promise.reject(new Error('diverged'))],
      ['cancelled', () => Promise.reject(new CancelledError())],
    ];
    for (const [condition, work] of ends) {
      const dir = await temporaryDirectory(t);
      await concludeRun(await createRun(dir, {}), work).catch(() => undefined);
      assert.equal((await readRunState(dir)).state, condition);
      assert.equal(await isLocked(dir), false);
    }
  });
});

describe('a run whose process is killed', () => {
  it('reads as interrupted, and resumes without doing a finished task twice', async (t) => {
    for (const stall of [0, 4, 7]) {
      const dir = await temporaryDirectory(t);
      await killNow(await startRunWorker('create', dir, String(stall)));
      const interrupted = await readRunState(dir);
      assert.equal(interrupted.state, 'failed');
      assert.match(interrupted.error ?? '', /interrupted/);
      assert.equal(interrupted.tasks.finished, stall);

      await startRunWorker('resume', dir);
      const counts = await countEvents(dir);
      for (let i = 0; i < 8; i++) {
        assert.equal(counts.get(`task-finished ${taskKey('square', i)}`), 1);
        assert.deepEqual(JSON.parse(await readFile(join(dir, `squares/${i}/square.json`), 'utf8')), i * i);
      }
      assert.equal((await readRunState(dir)).state, 'done');
    }
  });

  it('leaves no directory that looks whole, and the next process cleans up', async (t) => {
    const dir = await temporaryDirectory(t);
    await killNow(await startRunWorker('create', dir, '0'));
    const left = await readdir(join(dir, 'squares'));
    assert.equal(left.length, 1);
    assert.match(left[0] ?? '', /^\.tmp-/);
    await (await openRun(dir)).close();
    assert.deepEqual(await readdir(join(dir, 'squares')), []);
  });
});

describe('the lock of a run', () => {
  it('keeps a second process out, naming the first', async (t) => {
    const dir = await temporaryDirectory(t);
    const child = await startRunWorker('steps', dir);
    t.after(() => killNow(child));
    const named = new RegExp(`process ${child.pid ?? 0} on ${hostname()}`);
    await assert.rejects(openRun(dir), (error) => error instanceof InputError && named.test(error.message));
    assert.equal((await readRunState(dir)).state, 'running');
  });

  it('keeps a second opening in the same process out', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    await assert.rejects(openRun(dir), InputError);
    await run.close();
    await (await openRun(dir)).close();
  });

  it('goes to exactly one of many that open at once after a crash', async (t) => {
    const dir = await temporaryDirectory(t);
    await killNow(await startRunWorker('steps', dir));
    const opened = await Promise.allSettled(Array.from({ length: 6 }, () => openRun(dir)));
    const runs = opened.flatMap((result) => (result.status === 'fulfilled' ? [result.value] : []));
    assert.equal(runs.length, 1);
    await Promise.all(runs.map((run) => run.close()));
  });

  it('of another machine holds as long as its heart beats', async (t) => {
    const dir = await temporaryDirectory(t);
    await (await createRun(dir, {})).close();
    await mkdir(join(dir, 'run.lock'));
    const elsewhere = { pid: 1, host: 'elsewhere', boot: 'x', started: '1', since: new Date().toISOString() };
    await writeFile(join(dir, 'holder.json'), JSON.stringify(elsewhere));
    await assert.rejects(openRun(dir), /process 1 on elsewhere/);
    const minuteAgo = new Date(Date.now() - 60_000);
    await utimes(join(dir, 'run.lock'), minuteAgo, minuteAgo);
    await (await openRun(dir)).close();
  });

  it('of a process id that now belongs to another program is free', async (t) => {
    const dir = await temporaryDirectory(t);
    await (await createRun(dir, {})).close();
    await mkdir(join(dir, 'run.lock'));
    const before = JSON.parse(await readFile(join(dir, 'holder.json'), 'utf8')) as Record<string, unknown>;
    await writeFile(join(dir, 'holder.json'), JSON.stringify({ ...before, pid: process.ppid, started: '1' }));
    await (await openRun(dir)).close();
  });
});

describe('asking a run from outside', () => {
  it('cancels it at the next checkpoint, also in another process', async (t) => {
    const dir = await temporaryDirectory(t);
    const child = await startRunWorker('steps', dir);
    assert.equal(await requestControl(dir, 'cancel'), true);
    await once(child, 'exit');
    assert.equal((await readRunState(dir)).state, 'cancelled');
  });

  it('aborts the signal of work that is not looking', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    t.after(() => run.close());
    await requestControl(dir, 'cancel');
    await assert.rejects(sleep(10_000, undefined, { signal: run.signal }), { name: 'AbortError' });
    assert.ok(run.signal.reason instanceof CancelledError);
    await assert.rejects(run.checkpoint(), CancelledError);
  });

  it('pauses every one of its workers until it is told to go on', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    t.after(() => run.close());
    await requestControl(dir, 'pause');
    let gone = 0;
    const waiting = [1, 2].map(() => run.checkpoint().then(() => gone++));
    await sleep(300);
    assert.equal(gone, 0);
    assert.equal((await readRunState(dir)).state, 'paused');
    await clearControl(dir);
    await Promise.all(waiting);
    assert.equal((await readRunState(dir)).state, 'running');
    const counts = await countEvents(dir);
    assert.deepEqual([counts.get('run-paused'), counts.get('run-resumed')], [1, 1]);
  });

  it('cancels a run that is paused', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    t.after(() => run.close());
    await requestControl(dir, 'pause');
    const waiting = assert.rejects(run.checkpoint(), CancelledError);
    await sleep(50);
    await requestControl(dir, 'cancel');
    await waiting;
  });

  it('is refused where nobody works, and forgotten when the run is opened again', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    await requestControl(dir, 'cancel');
    await run.close();
    assert.equal(await requestControl(dir, 'cancel'), false);
    const again = await openRun(dir);
    await again.checkpoint();
    await again.close();
  });
});
