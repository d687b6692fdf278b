import assert from 'node:assert/strict';
import { violations } from '../axe.js';
import { Panel } from '../panel.js';
import { finish, writeSearch } from '../searches.js';
import { describeInWorkbench } from '../session.js';
import { THEMES } from '../themes.js';
import { until } from '../until.js';

const NARROW_PX = 300;

interface Box {
  scrollWidth: number;
  clientWidth: number;
}

/** What is asked of an element in the page, whose types are not known here. */
interface PageElement {
  ownerDocument: {
    documentElement: Box;
    getAnimations: () => unknown[];
  };
}

await describeInWorkbench(
  'the looks of the panel',
  {
    prepare: async ({ folder, extension }) => {
      await finish(extension, await writeSearch(folder));
    },
  },
  (session) => {
    const panel = () => new Panel(session.workbench.webview());
    const body = () => panel().page.locator('body');

    session.test('the panel is open, alone, with a layer opened', async () => {
      const { workbench } = session;
      await workbench.openFile('tiny.puzzle.json');
      await workbench.runCommand('Puzzle: Open Search Panel');
      await panel().layer(2).dblclick();
      await panel().button('Pin kv1 for the attention of layer 2').waitFor();
      const comparison = panel().section('Comparison');
      await comparison.getByRole('table').first().waitFor();
      await panel().setLimit('Throughput', '3');
      await panel().button('Keep the present optimum').click();
      await comparison.getByText(/^Layers that differ:/).click();
      await panel().button('Front').click();
      await panel().page.getByRole('combobox', { name: 'and on' }).click();
      await panel().page.getByRole('option', { name: 'Memory' }).click();
      await panel().section('Front').getByRole('img').waitFor();
      await panel().button('Other solutions').click();
      await panel().button('Show 1').click();
    });

    for (const [kind, theme] of Object.entries(THEMES)) {
      session.test(`is accessible in the theme ${theme}`, async () => {
        const { workbench } = session;
        await workbench.chooseTheme(theme);
        await until(`the theme is ${kind}`, async () =>
          (await body().getAttribute('class'))?.split(' ').includes(kind),
        );
        assert.deepEqual(await violations(workbench.page), []);
        await workbench.screenshot(`theme-${kind}`);
        await panel().section('Front').scrollIntoViewIfNeeded();
        await workbench.screenshot(`theme-${kind}-front`);
      });
    }

    session.test(`fits into ${NARROW_PX} pixels`, async () => {
      const { workbench } = session;
      await workbench.runCommand('View: Close Primary Side Bar');
      await workbench.runCommand('View: Move Editor into Previous Group');
      const frame = workbench.page.locator('iframe.webview.ready');
      const { width } = (await frame.boundingBox()) ?? { width: 0 };
      const viewport = workbench.page.viewportSize() ?? { width: 0, height: 0 };
      await workbench.page.setViewportSize({ width: viewport.width - Math.round(width) + NARROW_PX, height: 900 });
      await until('the panel is narrow', async () => Math.round((await frame.boundingBox())?.width ?? 0) === NARROW_PX);
      const overflow = await body().evaluate(({ ownerDocument }: PageElement) => {
        const { scrollWidth, clientWidth } = ownerDocument.documentElement;
        return scrollWidth - clientWidth;
      });
      await workbench.screenshot('panel-narrow');
      const solutions = panel().page.locator('.solutions .table-frame').first();
      await solutions.scrollIntoViewIfNeeded();
      await workbench.screenshot('solutions-narrow');
      // That of parent and children grows with every model, and scrolls in its frame.
      for (const table of [solutions, panel().page.locator('.explore .table-frame').first()]) {
        const hidden = await table.evaluate((frame: Box) => frame.scrollWidth - frame.clientWidth);
        assert.ok(hidden <= 0, `${hidden} pixels of a table of solutions have to be scrolled sideways`);
      }
      await panel().section('Front').scrollIntoViewIfNeeded();
      await workbench.screenshot('front-narrow');
      assert.ok(overflow <= 0, `${overflow} pixels have to be scrolled sideways`);
      assert.deepEqual(await violations(workbench.page), []);
    });

    session.test('is drawn without motion for who wants none', async () => {
      const { workbench } = session;
      await workbench.page.emulateMedia({ reducedMotion: 'reduce' });
      const moving = await body().evaluate(({ ownerDocument }: PageElement) => ownerDocument.getAnimations().length);
      assert.equal(moving, 0);
    });
  },
);
