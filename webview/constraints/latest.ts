/**
 * Sends the newest of the values it is given: at most one each frame, and none before the last one has been answered.
 * What is overtaken meanwhile is never sent.
 */
export class Latest<Value> {
  private pending: { value: Value } | null = null;
  private busy = false;

  constructor(
    private readonly send: (value: Value) => Promise<void>,
    private readonly nextFrame: (callback: () => void) => void,
  ) {}

  push(value: Value): void {
    this.pending = { value };
    if (!this.busy) this.schedule();
  }

  private schedule(): void {
    this.busy = true;
    this.nextFrame(() => {
      const next = this.pending;
      this.pending = null;
      if (next === null) {
        this.busy = false;
        return;
      }
      void this.send(next.value).finally(() => {
        if (this.pending === null) this.busy = false;
        else this.schedule();
      });
    });
  }
}
