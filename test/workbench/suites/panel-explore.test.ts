import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { significant } from '../../../webview/ui/format.js';
import { puzzleJson } from '../../support/cli.js';
import { Panel } from '../panel.js';
import { COMMENT, finish, writeSearch, type Search } from '../searches.js';
import { describeInWorkbench } from '../session.js';
import { until } from '../until.js';

/** As many as the panel asks for. */
const POINTS = 24;

let search: Search;

await describeInWorkbench(
  'the fronts of a finished search, and its other solutions',
  {
    prepare: async ({ folder, extension }) => {
      search = await writeSearch(folder, { distil: { tokens: 512, distinctTokens: 512, batch: 4, start: 'paper' } });
      await finish(extension, search);
    },
  },
  (session) => {
    const panel = () => new Panel(session.workbench.webview());
    const front = () => panel().section('Front');
    const others = () => panel().section('Other solutions');
    const chart = (metric: string) => front().getByRole('img', { name: new RegExp(`^${metric}: from `) });

    /** The limit that the spec has in the editor's document, saved or not, once it is another than `before`. */
    const written = (before?: string) =>
      until('the spec has another limit', async () => {
        await session.workbench.saveAll();
        const text = (await readFile(search.spec, 'utf8')).replace(COMMENT, '');
        const { throughput } = (JSON.parse(text) as { limits: { throughput: string } }).limits;
        return throughput !== before && throughput;
      });
    /** The objectives of the table, in its order. */
    const tabled = async () => {
      const cells = await front().getByRole('table').locator('tbody tr td:nth-child(2)').allTextContents();
      return cells.map((cell) => cell.trim());
    };
    /** What the command line answers about the same. */
    const expected = async (metric: string, throughput: string) => {
      const flags = ['--front', metric, '--points', String(POINTS), '--constraint', `throughput ${throughput}`];
      const { answer } = await puzzleJson('solve', search.run, ...flags);
      return (answer as { points: { objective: number }[] }).points.map(({ objective }) => significant(objective));
    };
    const choose = async (label: string, option: string) => {
      await panel().page.getByRole('combobox', { name: label, exact: true }).click();
      await panel().page.getByRole('option', { name: option, exact: true }).click();
    };

    session.test('draws the front of the first limit, and says in words where it stands', async () => {
      const { workbench } = session;
      await workbench.openFile('tiny.puzzle.json');
      await workbench.runCommand('Puzzle: Open Search Panel');
      await panel().solution().waitFor();
      await panel().button('Front').click();
      await chart('Throughput').waitFor();
      const [, present = ''] =
        /The present limit, .*, has ([\d.]+)\.$/.exec((await chart('Throughput').getAttribute('aria-label')) ?? '') ??
        [];
      await panel().section('Solver').getByText(present).first().waitFor();
      await front().scrollIntoViewIfNeeded();
      await workbench.screenshot('explore-front');
    });

    session.test('sets the limit to the point that is clicked, which undo takes back', async () => {
      const { workbench } = session;
      const [before, limit] = [await panel().architecture(), await written()];
      const box = (await front().locator('.front-chart .u-over').boundingBox()) ?? { width: 0, height: 0 };
      await front()
        .locator('.front-chart .u-over')
        .click({ position: { x: box.width * 0.9, y: box.height / 2 } });
      const after = await panel().architectureAfter(before);
      const clicked = await written(limit);
      assert.match(clicked, /^>= \d+(\.\d+)?x$/);
      assert.ok(Number.parseFloat(clicked.slice(3)) > 3, clicked);
      await workbench.focusEditor('tiny.puzzle.json');
      await workbench.page.keyboard.press('Control+z');
      assert.deepEqual(await panel().architectureAfter(after), before);
      assert.equal(await written(clicked), limit);
    });

    session.test('has the points as a table, those of the command line, of any metric', async () => {
      await front().getByRole('checkbox', { name: 'Table' }).click();
      for (const metric of ['throughput', 'parameters']) {
        if (metric !== 'throughput') await choose('Limit on', 'Parameters');
        const points = await expected(metric, await written());
        assert.ok(new Set(points).size > 3, points.join());
        await until(`the points of ${metric} are shown`, async () => (await tabled()).join() === points.join());
      }
      await session.workbench.screenshot('explore-front-table');
    });

    session.test('follows a slider that moves, the file as it was, and ends at the last that was asked', async () => {
      const { page } = session.workbench;
      const limit = await written();
      const first = await tabled();
      const slider = panel().page.getByRole('slider', { name: 'Throughput, at least' });
      await slider.scrollIntoViewIfNeeded();
      const { x, y, width, height } = (await slider.boundingBox()) ?? { x: 0, y: 0, width: 0, height: 0 };
      const at = (share: number) => [x + width * share, y + height / 2] as const;
      await page.mouse.move(...at(0.2));
      await page.mouse.down();
      // Far quicker than a front is solved for.
      await page.mouse.move(...at(0.7), { steps: 60 });
      const moved = await until('the front is of the limit on its way', async () => {
        const now = await tabled();
        return now.join() !== first.join() && now;
      });
      assert.equal(await readFile(search.spec, 'utf8').then((text) => text.includes(limit)), true, 'not written yet');
      await page.mouse.move(...at(0.25), { steps: 60 });
      await page.mouse.move(...at(0.45), { steps: 60 });
      await page.mouse.up();
      const last = await written(limit);
      const points = await expected('parameters', last);
      assert.notEqual(points.join(), moved.join());
      await until('the front is of the last limit', async () => (await tabled()).join() === points.join());
      await panel().setLimit('Throughput', limit.slice(3, -1));
      await until('the front is as it was', async () => (await tabled()).join() === first.join());
    });

    session.test(
      'lists other solutions, the optimum first, and shows one in the map until limits are others',
      async () => {
        const { workbench } = session;
        const before = await panel().architecture();
        await panel().button('Other solutions').click();
        await others().getByRole('row').nth(2).waitFor();
        const objectives = (await others().locator('tbody tr td:nth-child(2)').allTextContents()).map(Number);
        assert.deepEqual(
          objectives,
          objectives.toSorted((a, b) => a - b),
        );
        await others().getByRole('button', { name: 'Show 1' }).click();
        const shown = await panel().architectureAfter(before);
        await panel().page.getByText('Solution 1 of the other solutions').waitFor();
        assert.ok(shown.some((row, layer) => row !== before[layer]));
        await others().scrollIntoViewIfNeeded();
        await workbench.screenshot('explore-others');
        await panel().setLimit('Throughput', '2');
        await panel().page.getByText('Solution 1 of the other solutions').waitFor({ state: 'detached' });
      },
    );
  },
);
