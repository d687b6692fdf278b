import type { PanelState } from '../../protocol/panel.js';
import type { MetricName } from '../../protocol/solution.js';

/** Takes the time from a limit that was set in the panel to the state that has it and the answer to it. */
export class EditClock {
  private waiting: { metric: MetricName; text: string | null; since: number } | undefined;

  constructor(private readonly took: (milliseconds: number) => void) {}

  begun(metric: MetricName, text: string | null): void {
    this.waiting = { metric, text, since: performance.now() };
  }

  told({ spec, solving, answer }: Pick<PanelState, 'spec' | 'solving' | 'answer'>): void {
    if (this.waiting === undefined || solving || answer === null) return;
    const { metric, text, since } = this.waiting;
    const present = spec?.limits.find((limit) => limit.metric === metric)?.text ?? null;
    if (present !== text) return;
    this.waiting = undefined;
    this.took(performance.now() - since);
  }
}
