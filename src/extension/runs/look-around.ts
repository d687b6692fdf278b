/** After a hint: a copy may take its time, and every look costs a walk through the folders. */
const DELAYS_MS = [500, 4_000, 16_000];

/**
 * Looks at something that costs: once at a time, and after a hint that there may be news a few times, ever later. Hints
 * that come meanwhile lead to one such row more after it, so that a stream of them means a look every few seconds.
 */
export class LookAround {
  /** A row of looks is still to begin. */
  hinted = false;
  private looking: Promise<void> | undefined;
  private next: Promise<void> | undefined;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly look: () => Promise<void>,
    private readonly delaysMs: readonly number[] = DELAYS_MS,
  ) {}

  /** Looks now, or, while a look is under way that may have passed the news already, once more after it. */
  now(): Promise<void> {
    if (this.looking === undefined) return this.begin();
    const again = () => {
      this.next = undefined;
      return this.now();
    };
    this.next ??= this.looking.then(again, again);
    return this.next;
  }

  /** There may be news, now or in a moment. */
  soon(): void {
    this.hinted = true;
    if (this.timer === undefined) this.wait(0);
  }

  dispose(): void {
    clearTimeout(this.timer);
  }

  private begin(): Promise<void> {
    this.looking = this.look().finally(() => (this.looking = undefined));
    return this.looking;
  }

  private wait(turn: number): void {
    const delay = this.delaysMs[turn];
    if (delay === undefined) {
      this.timer = undefined;
      // Of what the hints since the row began were about, its looks may have seen the beginning only.
      if (this.hinted) this.wait(0);
      return;
    }
    this.timer = setTimeout(() => {
      if (turn === 0) this.hinted = false;
      // What cannot be looked through now can perhaps the next time.
      void this.now().catch(() => undefined);
      this.wait(turn + 1);
    }, delay).unref();
  }
}
