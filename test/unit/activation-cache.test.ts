import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readdir, readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createRun } from '../../src/run/run.js';
import { Activations } from '../../src/search/activations.js';
import { createContext, type SearchContext } from '../../src/search/context.js';
import { packData } from '../../src/search/data.js';
import type { Split } from '../../src/search/data.js';
import { readSpec, resolveSpec } from '../../src/search/spec.js';
import { createExecutor } from '../../src/worker/executor.js';
import { temporaryFolder } from '../support/model-folder.js';
import { writeTinySearch } from '../support/tiny-search.js';

const TOKENS = 256;
/** Of one layer of the tiny parent: the stream within and after it, as F16. */
const LAYER_BYTES = 4 * TOKENS * 24;

type Test = Parameters<typeof temporaryFolder>[0];

/** A run of the tiny search whose cache has room for so many layers; any number when absent. */
async function cached(
  test: Test,
  split: Split,
  layers?: number,
): Promise<{ context: SearchContext; cache: Activations }> {
  const dir = await temporaryFolder(test);
  const limit = layers === undefined ? {} : { cacheMiB: (layers * LAYER_BYTES) / 2 ** 20 };
  const file = await writeTinySearch(dir, limit);
  const run = await createRun(join(dir, 'run'), {});
  test.after(() => run.close());
  const spec = resolveSpec(await readSpec(file), file);
  const context = await createContext(run, spec, createExecutor(1));
  return { context, cache: new Activations(context, await packData(context), split, TOKENS) };
}

/** Bytes of hidden states. */
async function bytesIn(dir: string): Promise<number> {
  const files = (await readdir(dir, { recursive: true })).filter((name) => name.endsWith('.f16'));
  const sizes = await Promise.all(files.map(async (name) => (await stat(join(dir, name))).size));
  return sizes.reduce((sum, size) => sum + size, 0);
}

describe('a cache of activations', () => {
  for (const split of ['train', 'validation'] as const) {
    it(`without a limit holds every layer of the ${split} split, with one no more than it allows, all the same`, async (test) => {
      const whole = await cached(test, split);
      assert.deepEqual(whole.cache.rounds, [{ first: 0, end: 3 }]);
      await whole.cache.need({ first: 0, end: 3 });
      const { context, cache } = await cached(test, split, 3);
      assert.equal(cache.rounds.length, 3);
      const same = async (file: string | undefined, other: string | undefined) => {
        assert.ok((await readFile(file ?? '')).equals(await readFile(other ?? '')), file);
      };
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
    await assert.rejects(cached(test, 'train', 2), /cacheMiB: 48.0 KiB are too little .* allow 72.0 KiB/);
  });
});
