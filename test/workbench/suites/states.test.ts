import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, rename, rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { holdingProcess } from '../../../src/run/lock-state.js';
import { ENDLESS } from '../endless.js';
import { Panel } from '../panel.js';
import { endGroup, processesBelow, processesUnseen } from '../processes.js';
import { type Search, writeSearch } from '../searches.js';
import { describeInWorkbench } from '../session.js';
import { until } from '../until.js';

const LOADING_LOOK_MS = 3000;
/** Until the window around the panel has nothing left to do. */
const SETTLE_MS = 5000;
/** If each of them left a row of the panel behind, the page would be seen to grow. */
const SNAPSHOTS = 30;
const MAX_MORE = { nodes: 300, listeners: 150, bytes: 8 * 2 ** 20 };

let search: Search;
let failing: Search;

await describeInWorkbench(
  'the panel, as a search comes and goes',
  {
    prepare: async ({ folder }) => {
      search = await writeSearch(folder, ENDLESS);
      failing = await writeSearch(join(folder, 'failing'));
    },
  },
  (session) => {
    const panel = () => new Panel(session.workbench.webview());
    const picture = (name: string) => session.workbench.screenshot(`state-${name}`);
    /** The process at work on the search. */
    const worker = () => until('a process is at work', () => holdingProcess(search.run));
    const extensionHosts = () => processesBelow(session.workbench.server.process.pid ?? 0, '--type=extensionHost');
    /** The one of this window; those of windows before may not have ended yet. */
    const newHost = (before: readonly number[] = []) =>
      until('there is an extension host', async () => {
        return (await extensionHosts()).findLast((pid) => !before.includes(pid));
      });
    const endExtensionHost = async () => process.kill(await newHost(), 'SIGKILL');

    session.test('not started: what a search needs, what it will do, and the map of the parent', async () => {
      await session.workbench.openFile('tiny.puzzle.json');
      await session.workbench.runCommand('Puzzle: Open Search Panel');
      await panel().section('Before the search').getByText('can be met').waitFor();
      assert.equal((await panel().architecture()).length, 3);
      await picture('not-started');
    });

    session.test('running: how far it is, in the panel and in the status bar', async () => {
      await panel().button('Start search').click();
      await panel()
        .condition(/^Running: (distil|score)/)
        .waitFor();
      await session.workbench.page
        .locator('.statusbar')
        .getByRole('button', { name: /^Puzzle: / })
        .first()
        .waitFor();
      await picture('running');
    });

    session.test('running: losses as they come, the optimum as soon as there is one', async () => {
      await panel()
        .condition(/^Running: uptrain/)
        .waitFor();
      await panel().solution().waitFor();
      await panel()
        .section('Loss curves')
        .getByRole('img', { name: /^Loss over steps/ })
        .waitFor();
      await picture('running-curves');
    });

    session.test('running: what the page keeps does not grow with the snapshots that it gets', async () => {
      const told = () => panel().page.locator('.vitals').innerText();
      const stage = () =>
        panel()
          .section('Progress')
          .getByText(/ of 781,250/)
          .innerText();
      await until('the process is seen', async () => /^Process \d+ · .* MiB of memory/.test(await told()));
      await sleep(SETTLE_MS);
      const before = await session.workbench.kept();
      const texts = new Set<string>();
      await until('the panel has drawn many snapshots', async () => texts.add(await stage()).size >= SNAPSHOTS);
      const after = await session.workbench.kept();
      const grown = `${JSON.stringify(before)} ${JSON.stringify(after)}`;
      assert.ok(after.nodes - before.nodes < MAX_MORE.nodes, grown);
      assert.ok(after.listeners - before.listeners < MAX_MORE.listeners, grown);
      assert.ok(after.bytes - before.bytes < MAX_MORE.bytes, grown);
    });

    session.test('is there again after the window is reloaded, and the search went on', async () => {
      const before = await worker();
      await session.workbench.storesLayout();
      await session.workbench.reload();
      await panel()
        .condition(/^Running: uptrain/)
        .waitFor();
      assert.equal(await worker(), before);
    });

    session.test(
      'loading: says so while the extension has not answered yet',
      async () => {
        const { workbench } = session;
        await until('the host stands still before it has answered', async () => {
          const before = await extensionHosts();
          await workbench.reload();
          const document = workbench.page.locator('iframe.webview').contentFrame().locator('iframe#active-frame');
          const [host] = await Promise.all([newHost(before), document.waitFor()]);
          process.kill(host, 'SIGSTOP');
          try {
            await panel().page.getByText('Reading the search…').waitFor({ timeout: LOADING_LOOK_MS });
            await picture('loading');
            return true;
          } catch {
            return false; // it was quicker
          } finally {
            process.kill(host, 'SIGCONT');
          }
        });
        await panel()
          .condition(/^Running: uptrain/)
          .waitFor();
      },
      processesUnseen,
    );

    session.test(
      'is there again after the extension host was killed, and the search went on',
      async () => {
        const before = await worker();
        await endExtensionHost();
        await session.workbench.reload();
        await panel()
          .condition(/^Running: uptrain/)
          .waitFor();
        assert.equal(await worker(), before);
      },
      processesUnseen,
    );

    session.test('paused, and going on', async () => {
      await panel().button('Pause').click();
      await panel()
        .condition(/^Paused/)
        .waitFor();
      await picture('paused');
      await panel().button('Resume').click();
      await panel()
        .condition(/^Running: uptrain/)
        .waitFor();
    });

    session.test(
      'interrupted: both processes are killed, the panel tells the truth, and nothing is lost',
      async () => {
        endGroup(await worker(), 'SIGKILL');
        await endExtensionHost();
        await session.workbench.reload();
        await panel().page.getByText('The process of this run is gone.').waitFor();
        await picture('interrupted');
        await panel().button('Resume').click();
        await panel()
          .condition(/^Running: uptrain/)
          .waitFor();
      },
      processesUnseen,
    );

    session.test('cancelled', async () => {
      await panel().button('Cancel').click();
      await panel()
        .condition(/^Cancelled/)
        .waitFor();
      assert.equal(await holdingProcess(search.run), undefined);
      await picture('cancelled');
    });

    session.test('stale: the spec asks for something else than the run has done', async () => {
      const text = await readFile(search.spec, 'utf8');
      await writeFile(search.spec, text.replace('"tokens": 512', '"tokens": 1024'));
      await panel().page.getByText('The spec has changed since this run.').waitFor();
      await picture('stale');
      await writeFile(search.spec, text);
      await panel().page.getByText('The spec has changed since this run.').waitFor({ state: 'detached' });
    });

    session.test('a spec that cannot be used', async () => {
      const text = await readFile(search.spec, 'utf8');
      await writeFile(search.spec, text.replace('"throughput"', '"speed"'));
      await panel().page.getByText('The spec cannot be used.').waitFor();
      await picture('unusable-spec');
      await writeFile(search.spec, text);
      await panel().page.getByText('The spec cannot be used.').waitFor({ state: 'detached' });
    });

    session.test(
      'without its worker, which can be started again',
      async () => {
        const script = join(session.extension, 'dist/questions.js');
        await rename(script, `${script}.gone`);
        for (const pid of await processesBelow(session.workbench.server.process.pid ?? 0, script)) {
          process.kill(pid, 'SIGKILL');
        }
        await panel().page.getByText('The worker that solves and generates is not running.').waitFor();
        await picture('worker-down');
        await rename(`${script}.gone`, script);
        await panel().button('Restart').click();
        await panel().page.getByText('The worker that solves and generates').waitFor({ state: 'detached' });
      },
      processesUnseen,
    );

    session.test('failed: what went wrong, and a way to try again', async () => {
      const { workbench } = session;
      await workbench.runCommand('View: Close All Editors');
      await workbench.openFile('failing/tiny.puzzle.json');
      await workbench.runCommand('Puzzle: Open Search Panel');
      await panel().button('Start search').click();
      await panel()
        .condition(/^Running: /)
        .waitFor();
      const costs = join(session.folder, 'failing/costs.json');
      await rename(costs, `${costs}.gone`);
      await panel().page.getByText('The search failed.').waitFor();
      await picture('failed');
      await rename(`${costs}.gone`, costs);
      await panel().button('Try again').click();
      await panel()
        .condition(/^Finished in/)
        .waitFor();
      assert.ok(existsSync(join(failing.run, 'child/config.json')));
    });

    session.test('not started again: its run was removed', async () => {
      await rm(failing.run, { recursive: true });
      await panel().condition('Not started').waitFor();
    });
  },
);
