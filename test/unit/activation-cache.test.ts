import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, rm, stat } from 'node:fs/promises';
import { basename, dirname, join } from 'node:path';
import { describe, it } from 'node:test';
import { CancelledError } from '../../src/common/errors.js';
import { eventsPath, readEvents } from '../../src/run/event-log.js';
import { createRun, openRun } from '../../src/run/run.js';
import { Activations } from '../../src/search/activations.js';
import { createContext, type Executor, type SearchContext } from '../../src/search/context.js';
import { packData } from '../../src/search/data.js';
import type { Split } from '../../src/search/data.js';
import { readSpec, resolveSpec } from '../../src/search/spec.js';
import { createExecutor } from '../../src/worker/executor.js';
import { temporaryFolder } from '../support/model-folder.js';
import { writeTinySearch } from '../support/tiny-search.js';

const TOKENS = 256;
/** The layers of the tiny parent. */
const ALL = { first: 0, end: 3 };
/** Of one layer of the tiny parent: the stream within and after it, as F16. */
const LAYER_BYTES = 4 * TOKENS * 24;

type Test = Parameters<typeof temporaryFolder>[0];

/** A run of the tiny search whose cache has room for so many layers; any number when absent. */
async function cached(
  test: Test,
  split: Split,
  { layers, executor = createExecutor(1) }: { layers?: number; executor?: Executor } = {},
): Promise<{ context: SearchContext; cache: Activations }> {
  const dir = await temporaryFolder(test);
  const limit = layers === undefined ? {} : { cacheMiB: (layers * LAYER_BYTES) / 2 ** 20 };
  const file = await writeTinySearch(dir, limit);
  const run = await createRun(join(dir, 'run'), {});
  test.after(() => run.close());
  const spec = resolveSpec(await readSpec(file), file);
  const context = await createContext(run, spec, executor);
  return { context, cache: new Activations(context, await packData(context), split, TOKENS) };
}

/** Bytes of hidden states. */
async function bytesIn(dir: string): Promise<number> {
  const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.f16'));
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

/** Which layers of the training text were begun, and which were finished, by the log. */
async function logged({ run }: SearchContext): Promise<Record<'begun' | 'finished', string[]>> {
  const labels = new Map<string, string>();
  const begun: string[] = [];
  const finished: string[] = [];
  for await (const { event } of readEvents(eventsPath(run.dir))) {
    if (event.type === 'task-started' && event.kind === 'activations') {
      labels.set(event.key, event.label.replace('activations (train): ', ''));
      begun.push(labels.get(event.key) ?? '');
    }
    if (event.type === 'task-finished' && labels.has(event.key)) finished.push(labels.get(event.key) ?? '');
  }
  return { begun, finished };
}

async function same(file = '', other = ''): Promise<void> {
  assert.ok((await readFile(file)).equals(await readFile(other)), file);
}

describe('a cache of activations', () => {
  for (const split of ['train', 'validation'] as const) {
    it(`without a limit holds every layer of the ${split} split, with one no more than it allows, all the same`, async (test) => {
      const whole = await cached(test, split);
      assert.deepEqual(whole.cache.rounds, [ALL]);
      await whole.cache.need(ALL);
      const { context, cache } = await cached(test, split, { layers: 3 });
      assert.equal(cache.rounds.length, 3);
      // Backwards as well, as when a variant of an early layer is added.
      for (const round of [...cache.rounds, ...cache.rounds.toReversed()]) {
        await cache.need(round);
        const { first, end } = round;
        for (let layer = first; layer <= end; layer++) await same(cache.hidden[layer], whole.cache.hidden[layer]);
        for (let layer = first; layer < end; layer++) {
          await same(cache.middle[layer], whole.cache.middle[layer]);
          await same(cache.channels[layer], whole.cache.channels[layer]);
        }
        if (split === 'validation') await same(cache.hidden.at(-1), whole.cache.hidden.at(-1));
        assert.ok((await bytesIn(context.run.path('activations'))) <= context.budgets.cacheBytes);
      }
      await cache.release();
      assert.equal(await bytesIn(context.run.path('activations')), 0);
      assert.ok(
        cache.channels.every((file) => existsSync(file)),
        'what initial values are made from stays',
      );
    });
  }

  it('that is too small for any work says how much it takes', async (test) => {
    await assert.rejects(cached(test, 'train', { layers: 2 }), /cacheMiB: 48.0 KiB are too little .* allow 72.0 KiB/);
  });

  it('is cancelled within a layer, of which it leaves nothing, and goes on with it to the same bytes', async (test) => {
    const stop = new AbortController();
    const pool = createExecutor(2);
    const { context, cache } = await cached(test, 'train', {
      executor: (tasks, callbacks) =>
        pool(tasks, {
          ...callbacks,
          signal: stop.signal,
          onStarted: (task) => {
            callbacks.onStarted(task);
            if (task.label.endsWith('layer 1')) stop.abort(new CancelledError());
          },
        }),
    });
    await assert.rejects(cache.need(ALL), CancelledError);
    const finished = ['embedding', 'layer 0'];
    assert.deepEqual(await logged(context), { begun: [...finished, 'layer 1'], finished });
    const folder = (file = '') => basename(dirname(file));
    assert.deepEqual(
      new Set(await readdir(context.run.path('activations/train'))),
      new Set([...cache.hidden.slice(0, 2).map(folder), basename(cache.channels[0] ?? '')]),
    );

    await context.run.close();
    const run = await openRun(context.run.dir);
    test.after(() => run.close());
    const resumed = await createContext(run, context.spec, pool);
    const again = new Activations(resumed, await packData(resumed), 'train', TOKENS);
    await again.need(ALL);
    assert.deepEqual((await logged(resumed)).finished, [...finished, 'layer 1', 'layer 2'], 'each was made once');
    const whole = await cached(test, 'train');
    await whole.cache.need(ALL);
    const files = ({ hidden, middle, channels }: Activations) => [...hidden, ...middle, ...channels];
    const expected = files(whole.cache);
    for (const [i, file] of files(again).entries()) await same(file, expected[i]);
  });

  it('ends with the first layer that fails', async (test) => {
    const pool = createExecutor(2);
    const { context, cache } = await cached(test, 'train', {
      executor: (tasks, callbacks) =>
        pool(tasks, {
          ...callbacks,
          onFinished: async (task, ...rest) => {
            await callbacks.onFinished(task, ...rest);
            if (task.label.endsWith('layer 0')) await rm(cache.hidden[1] ?? '');
          },
        }),
    });
    await assert.rejects(cache.need(ALL), /^Error: activations \(train\): layer 1: ENOENT/);
    const { begun } = await logged(context);
    assert.deepEqual(begun, ['embedding', 'layer 0', 'layer 1']);
  });

  it('makes the means of the channels again where another number of threads has left others', async (test) => {
    const { cache } = await cached(test, 'train');
    await cache.needChannels();
    const before = await readFile(cache.channels[0] ?? '');
    for (const file of cache.channels) await rm(file);
    for (const file of cache.hidden) await rm(dirname(file), { recursive: true, force: true });
    await cache.needChannels();
    assert.deepEqual(await readFile(cache.channels[0] ?? ''), before);
  });
});
