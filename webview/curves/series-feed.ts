import { signal, type ReadonlySignal } from '@preact/signals';
import type { Series } from '../../src/protocol/run.js';
import { knownPoints, mergeParts, type SeriesPart } from './merge.js';

/** Asks for the points of all curves beyond those known. */
type AskParts = (known: Record<string, number>) => Promise<readonly SeriesPart[]>;

/** The curves of one run, asked for at most once in an interval (milliseconds), and never twice at a time. */
export class SeriesFeed {
  private readonly curves = signal<ReadonlyMap<string, Series>>(new Map());
  private readonly failed = signal<string | null>(null);
  private readonly answered = signal(false);
  private busy = false;
  private wanted = false;
  private stopped = false;

  constructor(
    private readonly askParts: AskParts,
    private readonly interval = 1000,
  ) {}

  get series(): ReadonlySignal<ReadonlyMap<string, Series>> {
    return this.curves;
  }

  /** Why the last question was not answered. */
  get error(): ReadonlySignal<string | null> {
    return this.failed;
  }

  /** False until the first answer. */
  get loaded(): ReadonlySignal<boolean> {
    return this.answered;
  }

  /** There may be news. */
  refresh(): void {
    if (this.stopped) return;
    this.wanted = true;
    if (!this.busy) void this.work();
  }

  stop(): void {
    this.stopped = true;
  }

  private async work(): Promise<void> {
    this.busy = true;
    while (this.wanted && !this.stopped) {
      this.wanted = false;
      await this.askOnce();
      await new Promise((resolve) => setTimeout(resolve, this.interval));
    }
    this.busy = false;
  }

  private async askOnce(): Promise<void> {
    try {
      const parts = await this.askParts(knownPoints(this.curves.peek()));
      if (parts.length > 0) this.curves.value = mergeParts(this.curves.peek(), parts);
      this.failed.value = null;
      this.answered.value = true;
    } catch (error) {
      this.failed.value = error instanceof Error ? error.message : String(error);
    }
  }
}
