import assert from 'node:assert/strict';
import { appendFile, mkdir, open, readFile, rm, truncate, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { build } from 'esbuild';
import { InputError } from '../../src/common/errors.js';
import { eventsPath } from '../../src/run/event-log.js';
import { type NewEvent, OPTIONAL_STAGES, STAGES } from '../../src/run/events.js';
import { concludeRun, createRun, openRun } from '../../src/run/run.js';
import { readRunView, RunReader, type RunView } from '../../src/run/view.js';
import { runViewSchema, seriesSchema } from '../../src/protocol/run.js';
import { killNow, startRunWorker, temporaryDirectory } from '../support/run-process.js';

const stageOf = (view: RunView | undefined, name: string) => view?.stages.find(({ stage }) => stage === name);

describe('a run as its directory tells of it', () => {
  it('has all stages, those to come with the time they were planned to take', async (t) => {
    const dir = join(await temporaryDirectory(t), 'small');
    const run = await createRun(dir, {});
    run.append({ type: 'plan', seconds: { space: 2, distil: 60 } });
    run.append({ type: 'stage-started', stage: 'space', total: 4 });
    run.append({ type: 'stage-progress', stage: 'space', done: 1, total: 4 });
    const view = await readRunView(dir);
    assert.deepEqual(view, runViewSchema.parse(view), 'it is what the panel expects');
    assert.deepEqual([view.name, view.state, view.stage, view.error], ['small', 'running', 'space', null]);
    assert.deepEqual(
      view.stages.map(({ stage }) => stage),
      STAGES.filter((stage) => !OPTIONAL_STAGES.has(stage)),
    );
    assert.deepEqual([stageOf(view, 'space')?.state, stageOf(view, 'space')?.done], ['running', 1]);
    assert.deepEqual([stageOf(view, 'distil')?.state, stageOf(view, 'distil')?.etaSeconds], ['waiting', 60]);
    assert.equal(stageOf(view, 'score')?.etaSeconds, null, 'it is no part of the plan');
    await concludeRun(run, () => Promise.resolve());
    const done = await readRunView(dir);
    assert.deepEqual([done.state, done.progress, done.etaSeconds], ['done', 1, null]);
  });

  it('is paused, and not done, when it was asked to stop after a stage', async (t) => {
    const dir = await temporaryDirectory(t);
    await concludeRun(
      await createRun(dir, {}),
      () => Promise.resolve(),
      () => 'measure',
    );
    assert.equal((await readRunView(dir)).state, 'paused');
  });

  it('is interrupted when its process is gone, and its time stands still', async (t) => {
    const dir = await temporaryDirectory(t);
    const worker = await startRunWorker('steps', dir);
    const reader = new RunReader(dir);
    const running = await reader.read();
    assert.equal(running?.state, 'running');
    assert.ok(running.vitals !== null);
    assert.equal(running.vitals.pid, worker.pid);
    assert.ok(running.vitals.silentSeconds < 10);
    // A Node has tens of megabytes for itself; where the system has no /proc, nobody knows.
    const { memoryBytes } = running.vitals;
    if (process.platform === 'linux') assert.ok(memoryBytes !== null && memoryBytes > 2 ** 24 && memoryBytes < 2 ** 32);
    else assert.equal(memoryBytes, null);
    await killNow(worker);
    const [one, other] = [await reader.read(), await reader.read()];
    assert.equal(one?.state, 'interrupted');
    assert.equal(one.vitals, null);
    assert.match(one.error ?? '', /is gone; resume it/);
    assert.deepEqual(one, other);
    const run = await openRun(dir);
    assert.equal((await reader.read())?.state, 'running');
    await run.close();
  });

  it('is refused where there is none', async (t) => {
    await assert.rejects(readRunView(await temporaryDirectory(t)), InputError);
  });

  it('is read without a native module, and without what takes locks', async () => {
    const { metafile } = await build({
      stdin: { contents: "import './src/run/view.js'; import './src/run/control.js';", resolveDir: '.' },
      ...{ bundle: true, write: false, metafile: true, platform: 'node', format: 'esm', logLevel: 'silent' },
    });
    const packages = Object.keys(metafile.inputs).flatMap((file) => /node_modules\/([^/]+)/.exec(file)?.[1] ?? []);
    assert.deepEqual([...new Set(packages)], ['zod']);
  });
});

describe('a reader of a run', () => {
  const point = (step: number): NewEvent => {
    return { type: 'loss', stage: 'uptrain', series: 'validation KL', steps: [step], values: [1 / (step + 1)] };
  };
  const steps = (reader: RunReader) => reader.series().flatMap((series) => series.steps);

  it('waits for a run to appear, and gives its curves', async (t) => {
    const dir = join(await temporaryDirectory(t), 'later');
    const reader = new RunReader(dir);
    assert.equal(await reader.read(), undefined);
    await mkdir(dir);
    assert.equal(await reader.read(), undefined);
    const run = await createRun(dir, { name: 'stories' });
    for (const step of [0, 1, 2]) {
      run.append(point(step));
      await reader.read();
    }
    assert.deepEqual(steps(reader), [0, 1, 2]);
    for (const series of reader.series()) assert.deepEqual(series, seriesSchema.parse(series));
    assert.deepEqual(reader.state().header, { name: 'stories' });
    await run.close();
  });

  it('reads no byte twice', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    run.append(point(0));
    const reader = new RunReader(dir);
    await reader.read();
    // Whoever read this again would fail.
    const log = await open(eventsPath(dir), 'r+');
    const { size } = await log.stat();
    await log.write('not JSON', size - 20);
    await log.close();
    run.append(point(1));
    await reader.read();
    assert.deepEqual(steps(reader), [0, 1]);
    await run.close();
  });

  it('sees every line once, however it is torn', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    for (const step of [0, 1, 2, 3]) run.append(point(step));
    await run.close();
    const whole = await readFile(eventsPath(dir), 'utf8');
    const reader = new RunReader(dir);
    for (let end = 0; end < whole.length; end += 37) {
      await writeFile(eventsPath(dir), whole.slice(0, end));
      await reader.read();
    }
    await writeFile(eventsPath(dir), whole);
    await reader.read();
    assert.deepEqual(steps(reader), [0, 1, 2, 3]);
  });

  it('begins anew where the log is another one, has lost lines, or has them no more', async (t) => {
    const dir = await temporaryDirectory(t);
    const log = eventsPath(dir);
    const write = async (...points: number[]) => {
      await rm(log, { force: true });
      const run = await createRun(dir, {});
      for (const step of points) run.append(point(step));
      await run.close();
    };
    await write(0, 1, 2);
    const reader = new RunReader(dir);
    await reader.read();
    await write(5, 6, 7, 8);
    await reader.read();
    assert.deepEqual(steps(reader), [5, 6, 7, 8], 'another log, and longer');
    const whole = await readFile(log, 'utf8');
    await truncate(log, whole.lastIndexOf('\n', whole.length - 2) + 1);
    await reader.read();
    assert.deepEqual(steps(reader), [5, 6, 7], 'a line was taken back');
    await truncate(log, whole.lastIndexOf('\n', whole.length - 2) - 10);
    await appendFile(log, `\n${whole.split('\n').at(-2) ?? ''}\n`.repeat(2));
    await assert.rejects(reader.read(), InputError);
    await rm(log);
    assert.equal(await reader.read(), undefined);
  });
});
