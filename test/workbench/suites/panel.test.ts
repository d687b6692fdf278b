import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { Report } from '../../../src/search/report.js';
import { Panel } from '../panel.js';
import { COMMENT, finish, writeSearch, type Search } from '../searches.js';
import { describeInWorkbench } from '../session.js';
import { until } from '../until.js';

let search: Search;

await describeInWorkbench(
  'the panel of a finished search',
  {
    prepare: async ({ folder, extension }) => {
      // From the paper's initial values, so that pins and bans of its optimum lead to other ones.
      search = await writeSearch(folder, { distil: { tokens: 512, distinctTokens: 512, batch: 4, start: 'paper' } });
      await finish(extension, search);
    },
  },
  (session) => {
    const panel = () => new Panel(session.workbench.webview());
    /** The spec as the editor has it, once it is such a one. */
    const spec = (what: string, is: (text: string) => boolean) =>
      until(`the spec ${what}`, async () => {
        await session.workbench.saveAll();
        const text = await readFile(search.spec, 'utf8');
        return is(text) && text;
      });

    session.test('opens from the palette beside the spec', async () => {
      const { workbench } = session;
      await workbench.openFile('tiny.puzzle.json');
      await workbench.runCommand('Puzzle: Open Search Panel');
      await panel()
        .condition(/Finished in/)
        .waitFor();
      assert.equal((await panel().architecture()).length, 3);
      await panel().solution().waitFor();
      await panel()
        .section('Comparison')
        .getByRole('row', { name: /^Parameters 44,328/ })
        .waitFor();
      await workbench.screenshot('panel-finished');
    });

    session.test('shows the child on the map, and the same one among the solutions', async () => {
      const { architecture } = JSON.parse(await readFile(join(search.run, 'report.json'), 'utf8')) as Report;
      const shown = await panel().architecture();
      for (const [i, { attention, ffn }] of architecture.entries()) {
        assert.ok(shown[i]?.includes(`attention ${attention.name}`) && shown[i].includes(`FFN ${ffn.name}`), shown[i]);
      }
      await panel()
        .section('Comparison')
        .getByRole('row', { name: /^child throughput ≥ 1.7× memory ≤ 97%/ })
        .waitFor();
    });

    session.test('redraws the map when a limit is edited, and writes the spec; undo takes both back', async () => {
      const { workbench } = session;
      const [before, text] = [await panel().architecture(), await readFile(search.spec, 'utf8')];
      await panel().setLimit('Throughput', '3');
      const after = await panel().architectureAfter(before);
      const edited = await spec('has the limit', (now) => now.includes('"throughput": ">= 3x"'));
      assert.ok(edited.startsWith(COMMENT), 'comments are kept');
      await workbench.screenshot('panel-limit-edited');
      await workbench.focusEditor('tiny.puzzle.json');
      await workbench.page.keyboard.press('Control+z');
      assert.deepEqual(await panel().architectureAfter(after), before);
      await spec('is as before', (now) => now === text);
    });

    session.test('says what is reachable when nothing meets a limit, and offers the least relaxation', async () => {
      const { workbench } = session;
      const before = await panel().architecture();
      await panel().setLimit('Throughput', '50');
      await panel()
        .page.getByText(/no architecture/)
        .first()
        .waitFor();
      await workbench.screenshot('panel-infeasible');
      await panel().button('Use the smallest relaxation').click();
      await panel().architectureAfter(before);
      await spec('has the relaxed limit', (now) => /"throughput": ">= 6\.\d+x"/.test(now));
      await panel().setLimit('Throughput', '1.7');
      await until('the first optimum is back', async () => (await panel().architecture()).join() === before.join());
    });

    session.test('keeps an optimum beside the child, to be compared with it, and forgets it again', async () => {
      const { workbench } = session;
      const before = await panel().architecture();
      const comparison = panel().section('Comparison');
      await comparison.getByRole('row', { name: /^child throughput ≥ 1.7× memory ≤ 97%/ }).waitFor();
      await panel().setLimit('Throughput', '3');
      await panel().architectureAfter(before);
      await panel().button('Keep the present optimum').click();
      await panel().setLimit('Throughput', '1.7');
      const kept = comparison.getByRole('row', { name: /^kept 1 throughput ≥ 3× memory ≤ 97% .* of 6/ });
      await kept.waitFor();
      await comparison.getByText(/^Layers that differ: \d of 3$/).click();
      await comparison.getByRole('table', { name: /^Layer by layer/ }).waitFor();
      await comparison.scrollIntoViewIfNeeded();
      await workbench.screenshot('panel-solutions');
      await panel()
        .button(/^Forget /)
        .click();
      await kept.waitFor({ state: 'detached' });
      await spec('has the first limit', (now) => now.includes('"throughput": ">= 1.7x"'));
    });

    session.test('pins and bans variants, in the spec and in the map', async () => {
      const { workbench } = session;
      const before = await panel().architecture();
      await panel().layer(2).dblclick();
      await panel().button('Pin kv1 for the attention of layer 2').click();
      const pinned = await panel().architectureAfter(before);
      assert.match(pinned[2] ?? '', /attention kv1/);
      await panel().button('Ban linear for the FFN of layer 2').click();
      const banned = await panel().architectureAfter(pinned);
      assert.doesNotMatch(banned[2] ?? '', /FFN linear/);
      await workbench.screenshot('panel-pinned-and-banned');
      const ruled = await spec('has both rules', (now) => now.includes('"ban"'));
      const { rules } = JSON.parse(ruled.replace(COMMENT, '')) as { rules: unknown };
      assert.deepEqual(rules, [
        { layer: 2, half: 'attention', pin: 'kv1' },
        { layer: 2, half: 'ffn', ban: ['linear'] },
      ]);
      await panel().button('Pin kv1 for the attention of layer 2').click();
      await panel().button('Ban linear for the FFN of layer 2').click();
      await until('the first optimum is back', async () => (await panel().architecture()).join() === before.join());
      await panel().layer(2).dblclick();
    });

    session.test('is walked through by keyboard: one tab stop, arrows, Enter', async () => {
      const { page } = session.workbench;
      const { map } = panel();
      const focused = () => map.locator(':focus').getAttribute('aria-label');
      await panel().layer(0).click();
      assert.equal(await map.locator('[tabindex="0"]').count(), 1);
      await page.keyboard.press('ArrowDown');
      assert.match((await focused()) ?? '', /^Layer 1:/);
      await page.keyboard.press('End');
      assert.match((await focused()) ?? '', /^Layer 2:/);
      await page.keyboard.press('Enter');
      assert.equal(await panel().layer(2).getAttribute('aria-expanded'), 'true');
      await map.getByRole('row', { level: 2, name: /kv1/ }).waitFor();
      await page.keyboard.press('ArrowRight');
      const variant = await until('a variant has the focus', async () => (await focused()) ?? undefined);
      assert.doesNotMatch(variant, /^Layer/);
      await page.keyboard.press('ArrowRight');
      assert.match((await focused()) ?? '', /^Pin /);
      assert.equal(await map.locator('[tabindex="0"]').count(), 1);
      await session.workbench.screenshot('panel-variants');
      await page.keyboard.press('Home');
      await page.keyboard.press('End');
      await until('the last row has the focus', async () => (await map.locator(':focus').count()) === 1);
      for (let i = 0; i < 12; i++) await page.keyboard.press('ArrowUp');
      assert.match((await focused()) ?? '', /^Layer 0:/);
    });

    session.test('continues a prompt with parent and child', async () => {
      const section = panel().section('Try it');
      await section.getByRole('textbox', { name: 'Prompt' }).fill('the old red');
      await section.getByRole('textbox', { name: /Tokens/ }).fill('8');
      await section.getByRole('button', { name: 'Complete with both' }).click();
      await until('both have answered', async () => (await section.getByText(/tokens\/s|8 tokens/).count()) >= 2);
      await session.workbench.screenshot('panel-try-it');
    });

    session.test('has each chart as a table too', async () => {
      const curves = panel().section('Loss curves');
      await curves.getByRole('checkbox', { name: 'Table' }).click();
      await curves.getByRole('table').first().waitFor();
      await session.workbench.screenshot('panel-curves-table');
      await curves.getByRole('checkbox', { name: 'Table' }).click();
    });

    session.test('asks nothing of anybody outside', async () => {
      assert.deepEqual(session.workbench.outsideRequests, []);
      return Promise.resolve();
    });
  },
);
