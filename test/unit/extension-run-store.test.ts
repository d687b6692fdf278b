import assert from 'node:assert/strict';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { RunStore } from '../../src/extension/runs/run-store.js';
import { createRun } from '../../src/run/run.js';
import { temporaryDirectory } from '../support/run-process.js';

const POLL_MS = 20;

function openStore(test: TestContext) {
  const changes: string[] = [];
  const store = new RunStore((dir) => changes.push(dir), POLL_MS);
  test.after(() => {
    store.dispose();
  });
  return { store, changes };
}

/** Waits until it is so; a test that waits for ever is stopped by its file's limit. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) await sleep(POLL_MS);
}

describe('the runs that the extension looks at', () => {
  it('tell of a run that begins, goes on and ends, without being asked to look', async (test) => {
    const dir = await temporaryDirectory(test);
    const { store, changes } = openStore(test);
    await store.follow(dir);
    assert.deepEqual([store.all(), changes], [[], []]);

    const run = await createRun(dir, {});
    await until(() => store.get(dir)?.state === 'running');
    assert.ok(changes.includes(dir));
    run.append({ type: 'stage-started', stage: 'distil', total: 4 });
    run.append({ type: 'loss', stage: 'distil', series: '0/ffn/ffn-50%', steps: [1], values: [0.5] });
    await until(() => store.get(dir)?.stage === 'distil');
    assert.deepEqual(
      (await store.series(dir)).map(({ id, values }) => [id, values]),
      [['distil/0/ffn/ffn-50%', [0.5]]],
    );
    run.append({ type: 'run-finished' });
    await run.close();
    await until(() => store.get(dir)?.state === 'done');

    const told = changes.length;
    await sleep(10 * POLL_MS);
    assert.equal(changes.length, told);
  });

  it('tell of one that is gone', async (test) => {
    const dir = await temporaryDirectory(test);
    const { store, changes } = openStore(test);
    await (await createRun(dir, {})).close();
    await store.follow(dir);
    assert.equal(store.get(dir)?.state, 'interrupted');
    const told = changes.length;
    await rm(join(dir, 'events.jsonl'));
    await until(() => store.get(dir) === undefined);
    assert.ok(changes.length > told);
    assert.deepEqual([...new Set(changes)], [dir]);
    const atLast = changes.length;
    await sleep(10 * POLL_MS);
    assert.equal(changes.length, atLast);
  });

  it('are in order: those with a process first, then the latest', async (test) => {
    const home = await temporaryDirectory(test);
    const { store } = openStore(test);
    for (const name of ['old', 'new']) {
      const dir = join(home, name);
      await (await createRun(dir, {})).close();
      await store.follow(dir);
      await sleep(5);
    }
    const names = () => store.all().map(({ name }) => name);
    assert.deepEqual(names(), ['new', 'old']);
    const alive = await createRun(join(home, 'alive'), {});
    await sleep(5);
    const last = await createRun(join(home, 'last'), {});
    await last.close();
    for (const name of ['alive', 'last']) await store.follow(join(home, name));
    assert.deepEqual(names(), ['alive', 'last', 'new', 'old']);
    await alive.close();
  });

  it('show one whose log is damaged, with the reason', async (test) => {
    const dir = await temporaryDirectory(test);
    const { store } = openStore(test);
    await mkdir(dir, { recursive: true });
    await writeFile(join(dir, 'events.jsonl'), 'not an event\n{"v":1}\n');
    await store.follow(dir);
    assert.deepEqual([store.get(dir)?.state, /line 1/.test(store.get(dir)?.error ?? '')], ['failed', true]);
  });
});
