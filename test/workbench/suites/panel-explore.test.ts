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

interface Spec {
  text: string;
  limits: { throughput: string; memory: string };
  rules?: { pin: string }[];
}

/** Undefined while it is being written. */
function readSpec(text: string): Spec | undefined {
  try {
    return { ...(JSON.parse(text.replace(COMMENT, '')) as Spec), text };
  } catch {
    return undefined;
  }
}

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

    /** The spec as the editor has it, once it is such a one. */
    const spec = (what: string, is: (spec: Spec) => boolean = () => true) =>
      until(`the spec ${what}`, async () => {
        await session.workbench.saveAll();
        const now = readSpec(await readFile(search.spec, 'utf8'));
        return now !== undefined && is(now) && now;
      });
    /** Its limit on throughput, once it is another than `before`. */
    const written = async (before?: string) => {
      const { limits } = await spec('has another limit', ({ limits: now }) => now.throughput !== before);
      return limits.throughput;
    };
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
      await spec('has the first limit', ({ limits }) => limits.throughput === limit);
    });

    session.test('goes through two limits: a line for each value of the second, a table that sets both', async () => {
      const { workbench } = session;
      const before = await spec('is there');
      await front().getByRole('checkbox', { name: 'Table' }).click();
      await choose('Limit on', 'Throughput');
      await choose('and on', 'Memory');
      const drawing = front().getByRole('img', {
        name: /^Throughput and Memory: from .* The present limits, .* have /,
      });
      await drawing.waitFor();
      const lines = await front().getByRole('list', { name: 'Memory' }).getByRole('listitem').allTextContents();
      assert.ok(lines.length > 2 && lines.every((line) => /^ ?≤ .* KiB$/.test(line)), lines.join());
      await drawing.scrollIntoViewIfNeeded();
      await workbench.screenshot('explore-two-limits');
      await front().getByRole('checkbox', { name: 'Table' }).click();
      const figure = front().getByRole('table').locator('tbody tr').nth(4).getByRole('button').last();
      const [objective = ''] = ((await figure.textContent()) ?? '').split('Use');
      await workbench.screenshot('explore-two-limits-table');
      await figure.click();
      await panel().section('Solver').getByText(`optimal, objective ${objective.trim()} nats/token`).waitFor();
      const { throughput, memory } = before.limits;
      await spec('has two other limits', ({ limits }) => limits.throughput !== throughput && limits.memory !== memory);
      await workbench.focusEditor('tiny.puzzle.json');
      await workbench.page.keyboard.press('Control+z');
      await spec('is as before after one undo', ({ text }) => text === before.text);
    });

    session.test('lists other solutions, and shows one in the map until the limits are others', async () => {
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
      await panel().architectureAfter(before);
      await panel().page.getByText('Solution 1 of the other solutions').waitFor();
      await others().scrollIntoViewIfNeeded();
      await workbench.screenshot('explore-others');
      await panel().setLimit('Throughput', '2');
      await panel().page.getByText('Solution 1 of the other solutions').waitFor({ state: 'detached' });
      await panel().setLimit('Throughput', '1.7');
      await until('the optimum is shown', async () => (await panel().architecture()).join() === before.join());
    });

    session.test(
      'keeps one of them, and makes it the optimum by pins in the spec, all taken back at once',
      async () => {
        const before = await panel().architecture();
        const names = (rows: readonly string[]) => rows.map((row) => /attention [^\s,]+, FFN [^\s,]+/.exec(row)?.[0]);
        await others().getByRole('button', { name: 'Show 1' }).click();
        const shown = await panel().architectureAfter(before);
        await panel().button('Keep it').click();
        const comparison = panel().section('Comparison');
        await comparison.getByRole('row', { name: /^kept 1 throughput ≥ 1.7× memory ≤ 97% / }).waitFor();
        await panel().button('Pin every layer to it').click();
        await others().getByText('There is no other within the limits.').waitFor();
        assert.deepEqual(names(await panel().architecture()), names(shown));
        const { text, rules = [] } = await spec('has the pins', (now) => now.rules !== undefined);
        const pins = shown.map((_, layer) => rules.slice(2 * layer, 2 * layer + 2).map(({ pin }) => pin));
        assert.deepEqual(
          pins.map(([attention = '', ffn = '']) => `attention ${attention}, FFN ${ffn}`),
          names(shown),
        );
        assert.equal(text.split('\n').filter((line) => line.includes('"pin"')).length, 6, 'a line for each');
        await panel().button('Take back all pins and bans').click();
        await until('the optimum is shown', async () => (await panel().architecture()).join() === before.join());
      },
    );
  },
);
