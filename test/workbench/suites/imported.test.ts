import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { puzzletronFiles, writePuzzletron } from '../../support/puzzletron-directory.js';
import { violations } from '../axe.js';
import { Panel } from '../panel.js';
import { describeInWorkbench } from '../session.js';
import { until } from '../until.js';

const LAYERS = 32;

await describeInWorkbench(
  'the panel of a Puzzletron directory',
  {
    prepare: async ({ folder }) => {
      await writePuzzletron(join(folder, 'work'), puzzletronFiles(LAYERS));
      const broken = puzzletronFiles(2);
      const [entry] = broken.library;
      if (entry !== undefined) entry['parent_layer_indices'] = 'first';
      await writePuzzletron(join(folder, 'broken'), broken);
    },
  },
  (session) => {
    const panel = () => new Panel(session.workbench.webview());
    const open = async (name: string) => {
      await session.workbench.runCommand('Puzzle: Open Puzzletron Directory…');
      await session.workbench.page.getByText('Open which Puzzletron directory?').waitFor();
      await session.workbench.quickPick(name).click();
    };

    session.test('opens from the palette, with the teacher as the optimum without limits', async () => {
      const { workbench } = session;
      await open('work');
      await panel().condition('Imported from Puzzletron; no training').waitFor();
      await panel().section('Solver').getByText('Optimal, proven').waitFor();
      assert.match((await panel().architecture())[0] ?? '', /^Layer 0: attention kv8, FFN ffn14336/);
      for (const title of ['Loss curves', 'Try it', 'Comparison', 'Progress']) {
        assert.equal(await panel().section(title).count(), 0, title);
      }
      await workbench.screenshot('imported');
    });

    session.test('solves under limits on costs by their own names, and remembers them', async () => {
      const { workbench } = session;
      const before = await panel().architecture();
      await panel()
        .button(/^memory_mib$/)
        .click();
      await panel().setLimit('memory_mib', '60');
      const limited = await panel().architectureAfter(before);
      await panel().section('Solver').getByText('binding').first().waitFor();
      await workbench.screenshot('imported-limited');
      await workbench.storesLayout();
      await workbench.reload();
      await until('the limit is there again', async () => (await panel().architecture()).join() === limited.join());
    });

    session.test('shows the variants of a layer, and pins one', async () => {
      const before = await panel().architecture();
      await panel().layer(0).dblclick();
      const pinned = before[0]?.includes('kv8') === true ? 'no-op' : 'kv8';
      await panel().button(`Pin ${pinned} for the attention of layer 0`).click();
      const after = await panel().architectureAfter(before);
      assert.match(after[0] ?? '', new RegExp(`attention ${pinned},`));
      await session.workbench.screenshot('imported-pinned');
      await panel().button(`Pin ${pinned} for the attention of layer 0`).click();
      await panel().architectureAfter(after);
      await panel().layer(0).dblclick();
    });

    session.test('draws the front of a limit, has it as a table, and sets the limit from there', async () => {
      const { workbench } = session;
      await panel().button('Front').click();
      const front = panel().section('Front');
      await front.getByRole('img', { name: /^memory_mib: from .* has / }).waitFor();
      await front.scrollIntoViewIfNeeded();
      const before = await panel().architecture();
      await front.locator('.front-chart .u-over').click({ position: { x: 60, y: 60 } });
      const clicked = await panel().architectureAfter(before);
      // A fifth of the way from the least that is possible to all that the parent needs.
      const limit = Number(await panel().limit('memory_mib').inputValue());
      assert.ok(limit > 15 && limit < 30, String(limit));
      await workbench.screenshot('imported-front');
      await front.getByRole('checkbox', { name: 'Table' }).click();
      await front.getByRole('button', { name: /^Use / }).last().click();
      await panel().architectureAfter(clicked);
      await panel().setLimit('memory_mib', '60');
      await until('the first optimum is back', async () => (await panel().architecture()).join() === before.join());
    });

    session.test('lists other solutions, and shows one on the map until the limits are others', async () => {
      const { workbench } = session;
      const before = await panel().architecture();
      await panel().button('Other solutions').click();
      const others = panel().section('Other solutions');
      await others.getByRole('button', { name: 'Show 2' }).click();
      await panel().architectureAfter(before);
      await panel().page.getByText('Solution 2 of the other solutions').waitFor();
      await workbench.screenshot('imported-others');
      await panel().button('Pin every layer to it').click();
      await others.getByText('There is no other within the limits.').waitFor();
      await panel().button('Take back all pins and bans').click();
      await others.getByRole('button', { name: 'Show 2' }).click();
      await panel().page.getByText('Solution 2 of the other solutions').waitFor();
      await panel().setLimit('memory_mib', '70');
      await panel().page.getByText('Solution 2 of the other solutions').waitFor({ state: 'detached' });
      await panel().setLimit('memory_mib', '60');
      await until('the optimum is shown', async () => (await panel().architecture()).join() === before.join());
    });

    session.test('is accessible', async () => {
      assert.deepEqual(await violations(session.workbench.page), []);
    });

    session.test('exports the solution in the form that the pipeline reads', async () => {
      const { workbench } = session;
      await panel().button('Export solution…').click();
      await workbench.quickInput().waitFor();
      await workbench.page.keyboard.press('Enter');
      const text = await until('the file is there', () =>
        readFile(join(session.folder, 'work/solutions.json'), 'utf8').catch(() => undefined),
      );
      const [solution] = JSON.parse(text) as { chosen_replacements: unknown[]; puzzle_args: object }[];
      assert.equal(solution?.chosen_replacements.length, LAYERS);
      assert.match(JSON.stringify(solution.puzzle_args), /"stats\.memory_mib":\[null,/);
    });

    session.test('says of a malformed one which file, which key and why, and has it when it is mended', async () => {
      const { workbench, folder } = session;
      await workbench.runCommand('View: Close All Editors');
      await open('broken');
      await panel()
        .page.getByRole('alert')
        .getByText(/replacement_library\.json: \[0\]\.parent_layer_indices/)
        .waitFor();
      await workbench.screenshot('imported-malformed');
      await writeFile(
        join(folder, 'broken/replacement_library.json'),
        JSON.stringify(puzzletronFiles(2).library, null, 2),
      );
      await panel().section('Solver').getByText('Optimal, proven').waitFor();
    });
  },
);
