import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rm, writeFile } from 'node:fs/promises';
import { hostname } from 'node:os';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Program } from '../../src/extension/node-program.js';
import {
  cancelRun,
  continueRun,
  logPath,
  pauseRun,
  StartError,
  startRunProcess,
} from '../../src/extension/runs/run-process.js';
import { holderPath, holdingProcess, isLocked, lockPath } from '../../src/run/lock-state.js';
import { readRunView, type RunView } from '../../src/run/view.js';
import { temporaryDirectory } from '../support/run-process.js';
import { tinyRun, writeTinySearch } from '../support/tiny-search.js';

const CLI = fileURLToPath(new URL('../../src/cli/main.ts', import.meta.url));
const WORKER = fileURLToPath(new URL('../support/run-worker.ts', import.meta.url));

const program = (script: string, ...args: string[]): Program => {
  return { command: process.execPath, args: [...process.execArgv, script, ...args], env: process.env };
};

const PATIENCE_MS = 60_000;

/** Waits until a run reads as this. */
async function until(dir: string, state: RunView['state']): Promise<void> {
  const deadline = Date.now() + PATIENCE_MS;
  let view = await readRunView(dir);
  while (view.state !== state && Date.now() < deadline) {
    await sleep(50);
    view = await readRunView(dir);
  }
  assert.equal(view.state, state, view.error ?? undefined);
}

describe('the process of a run', () => {
  it('outlives its starter, and can be paused, continued and cancelled through the run directory', async (test) => {
    const dir = await temporaryDirectory(test);
    const spec = await writeTinySearch(dir, {
      uptrain: { tokens: 4_000_000, batch: 4, validateEvery: 4, patience: 1000 },
    });
    const run = tinyRun(dir);
    await startRunProcess(program(CLI, 'search', spec), run);
    const pid = await holdingProcess(run);
    assert.ok(pid !== undefined);
    test.after(() => {
      if (existsSync(`/proc/${String(pid)}`)) process.kill(-pid, 'SIGKILL');
    });
    const stat = await readFile(`/proc/${String(pid)}/stat`, 'utf8').catch(() => undefined);
    // Fields after the name: state, parent, process group. A group of its own survives the end of this one.
    if (stat !== undefined) assert.equal(Number(stat.slice(stat.lastIndexOf(')') + 2).split(' ')[2]), pid);

    await pauseRun(run);
    await until(run, 'paused');
    assert.equal(await continueRun(run), true);
    await until(run, 'running');
    await cancelRun(run);
    assert.equal(await isLocked(run), false);
    await until(run, 'cancelled');
    assert.equal(await continueRun(run), false);
    await assert.rejects(cancelRun(run), /no process is working on this run/);
    await assert.rejects(pauseRun(run), /no process is working on this run/);
  });

  it('is under way also when it has done its work already', async (test) => {
    const dir = await temporaryDirectory(test);
    const spec = await writeTinySearch(dir);
    const run = tinyRun(dir);
    await startRunProcess(program(CLI, 'search', spec, '--until', 'space'), run);
    await until(run, 'paused');
    await startRunProcess(program(CLI, 'search', spec, '--until', 'space'), run);
    await until(run, 'paused');
  });

  it('says why it ended when the spec cannot be used', async (test) => {
    const dir = await temporaryDirectory(test);
    const spec = await writeTinySearch(dir);
    await rm(join(dir, 'text.txt'));
    await assert.rejects(startRunProcess(program(CLI, 'search', spec), tinyRun(dir)), (error) => {
      assert.ok(error instanceof StartError);
      assert.match(error.message, /^[^\n]*text\.txt/);
      return true;
    });
    assert.match(await readFile(logPath(tinyRun(dir)), 'utf8'), /error: .*text\.txt/);
  });

  it('is never two: a second one ends and names the first', async (test) => {
    const dir = await temporaryDirectory(test);
    await startRunProcess(program(WORKER, 'steps', dir), dir);
    const pid = await holdingProcess(dir);
    await assert.rejects(startRunProcess(program(WORKER, 'resume', dir), dir), new RegExp(`process ${String(pid)} on`));
    await cancelRun(dir);
  });

  it('is ended when it does not begin in time', async (test) => {
    const dir = await temporaryDirectory(test);
    const hangs = {
      command: process.execPath,
      args: ['-e', 'console.log("reading"); setInterval(() => 0, 1e6)'],
      env: {},
    };
    await assert.rejects(startRunProcess(hangs, dir, 500), /reading/);
  });

  it('is ended by force when it does not listen', { skip: process.platform === 'win32' }, async (test) => {
    const dir = await temporaryDirectory(test);
    await startRunProcess(program(WORKER, 'steps', dir), dir);
    const pid = await holdingProcess(dir);
    assert.ok(pid !== undefined);
    process.kill(pid, 'SIGSTOP');
    await cancelRun(dir, 300);
    assert.equal(await holdingProcess(dir), undefined);
    assert.equal((await readRunView(dir)).state, 'interrupted');
  });

  it('is not believed when it calls itself process 1, whose group would be everybody', async (test) => {
    const dir = await temporaryDirectory(test);
    const holder = { pid: 1, host: hostname(), boot: '', started: '', since: new Date().toISOString() };
    await writeFile(holderPath(dir), JSON.stringify(holder));
    await writeFile(lockPath(dir), '');
    const kill = test.mock.method(process, 'kill', () => true);
    await assert.rejects(cancelRun(dir, 50), /process 1 could not be ended/);
    assert.equal(kill.mock.callCount(), 0);
  });
});
