/** Calls `act` when asked to, but never more than once per interval; what is asked meanwhile is one call at its end. */
export class Throttle {
  private timer: NodeJS.Timeout | undefined;
  private due = Infinity;
  private last = -Infinity;

  constructor(
    private readonly intervalMs: number,
    private readonly act: () => void,
  ) {}

  /** `withinMs`: how long `act` may wait for more to happen. */
  request(withinMs = 0): void {
    const now = performance.now();
    const due = Math.max(now + withinMs, this.last + this.intervalMs);
    if (this.due <= due) return;
    clearTimeout(this.timer);
    this.due = due;
    this.timer = setTimeout(() => {
      this.due = Infinity;
      this.last = performance.now();
      this.act();
    }, due - now);
  }

  dispose(): void {
    clearTimeout(this.timer);
    this.due = -Infinity;
  }
}
