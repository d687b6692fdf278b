import { basename, resolve } from 'node:path';
import { messageOf } from '../../common/errors.js';
import type { RunView, Series } from '../../protocol/run.js';
import { OPTIONAL_STAGES, STAGES } from '../../run/events.js';
import { RunReader } from '../../run/view.js';

/** How often runs with a process are looked at. */
const POLL_MS = 500;
/** The others are looked at in every so many polls: a terminal, or another window, may have taken them up. */
const REST_POLLS = 6;

interface Followed {
  reader: RunReader;
  view: RunView | undefined;
}

/** A run that a process works on, or has paused. */
export const isAlive = ({ state }: Pick<RunView, 'state'>): boolean => state === 'running' || state === 'paused';

/** Looks at run directories again and again, and tells when one of them tells something else. */
export class RunStore {
  private readonly followed = new Map<string, Followed>();
  private timer: NodeJS.Timeout | undefined;
  private polls = 0;

  /** @param changed called with the directory of a run that appeared, changed or went */
  constructor(
    private readonly changed: (dir: string) => void,
    private readonly pollMs = POLL_MS,
  ) {}

  /** Those of the directories followed that hold a run: those with a process first, then the latest. */
  all(): RunView[] {
    const views = [...this.followed.values()].flatMap(({ view }) => view ?? []);
    return views.sort((a, b) => Number(isAlive(b)) - Number(isAlive(a)) || b.lastEvent - a.lastEvent);
  }

  get(dir: string): RunView | undefined {
    return this.followed.get(resolve(dir))?.view;
  }

  /** Looks at a directory from now on, whether it holds a run yet or not. Resolves after the first look. */
  async follow(dir: string): Promise<void> {
    const path = resolve(dir);
    if (!this.followed.has(path)) this.followed.set(path, { reader: new RunReader(path), view: undefined });
    this.timer ??= setInterval(() => {
      this.poll();
    }, this.pollMs).unref();
    await this.look(path);
  }

  forget(dir: string): void {
    const path = resolve(dir);
    const { view } = this.followed.get(path) ?? {};
    this.followed.delete(path);
    if (this.followed.size === 0) this.dispose();
    if (view !== undefined) this.changed(path);
  }

  /** Looks now. */
  async look(dir: string): Promise<void> {
    const path = resolve(dir);
    const followed = this.followed.get(path);
    if (followed === undefined) return;
    const before = JSON.stringify(followed.view);
    const view = await followed.reader.read().catch((error: unknown) => unreadable(path, messageOf(error)));
    if (this.followed.get(path) !== followed) return;
    followed.view = view;
    if (JSON.stringify(view) !== before) this.changed(path);
  }

  /** Every loss curve of a run, whether it is followed or not. */
  async series(dir: string): Promise<readonly Series[]> {
    const reader = this.followed.get(resolve(dir))?.reader ?? new RunReader(dir);
    await reader.read();
    return reader.series();
  }

  dispose(): void {
    clearInterval(this.timer);
    this.timer = undefined;
  }

  private poll(): void {
    const everyone = this.polls++ % REST_POLLS === 0;
    for (const [dir, { view }] of this.followed) if (everyone || (view && isAlive(view))) void this.look(dir);
  }
}

/** A run whose log cannot be understood is shown, with the reason: it may have been hours of work. */
function unreadable(dir: string, error: string): RunView {
  const nothing = { state: 'waiting', done: 0, total: 0, seconds: 0, etaSeconds: null, tokens: 0 } as const;
  return {
    ...{ dir, name: basename(dir), state: 'failed', stage: null, error },
    stages: STAGES.filter((stage) => !OPTIONAL_STAGES.has(stage)).map((stage) => ({ stage, ...nothing })),
    ...{ progress: 0, etaSeconds: null, seconds: 0, apartSeconds: 0, warnings: [], lastEvent: 0, vitals: null },
    tasks: { finished: 0, failed: 0, retried: 0 },
  };
}
