import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { mkdtemp, readdir, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import type { Status } from '../../src/cli/status.js';
import { eventsPath, readEvents } from '../../src/run/event-log.js';
import { type EventOf, type EventType, type RunEvent, type Stage, STAGES } from '../../src/run/events.js';
import { type Series, SeriesFold } from '../../src/run/series.js';
import { puzzle, puzzleJson } from '../support/cli.js';
import type { KillPoint } from '../support/kill-at.js';
import { temporaryDirectory } from '../support/run-process.js';
import { MEASURED, tinyRun, writeTinySearch } from '../support/tiny-search.js';

const fileOf = (relative: string) => fileURLToPath(new URL(relative, import.meta.url));
const PROGRAM = ['--import', 'tsx', '--import', fileOf('../support/kill-at.ts'), fileOf('../../src/cli/main.ts')];

const started: ChildProcess[] = [];
// Where a test failed its search may still be at work.
after(() => {
  const left = started.filter(({ exitCode, signalCode }) => exitCode === null && signalCode === null);
  for (const { pid = 0 } of left) process.kill(-pid, 'SIGKILL');
});

interface Ended {
  status: number | null;
  signal: NodeJS.Signals | null;
  stdout: string;
  stderr: string;
}

/** The command line in a process group of its own, killed at `point` if there is one. */
function start(args: readonly string[], point?: KillPoint): { process: ChildProcess; ended: Promise<Ended> } {
  const env = point === undefined ? process.env : { ...process.env, PUZZLE_TEST_KILL: JSON.stringify(point) };
  const child = spawn(process.execPath, [...PROGRAM, ...args], {
    ...{ detached: true, env },
    stdio: ['ignore', 'pipe', 'pipe'],
  });
  started.push(child);
  let [stdout, stderr] = ['', ''];
  child.stdout.setEncoding('utf8').on('data', (text: string) => (stdout += text));
  child.stderr.setEncoding('utf8').on('data', (text: string) => (stderr += text));
  const ended = new Promise<Ended>((resolve, reject) => {
    child.on('error', reject).on('close', (status, signal) => {
      resolve({ status, signal, stdout, stderr });
    });
  });
  return { process: child, ended };
}

async function eventsOf(run: string): Promise<RunEvent[]> {
  const events: RunEvent[] = [];
  for await (const { event } of readEvents(eventsPath(run))) events.push(event);
  return events;
}

function seriesOf(events: readonly RunEvent[]): readonly Series[] {
  const fold = new SeriesFold();
  for (const event of events) fold.apply(event);
  return [...fold.all()].sort((a, b) => (a.id < b.id ? -1 : 1));
}

function ofType<Type extends EventType>(events: readonly RunEvent[], type: Type): EventOf<Type>[] {
  return events.filter((event): event is EventOf<Type> => event.type === type);
}

/** Throws when a task was begun after it had been finished, or finished twice. */
function assertNothingTwice(events: readonly RunEvent[]): void {
  const finished = new Set<string>();
  for (const event of events) {
    if (event.type === 'task-started') assert.ok(!finished.has(event.key), `${event.label} was begun again`);
    if (event.type !== 'task-finished') continue;
    assert.ok(!finished.has(event.key), `${event.key} was finished twice`);
    finished.add(event.key);
  }
}

async function statusOf(run: string): Promise<Status> {
  return (await puzzleJson('status', run)).answer as Status;
}

/** Waits until a run that `search` works on has logged such an event `nth` times. */
async function waitFor(run: string, search: ChildProcess, isIt: (event: RunEvent) => boolean, nth = 1): Promise<void> {
  while ((await eventsOf(run)).filter(isIt).length < nth) {
    assert.equal(search.exitCode, null, 'the search ended too early');
    await sleep(20);
  }
}

/** Where a search is killed, one kill after the other; the stage is the one its log ends in. */
const KILLS: [Stage, KillPoint][] = [
  ['space', { at: 'torn line', of: '"task-finished".*"train":' }],
  // Activations of one layer, whole under their final name but not in the log.
  ['distil', { at: 'after rename', of: 'activations/train/layer1-[^/]+$' }],
  // Among the moments of the layers, and then among the variants that are fitted to them.
  ['distil', { at: 'line', of: '"stage-progress","stage":"distil"', nth: 5 }],
  ['distil', { at: 'line', of: '"stage-progress","stage":"distil"', nth: 5 }],
  ['score', { at: 'torn line', of: '"task-finished".*"lmLoss"', nth: 3 }],
  ['measure', { at: 'line', of: '"stage-started","stage":"measure"' }],
  ['couple', { at: 'torn line', of: '"task-finished".*"lossApart"', nth: 2 }],
  ['couple', { at: 'line', of: '"stage-progress","stage":"couple"', nth: 2 }],
  ['solve', { at: 'torn line', of: '"stage-finished","stage":"solve"' }],
  ['assemble', { at: 'before rename', of: 'assembled/[^/]+$' }],
  // In the middle of training, past a stored state.
  ['uptrain', { at: 'line', of: '"series":"validation KL"', nth: 3 }],
  ['uptrain', { at: 'before rename', of: 'uptrain-state/[^/]+$' }],
  ['uptrain', { at: 'after rename', of: 'uptrained/[^/]+$' }],
  ['evaluate', { at: 'line', of: '"task-started".*"speedup"' }],
  ['export', { at: 'after rename', of: 'tiny/child$' }],
  ['export', { at: 'before rename', of: 'report.json$' }],
];

/** With every stage that there is. */
const COUPLED = { distil: { tokens: 512, distinctTokens: 512, batch: 4, coupled: true } };

/** Room for three of the layers of the tiny search: the one at work, the one before it and the last. */
const SMALL_CACHE_BYTES = 3 * 4 * 512 * 24;

describe('a search that is killed', () => {
  let base = '';
  before(async () => {
    base = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
  });
  after(() => rm(base, { recursive: true, force: true }));

  it('in every stage gives the same child to the byte, and does nothing twice', async () => {
    const [whole, broken] = [join(base, 'whole'), join(base, 'broken')];
    const undisturbed = start(['search', await writeTinySearch(whole, COUPLED), '--json']).ended;
    const spec = await writeTinySearch(broken, COUPLED);
    const run = tinyRun(broken);
    for (const [i, [stage, point]] of KILLS.entries()) {
      const killed = await start(i === 0 ? ['search', spec] : ['resume', run], point).ended;
      assert.equal(killed.signal, 'SIGKILL', `was to be killed in ${stage} (${point.of}), but: ${killed.stderr}`);
      const events = await eventsOf(run);
      const last = ofType(events, 'stage-started').at(-1);
      assert.equal(last?.stage, stage, point.of);
      assertNothingTwice(events);
    }
    const { state, stage, report } = await statusOf(run);
    assert.deepEqual({ state, stage, report }, { state: 'failed', stage: 'export', report: null });
    assert.match((await puzzle('status', run)).stdout, /interrupted.*resume/);

    const resumed = await start(['resume', run, '--json']).ended;
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.equal((await undisturbed).status, 0);
    const events = await eventsOf(run);
    assertNothingTwice(events);
    const starts = ofType(events, 'loss').filter(({ stage, steps }) => stage === 'uptrain' && steps[0] === 0);
    assert.equal(starts.length, 1, 'training went on from the stored state');
    const curves = seriesOf(events);
    assert.deepEqual(
      curves,
      seriesOf(await eventsOf(tinyRun(whole))),
      'the curves are those of the undisturbed search',
    );
    assert.ok(curves.some(({ id, steps }) => id === 'distil/2/ffn/ffn-50%' && steps.length === 8));
    assert.deepEqual(
      new Set(ofType(events, 'stage-finished').map((event) => event.stage)),
      new Set(STAGES),
      'every stage was finished',
    );
    await assertSameFile(tinyRun(whole), run, 'solution.json');
    const files = (await readdir(join(run, 'child'))).sort();
    assert.ok(files.includes('model.safetensors') && files.includes('config.json'));
    assert.deepEqual(files, (await readdir(join(tinyRun(whole), 'child'))).sort());
    for (const file of files) await assertSameFile(tinyRun(whole), run, join('child', file));
    const done = await statusOf(run);
    assert.deepEqual([done.state, done.progress, done.report], ['done', 1, join(run, 'report.json')]);
    assert.deepEqual(await temporaries(run), []);
  });

  it('with a cache that holds one layer at a time gives the same scores, and trains nothing twice', async () => {
    const [whole, broken] = [join(base, 'all cached'), join(base, 'little cached')];
    const undisturbed = start(['search', await writeTinySearch(whole), '--until', 'score']).ended;
    const spec = await writeTinySearch(broken, { cacheMiB: SMALL_CACHE_BYTES / 2 ** 20 });
    const run = tinyRun(broken);
    const points: KillPoint[] = [
      { at: 'after rename', of: 'activations/train/layer1-[^/]+$' },
      { at: 'line', of: '"stage-progress","stage":"distil"', nth: 7 },
      { at: 'after rename', of: 'activations/validation/layer2-[^/]+$' },
      { at: 'line', of: '"stage-progress","stage":"score"', nth: 2 },
    ];
    for (const [i, point] of points.entries()) {
      const args = i === 0 ? ['search', spec, '--until', 'score'] : ['resume', run, '--until', 'score'];
      const killed = await start(args, point).ended;
      assert.equal(killed.signal, 'SIGKILL', `was to be killed at ${point.of}, but: ${killed.stderr}`);
    }
    const resumed = await start(['resume', run, '--until', 'score']).ended;
    assert.equal(resumed.status, 0, resumed.stderr);
    assert.equal((await undisturbed).status, 0);
    for (const file of ['scores.json', 'library.json']) await assertSameFile(tinyRun(whole), run, file);
    const events = await eventsOf(run);
    const activations = ofType(events, 'task-started').filter(({ kind }) => kind === 'activations');
    const cached = new Set(activations.map(({ key }) => key));
    assert.ok(activations.length > cached.size, 'some were made again');
    assertNothingTwice(events.filter((event) => !('key' in event && cached.has(event.key ?? ''))));
  });

  it('while it measures keeps the rows that were finished', async () => {
    const dir = join(base, 'measured');
    const spec = await writeTinySearch(dir, {
      target: MEASURED,
      distil: { tokens: 64, distinctTokens: 256, batch: 4 },
    });
    const run = tinyRun(dir);
    const point: KillPoint = { at: 'line', of: '"task-started".*"kind":"measure"', nth: 5 };
    const killed = await start(['search', spec], point).ended;
    assert.equal(killed.signal, 'SIGKILL', killed.stderr);
    const rows = (events: readonly RunEvent[]) => {
      const started = ofType(events, 'task-started').filter(({ kind }) => kind === 'measure');
      const keys = new Set(started.map(({ key }) => key));
      return ofType(events, 'task-finished').filter(({ key }) => keys.has(key));
    };
    const kept = rows(await eventsOf(run));
    assert.equal(kept.length, 4);
    const resumed = await start(['resume', run, '--until', 'measure']).ended;
    assert.equal(resumed.status, 0, resumed.stderr);
    const events = await eventsOf(run);
    assertNothingTwice(events);
    assert.deepEqual(rows(events).slice(0, 4), kept);
    assert.equal(rows(events).length, 6);
  });
});

describe('a search of which only a task process is killed', () => {
  const skip = existsSync('/proc/self/stat') ? false : 'task processes are found in /proc, which is absent';
  it('goes on by itself, and says so', { skip }, async (t) => {
    const dir = await temporaryDirectory(t);
    const spec = await writeTinySearch(dir, { distil: { tokens: 20_000, distinctTokens: 512, batch: 4 } });
    const run = tinyRun(dir);
    const search = start(['search', spec, '--until', 'distil']);
    // With the first points of a curve the process is there, and at work.
    await waitFor(run, search.process, ({ type }) => type === 'loss');
    let worker: number | undefined;
    while ((worker = await taskProcessOf(search.process.pid ?? 0)) === undefined) await sleep(20);
    process.kill(worker, 'SIGKILL');
    const { status, stderr } = await search.ended;
    assert.equal(status, 0, stderr);
    assert.match(stderr, /warning: a task is tried again: process \d+ was killed by SIGKILL/);
    const events = await eventsOf(run);
    assert.equal(ofType(events, 'task-retried').length, 1);
    assertNothingTwice(events);
  });
});

/** The process in the group of a search that does its tasks. */
async function taskProcessOf(group: number): Promise<number | undefined> {
  for (const pid of await readdir('/proc')) {
    const [stat, command] = await Promise.all(
      ['stat', 'cmdline'].map((file) => readFile(join('/proc', pid, file), 'utf8').catch(() => '')),
    );
    // After the name in parentheses: state, parent, group.
    const fields = stat?.slice(stat.lastIndexOf(')') + 2).split(' ');
    if (fields?.[2] === String(group) && command?.includes('worker/main.ts')) return Number(pid);
  }
  return undefined;
}

async function assertSameFile(one: string, other: string, file: string): Promise<void> {
  const [expected, actual] = await Promise.all([one, other].map((dir) => readFile(join(dir, file))));
  assert.ok(expected?.equals(actual ?? Buffer.of()), `${file} differs`);
}

async function temporaries(dir: string): Promise<string[]> {
  return (await readdir(dir, { recursive: true })).filter((name) => /\.tmp\b/.test(name));
}

describe('a search that takes long', () => {
  it('is running, cancelled on request, interrupted when killed, and cancelled by Ctrl-C', async (t) => {
    const dir = await temporaryDirectory(t);
    const endless = { tokens: 200_000_000, distinctTokens: 512, batch: 4 };
    const spec = await writeTinySearch(dir, { distil: endless });
    const run = tinyRun(dir);
    let distils = 0;
    const atWork = (search: ChildProcess) =>
      waitFor(run, search, (event) => event.type === 'task-started' && event.kind === 'distil', ++distils);

    const first = start(['search', spec, '--json']);
    await atWork(first.process);
    const { state, stage, progress } = await statusOf(run);
    assert.deepEqual({ state, stage }, { state: 'running', stage: 'distil' });
    assert.ok(progress >= 0 && progress < 1);
    const second = await puzzle('resume', run);
    assert.equal(second.status, 2);
    assert.match(second.stderr, new RegExp(`in use by process ${first.process.pid}`));
    assert.equal((await puzzle('cancel', run)).status, 0);
    const cancelled = await first.ended;
    assert.equal(cancelled.status, 1);
    const { error } = JSON.parse(cancelled.stdout) as { error: { message: string } };
    assert.match(error.message, /^cancelled; to go on: puzzle resume /);
    assert.equal((await statusOf(run)).state, 'cancelled');

    // Only the process that works on the run is killed; the one that does its tasks has to notice.
    const third = start(['resume', run]);
    await atWork(third.process);
    third.process.kill('SIGKILL');
    await third.ended;
    assert.equal((await statusOf(run)).state, 'failed');
    assert.match((await puzzle('status', run)).stdout, /interrupted.*resume/);
    while (isAlive(-(third.process.pid ?? 0))) await sleep(20);

    const fourth = start(['resume', run]);
    await atWork(fourth.process);
    fourth.process.kill('SIGINT');
    assert.equal((await fourth.ended).status, 1);
    assert.equal((await statusOf(run)).state, 'cancelled');
    assertNothingTwice(await eventsOf(run));
  });
});

/** Whether there is a process, or of a group (negative) any. */
function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
