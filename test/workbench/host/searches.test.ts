import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { commands, tasks, window } from 'vscode';
import { holdingProcess, isLocked } from '../../../src/run/lock-state.js';
import { ENDLESS } from '../endless.js';
import { processesUnseen } from '../processes.js';
import { services } from './extension.js';
import { processesOf } from './processes.js';
import { copyOf, finishedSearch, finishedTasks, isAt, newSearch, reaches, type Search } from './searches.js';
import { skip } from './skip.js';
import { until } from '../until.js';

const start = ({ spec }: Search) => commands.executeCommand('puzzle.startSearch', spec);

/** Ends the process of a run as a crash would. */
async function killProcess({ dir }: Search): Promise<void> {
  const pid = await holdingProcess(dir);
  assert.ok(pid !== undefined, 'a process is at work');
  process.kill(pid, 'SIGKILL');
}

const hasTab = (label: RegExp) => window.tabGroups.all.some(({ tabs }) => tabs.some((tab) => label.test(tab.label)));

describe('a search', () => {
  it('goes from the command to the finished child, with its panel beside the spec', async () => {
    const search = await finishedSearch();
    assert.ok(hasTab(/^Puzzle: tiny$/), 'the panel is open');
    const report = JSON.parse(await readFile(join(search.dir, 'report.json'), 'utf8')) as { kept: { memory: number } };
    assert.ok(report.kept.memory <= 0.97);
    assert.ok(existsSync(join(search.dir, 'child/config.json')));
    assert.equal(await isLocked(search.dir), false);
  });

  it('that another program has made appears of itself', async () => {
    await reaches(await copyOf(await finishedSearch(), 'from-elsewhere'), 'done');
  });

  it('is a task too', async () => {
    const search = await newSearch('tasked');
    const task = await until('the spec is offered as a task', async () => {
      const offered = await tasks.fetchTasks({ type: 'puzzle' });
      return offered.find(({ detail }) => detail === search.spec.fsPath);
    });
    assert.deepEqual(task.definition, { type: 'puzzle', spec: 'tasked/tiny.puzzle.json' });
    const ended = new Promise<number | undefined>((done) => {
      tasks.onDidEndTaskProcess(({ execution, exitCode }) => {
        if (execution.task.detail === task.detail) done(exitCode);
      });
    });
    await tasks.executeTask(task);
    assert.equal(await ended, 0);
    await reaches(search, 'done');
  });

  it('runs beside another one', async () => {
    const [one, other] = [await newSearch('one', { seed: 4 }), await newSearch('other', { seed: 5 })];
    await Promise.all([start(one), start(other)]);
    const pids = await Promise.all([one, other].map(({ dir }) => holdingProcess(dir)));
    assert.ok(pids[0] !== pids[1]);
    await Promise.all([reaches(one, 'done'), reaches(other, 'done')]);
  });

  it('has one process, however often it is started', async () => {
    const search = await newSearch('once', ENDLESS);
    await start(search);
    const pid = await holdingProcess(search.dir);
    await start(search);
    const { runs } = await services();
    await assert.rejects(runs.start(search.spec.fsPath), /running already/);
    assert.equal(await holdingProcess(search.dir), pid);
    await commands.executeCommand('puzzle.cancel', search.dir);
  });

  it('pauses, goes on, and is cancelled', async () => {
    const search = await newSearch('paused', ENDLESS);
    await start(search);
    await isAt(search, 'uptrain');
    await commands.executeCommand('puzzle.pause', search.dir);
    await reaches(search, 'paused');
    await commands.executeCommand('puzzle.resume', search.dir);
    await reaches(search, 'running');
    await commands.executeCommand('puzzle.cancel', search.dir);
    await reaches(search, 'cancelled');
    assert.equal(await isLocked(search.dir), false);
  });

  it('whose process is killed reads as interrupted, and goes on without doing anything twice', async () => {
    const search = await newSearch('killed');
    await start(search);
    await isAt(search, 'distil');
    await killProcess(search);
    await reaches(search, 'interrupted');
    const before = await finishedTasks(search);
    await commands.executeCommand('puzzle.resume', search.dir);
    await reaches(search, 'done');
    const after = await finishedTasks(search);
    assert.deepEqual(after.slice(0, before.length), before);
    assert.equal(new Set(after).size, after.length);
  });

  it('is solved again after the worker that answers questions was killed', async function () {
    if (processesUnseen !== false) skip(this, processesUnseen);
    const search = await finishedSearch();
    await commands.executeCommand('puzzle.solveAgain', search.dir);
    const killed = processesOf('questions.js');
    assert.equal(killed.length, 1);
    for (const pid of killed) process.kill(pid, 'SIGKILL');
    await until('another worker is there', () => {
      const [pid] = processesOf('questions.js');
      return pid !== undefined && !killed.includes(pid);
    });
    await commands.executeCommand('puzzle.solveAgain', search.dir);
  });
});
