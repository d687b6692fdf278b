import assert from 'node:assert/strict';
import { fork } from 'node:child_process';
import { once } from 'node:events';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CancelledError, InputError } from '../../src/common/errors.js';
import { CrashError, type PoolOptions, type PoolTask, runTasks } from '../../src/worker/pool.js';
import { killNow, temporaryDirectory } from '../support/run-process.js';

const ENTRY = new URL('../support/pool-tasks.ts', import.meta.url);
const options = (more: Partial<PoolOptions> = {}): PoolOptions => ({ processes: 2, entry: ENTRY, ...more });
const task = (kind: string, payload: unknown = null, cost = 1): PoolTask => {
  return { id: `${kind} ${String(payload)}`, kind, payload, cost };
};

async function journalIn(dir: string): Promise<{ path: string; env: Record<string, string> }> {
  const path = join(dir, 'journal');
  await writeFile(path, '');
  return { path, env: { PUZZLE_TEST_JOURNAL: path } };
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch {
    return false;
  }
}

describe('a pool of processes', () => {
  it('does every task once, the longest first, and gives the outcomes in the order asked', async (t) => {
    const { path, env } = await journalIn(await temporaryDirectory(t));
    const tasks = [3, 1, 4, 5, 9, 2, 6].map((n) => task('square', n, n));
    const seen: string[] = [];
    const outcomes = await runTasks(
      tasks,
      options({
        processes: 1,
        env,
        onStarted: ({ id }) => seen.push(`started ${id}`),
        onProgress: ({ id }, data) => seen.push(`progress ${id} ${JSON.stringify(data)}`),
        onFinished: async ({ id }) => {
          await sleep(1);
          seen.push(`finished ${id}`);
        },
      }),
    );
    assert.deepEqual(
      outcomes.map((outcome) => outcome.status === 'finished' && (outcome.result as { square: number }).square),
      [9, 1, 16, 25, 81, 4, 36],
    );
    const order = (await readFile(path, 'utf8')).trim().split('\n');
    assert.deepEqual(
      order,
      [9, 6, 5, 4, 3, 2, 1].map((n) => `square ${n}`),
    );
    assert.deepEqual(
      seen,
      order.flatMap((id) => [`started ${id}`, `progress ${id} {"half":true}`, `finished ${id}`]),
    );
  });

  it('shares the tasks between its processes, which are gone afterwards', async () => {
    const outcomes = await runTasks(
      [1, 2, 3, 4, 5, 6].map((n) => task('square', n)),
      options(),
    );
    const pids = outcomes.map((outcome) =>
      outcome.status === 'finished' ? (outcome.result as { pid: number }).pid : 0,
    );
    assert.equal(new Set(pids).size, 2);
    assert.deepEqual(
      pids.map(isAlive),
      pids.map(() => false),
    );
  });

  it('reports what a handler threw, without another attempt, and does the other tasks', async () => {
    const failures: string[] = [];
    const tasks = [task('throw'), task('square', 3), task('unheard-of')];
    const [thrown, square, unknown] = await runTasks(
      tasks,
      options({ onRetried: () => assert.fail('tried again'), onFailed: ({ id }) => void failures.push(id) }),
    );
    assert.ok(thrown?.status === 'failed' && thrown.error instanceof InputError);
    assert.equal(thrown.error.message, 'model.safetensors: no such shard');
    assert.equal(square?.status, 'finished');
    assert.ok(unknown?.status === 'failed' && unknown.error.message.includes('unheard-of'));
    assert.equal(failures.length, 2);
  });

  it('gives the task of a process that was killed to a new one', async (t) => {
    const { env } = await journalIn(await temporaryDirectory(t));
    const retried: string[] = [];
    const [outcome] = await runTasks(
      [task('crash', 2)],
      options({ env, onRetried: (_, attempt, error) => retried.push(`${attempt} ${error.message}`) }),
    );
    assert.ok(outcome?.status === 'finished');
    assert.equal(outcome.result, 3);
    assert.deepEqual(
      retried.map((line) => line.replace(/process \d+/, 'process N')),
      [1, 2].map((n) => `${n} process N was killed by SIGKILL; it last wrote:\nout of luck at attempt ${n}`),
    );
  });

  it('gives a task up after so many deaths, with the last words, and does the other tasks', async () => {
    let retried = 0;
    const [dead, square] = await runTasks(
      [task('exit'), task('square', 3)],
      options({ attempts: 2, processes: 1, onRetried: () => retried++ }),
    );
    assert.ok(dead?.status === 'failed' && dead.error instanceof CrashError);
    assert.match(dead.error.message, /exited with code 3; it last wrote:\ngave up/);
    assert.equal(retried, 1);
    assert.equal(square?.status, 'finished');
  });

  it('that cannot start its program says so at once', async () => {
    const missing = runTasks(
      [1, 2, 3].map((n) => task('square', n)),
      options({ entry: '/nowhere/entry.mjs' }),
    );
    await assert.rejects(
      missing,
      (error) => error instanceof CrashError && /could be started.*Cannot find module/s.test(error.message),
    );
  });

  it('cancels cooperatively: tasks are asked to stop, no other is started', async () => {
    const controller = new AbortController();
    const started: string[] = [];
    const cancelled = runTasks(
      [task('wait', 1, 9), task('wait', 2, 9), task('square', 3)],
      options({
        graceMs: 600_000,
        signal: controller.signal,
        onStarted: ({ id }) => started.push(id),
        onProgress: () => {
          controller.abort(new CancelledError());
        },
      }),
    );
    await assert.rejects(cancelled, CancelledError);
    assert.equal(started.includes('square 3'), false);
  });

  it('forces a process that does not listen: first SIGTERM, then SIGKILL', async () => {
    for (const deafTo of ['cancel', 'SIGTERM']) {
      const controller = new AbortController();
      const cancelled = runTasks(
        [task('deaf', deafTo)],
        options({
          graceMs: 50,
          signal: controller.signal,
          onProgress: () => {
            controller.abort(new CancelledError());
          },
        }),
      );
      await assert.rejects(cancelled, CancelledError);
    }
  });

  it('starts nothing when it is cancelled before', async () => {
    const signal = AbortSignal.abort(new CancelledError());
    const cancelled = runTasks([task('square', 1)], options({ signal, onStarted: () => assert.fail('started') }));
    await assert.rejects(cancelled, CancelledError);
  });

  it('stops when a callback throws, throws the same, and leaves no process behind', async (t) => {
    const { path, env } = await journalIn(await temporaryDirectory(t));
    const full = new Error('the disk is full');
    const fail = (): never => {
      throw full;
    };
    for (const callback of ['onStarted', 'onProgress', 'onFinished']) {
      const stopped = runTasks([task('pid', 1, 2), task('wait', 2)], options({ env, [callback]: fail }));
      await assert.rejects(stopped, (error) => error === full);
    }
    const pids = (await readFile(path, 'utf8')).match(/\d+/g)?.map(Number) ?? [];
    assert.ok(pids.length >= 2);
    assert.deepEqual(pids.filter(isAlive), []);
  });

  it('is held back before each task, and cancelled there', async () => {
    let allowed = 2;
    let finished = 0;
    const held = runTasks(
      [1, 2, 3, 4].map((n) => task('square', n)),
      options({
        processes: 1,
        beforeTask: () => (allowed-- > 0 ? Promise.resolve() : Promise.reject(new CancelledError())),
        onFinished: () => {
          finished++;
        },
      }),
    );
    await assert.rejects(held, CancelledError);
    assert.equal(finished, 2);
  });

  it('has nothing to do without tasks', async () => {
    assert.deepEqual(await runTasks([], options()), []);
  });

  it('leaves no process behind when its own is killed', async (t) => {
    const { path, env } = await journalIn(await temporaryDirectory(t));
    const program = fileURLToPath(new URL('../support/pool-parent.ts', import.meta.url));
    const parent = fork(program, [], { execArgv: process.execArgv, env: { ...process.env, ...env } });
    await once(parent, 'message');
    const pids = (await readFile(path, 'utf8')).match(/\d+/g)?.map(Number) ?? [];
    assert.equal(pids.length, 2);
    assert.deepEqual(pids.map(isAlive), [true, true]);
    await killNow(parent);
    for (let wait = 0; wait < 500 && pids.some(isAlive); wait++) await sleep(10);
    assert.deepEqual(pids.map(isAlive), [false, false]);
  });
});
