// The tests of `host/`, in the extension host of a real workbench.
import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, describe, it } from 'node:test';
import { prepareHostSuite } from '../host-suite.js';
import { preparePrograms } from '../programs.js';
import { Workbench } from '../workbench.js';

/** Only a guard: it is two minutes' work, on a slow machine with other work five. */
const SUITE_LIMIT_MS = 12 * 60_000;
const SLOWEST_SHOWN = 8;

const programs = await preparePrograms();
if ('reason' in programs) {
  it('the suite of the extension host', { skip: programs.reason });
} else {
  const scratch = await mkdtemp(join(tmpdir(), 'puzzle-host-'));
  after(() => rm(scratch, { recursive: true, force: true, maxRetries: 5 }));
  const suite = await prepareHostSuite(scratch);
  const workbench = await Workbench.start(programs, suite);
  const { status, output } = await workbench.runTests(SUITE_LIMIT_MS).finally(() => workbench.close());
  const results = await suite.results();
  const slowest = results.toSorted((a, b) => (b.seconds ?? 0) - (a.seconds ?? 0)).slice(0, SLOWEST_SHOWN);
  console.log(`slowest: ${slowest.map(({ title, seconds = 0 }) => `${title} ${seconds.toFixed(1)} s`).join(', ')}`);

  describe('in the extension host', () => {
    for (const { title, state, detail } of results) {
      it(title, { skip: state === 'skipped' && (detail || true) }, () => {
        if (state === 'failed') assert.fail(detail);
      });
    }
    it('the suite came to its end', () => {
      assert.ok(results.length > 0, `no test ran:\n${output}`);
      assert.equal(status, results.some(({ state }) => state === 'failed') ? 1 : 0, output);
    });
  });
}
