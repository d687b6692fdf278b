import assert from 'node:assert/strict';
import { readdir } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { holdingProcess } from '../../../src/run/lock-state.js';
import { Panel } from '../panel.js';
import { describeInWorkbench } from '../session.js';
import { until } from '../until.js';

await describeInWorkbench(
  'from an empty workbench',
  // No folder is open.
  { open: ({ extension }) => ({ extension }) },
  (session) => {
    const panel = () => new Panel(session.workbench.webview());

    session.test('a search of the example runs after two clicks, and ends after a third', async () => {
      const { workbench } = session;
      const { page } = workbench;
      await page.getByRole('tab', { name: 'Puzzle', exact: true }).click();
      const run = page.getByRole('button', { name: 'Run the Example Search' }).first();
      await run.waitFor();
      await workbench.screenshot('first-minute-1-welcome');
      await run.click();
      await panel()
        .condition(/^Running: /)
        .waitFor();
      await panel().layer(9).waitFor();
      await workbench.screenshot('first-minute-2-running');

      const [dir = ''] = await runsBelow(workbench.scratch);
      assert.ok((await holdingProcess(dir)) !== undefined, 'a process is at work');
      const inTree = page.getByRole('treeitem', { name: /stories/ });
      await inTree.waitFor();
      await panel().button('Cancel').click();
      await panel()
        .condition(/^Cancelled/)
        .waitFor();
      await until('the process has ended', async () => (await holdingProcess(dir)) === undefined);
      await inTree
        .getByText(/cancelled/i)
        .first()
        .waitFor();
      await workbench.screenshot('first-minute-3-cancelled');
    });

    session.test('the walkthrough shows the way', async () => {
      const { workbench } = session;
      await workbench.runCommand('Welcome: Open Walkthrough');
      await workbench.quickPick('Find a smaller, faster model').click();
      await workbench.page.getByRole('heading', { name: 'Find a smaller, faster model' }).first().waitFor();
      await workbench.page.getByText('Read the result').first().waitFor();
      await workbench.screenshot('walkthrough');
    });

    session.test('nobody outside was asked anything', () => {
      assert.deepEqual(session.workbench.outsideRequests, []);
      return Promise.resolve();
    });
  },
);

/** The run directories below a folder. */
async function runsBelow(root: string): Promise<string[]> {
  const files = await readdir(root, { recursive: true });
  return files.filter((name) => name.endsWith('events.jsonl')).map((name) => dirname(join(root, name)));
}
