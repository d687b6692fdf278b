/** The search panel as a reader of its page sees it: by roles and names. */
import type { FrameLocator, Locator } from 'playwright-core';
import { until } from './until.js';

export class Panel {
  constructor(readonly page: FrameLocator) {}

  /** `Architecture`, `Constraints`, `Solver`, … */
  section(title: string): Locator {
    return this.page.getByRole('region', { name: title, exact: true });
  }

  button(name: string | RegExp): Locator {
    return this.page.getByRole('button', { name });
  }

  /** How the run stands, in the header. */
  condition(text: string | RegExp): Locator {
    return this.page.getByRole('banner').getByText(text).first();
  }

  /** That there is a solution: one that is proven, or the best of those that were measured. */
  solution(): Locator {
    return this.section('Solver').getByText(/^(Optimal, proven|Best of all architectures measured whole)$/);
  }

  get map(): Locator {
    return this.page.getByRole('treegrid');
  }

  layer(index: number): Locator {
    return this.map.getByRole('row', { name: new RegExp(`^Layer ${index}:`) });
  }

  /** What the map says, layer by layer. */
  async architecture(): Promise<string[]> {
    await this.layer(0).waitFor();
    const rows = await this.map.getByRole('row', { name: /^Layer \d+:/ }).all();
    return Promise.all(rows.map(async (row) => (await row.getAttribute('aria-label')) ?? ''));
  }

  /** The map once it is another than `before`. */
  architectureAfter(before: readonly string[]): Promise<string[]> {
    return until('the map is redrawn', async () => {
      const now = await this.architecture();
      return now.join() !== before.join() && now;
    });
  }

  /** The field of a limit: `Throughput`. */
  limit(metric: string): Locator {
    return this.page.getByRole('textbox', { name: new RegExp(`^${metric}:`) });
  }

  async setLimit(metric: string, value: string): Promise<void> {
    const field = this.limit(metric);
    await field.fill(value);
    await field.press('Tab');
  }
}
