import { eventsPath, readEvents } from '../run/event-log.js';
import type { RunEvent, Stage } from '../run/events.js';
import { RunStateFold } from '../run/state.js';
import { type Latest, progressLine, stageLine } from './render-progress.js';

/** How often the log is read. */
const POLL_MS = 500;
/** How often a line is printed where lines cannot be rewritten. */
const PLAIN_MS = 10_000;

const DEFAULT_COLUMNS = 80;

/** What is needed of the stream that progress goes to: a terminal (`isTTY`), a pipe or a file. */
export interface Screen {
  isTTY?: boolean;
  columns?: number;
  write: (text: string) => unknown;
}

/**
 * Tells of a run on a screen, by reading its log as any other process could. On a terminal one line is kept up to date;
 * elsewhere a line is printed when the stage changes and every ten seconds. Finished stages and warnings get lines of
 * their own, as far as they happen from now on.
 */
export class Follower {
  private readonly fold = new RunStateFold();
  private readonly since = Date.now();
  private offset = 0;
  private stage: Stage | undefined;
  private latest: Latest = {};
  private shown = '';
  private plainAt = -Infinity;
  private reading: Promise<void> = Promise.resolve();
  private readonly timer: NodeJS.Timeout;

  constructor(
    private readonly dir: string,
    private readonly screen: Screen,
  ) {
    this.timer = setInterval(() => {
      this.look();
    }, POLL_MS);
  }

  /** Reads what is left of the log, and takes the live line away. */
  async stop(): Promise<void> {
    clearInterval(this.timer);
    this.look();
    await this.reading;
    this.live('');
  }

  /** One reading after the other, so that no event is seen twice. */
  private look(): void {
    // A log that cannot be read is the business of the command that works on the run.
    this.reading = this.reading.then(() => this.read()).catch(() => undefined);
  }

  private async read(): Promise<void> {
    for await (const { event, end } of readEvents(eventsPath(this.dir), this.offset)) {
      this.offset = end;
      this.fold.apply(event);
      this.see(event);
    }
    if (this.offset === 0) return;
    if (this.screen.isTTY) this.live(progressLine(this.fold.snapshot(), this.latest, { bar: true }));
    else if (Date.now() - this.plainAt >= PLAIN_MS) this.plain();
  }

  private see(event: RunEvent): void {
    const isNew = Date.parse(event.t) >= this.since;
    if (event.type === 'stage-started' && event.stage !== this.stage) {
      this.stage = event.stage;
      this.latest = {};
      if (isNew && !this.screen.isTTY) this.plain();
    }
    if (event.type === 'loss') {
      const value = event.values.findLast((point) => point !== null);
      if (typeof value === 'number') this.latest.loss = { series: event.series, value };
    }
    if (event.type === 'task-started') this.latest.task = event.label;
    if (event.type === 'stage-finished') this.latest.task = undefined;
    if (!isNew) return;
    if (event.type === 'stage-finished') {
      const stage = this.fold.snapshot().stages[event.stage];
      if (stage !== undefined) this.line(stageLine(event.stage, stage));
    }
    if (event.type === 'log') this.line(event.level === 'warning' ? `warning: ${event.message}` : event.message);
    if (event.type === 'task-retried') this.line(`warning: a task is tried again: ${event.error}`);
  }

  private plain(): void {
    this.plainAt = Date.now();
    this.line(progressLine(this.fold.snapshot(), this.latest));
  }

  private line(text: string): void {
    this.live('');
    this.screen.write(`${text}\n`);
  }

  private live(text: string): void {
    if (!this.screen.isTTY || text === this.shown) return;
    // A line wider than the terminal would wrap, and then could not be taken back. A terminal may not know its width.
    this.shown = text.slice(0, (this.screen.columns || DEFAULT_COLUMNS) - 1);
    this.screen.write(`\r\x1b[2K${this.shown}`);
  }
}
