import { AxeBuilder } from '@axe-core/playwright';
import type { Page } from 'playwright-core';

/** What is wrong, with the elements where it is; nothing else of axe's long reports. */
export async function violations(page: Page): Promise<string[]> {
  // The webview alone: the rest of the window is the editor's.
  const builder = new AxeBuilder({ page }).include(['iframe.webview.ready', 'iframe#active-frame', 'body']);
  const { violations: found, passes } = await builder.analyze();
  if (passes.length === 0) throw new Error('axe has looked at nothing');
  return found.flatMap(({ id, nodes }) =>
    nodes.map(({ target, failureSummary }) => `${id}: ${target.flat().at(-1) ?? ''}: ${failureSummary ?? ''}`),
  );
}
