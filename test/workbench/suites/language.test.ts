import assert from 'node:assert/strict';
import { readFile, rm, mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { finish, writeSearch } from '../searches.js';
import { describeInWorkbench } from '../session.js';
import { REPOSITORY } from '../stage.js';
import { until } from '../until.js';

/** No language: every text in brackets. */
const LANGUAGE = 'qps-ploc';
const BRACKETED = /⟦[^⟦⟧]*⟧/;
/** Numbers with units, and names of variants and stages, are the same in every language; three words are a sentence. */
const SENTENCE = /\p{L}{2,} \p{L}{2,} \p{L}{2,}/u;

/** Told of a half as on the command line. */
const SHAPE = /[\d,]+ KV heads? of [\d,]+/g;

/** What is asked of an element in the page, whose types are not known here. */
interface PageElement {
  querySelectorAll: (selector: string) => Iterable<PageElement>;
  closest: (selector: string) => unknown;
  childNodes: Iterable<{ nodeType: number; textContent: string | null }>;
  getAttribute: (name: string) => string | null;
}

await describeInWorkbench(
  'the panel in another language',
  {
    prepare: async ({ folder, extension }) => {
      await finish(extension, await writeSearch(folder));
      await writeSearch(join(folder, 'new'));
      const file = join(REPOSITORY, 'l10n/bundle.l10n.json');
      const english = JSON.parse(await readFile(file, 'utf8')) as Record<string, string>;
      const texts = Object.fromEntries(Object.entries(english).map(([key, text]) => [key, `⟦${text}⟧`]));
      await rm(join(extension, 'l10n'));
      await mkdir(join(extension, 'l10n'));
      await writeFile(join(extension, `l10n/bundle.l10n.${LANGUAGE}.json`), JSON.stringify(texts));
    },
    open: (places) => ({ ...places, language: LANGUAGE }),
  },
  (session) => {
    const page = () => session.workbench.webview();
    /** Every text of the panel, read or heard; what the checks before a search say is as on the command line. */
    const said = () =>
      page()
        .locator('#app')
        .evaluate((app: PageElement) =>
          [...app.querySelectorAll('*')]
            .filter((element) => element.closest('.preflight-item') === null)
            .flatMap((element) => [
              ...[...element.childNodes].filter(({ nodeType }) => nodeType === 3).map((node) => node.textContent ?? ''),
              ...['aria-label', 'title', 'placeholder'].map((name) => element.getAttribute(name) ?? ''),
            ]),
        );
    const left = (text: string): string => (BRACKETED.test(text) ? left(text.replace(BRACKETED, '#')) : text);
    const english = async () =>
      (await said()).map((text) => left(text).replaceAll(SHAPE, '#')).filter((text) => SENTENCE.test(text));

    const OPENED = {
      'new/tiny.puzzle.json': ['Puzzle: Open Search Panel', '#section-preflight li'],
      'parent/config.json': ['Puzzle: Show Architecture Map', '.map-totals'],
      'tiny.puzzle.json': ['Puzzle: Open Search Panel', '.solutions table'],
    } as const;
    for (const [file, [command, shown]] of Object.entries(OPENED)) {
      session.test(`has no sentence left in English: ${file}`, async () => {
        const { workbench } = session;
        await workbench.runCommand('View: Close All Editors');
        await workbench.openFile(file);
        await workbench.runCommand(command);
        await page().locator(shown).first().waitFor();
        await page().locator('[role="treegrid"] [role="row"]').nth(2).dblclick();
        await workbench.screenshot(`language-${file.replaceAll(/\W+/g, '-')}`);
        await until('all is said in the other language', async () =>
          (await said()).some((text) => BRACKETED.test(text)),
        );
        assert.deepEqual(await english(), []);
      });
    }
  },
);
