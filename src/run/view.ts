import { open, stat } from 'node:fs/promises';
import { basename, resolve } from 'node:path';
import { InputError } from '../common/errors.js';
import { ABSENT, errorCode } from './disk.js';
import { eventsPath, readEvents } from './event-log.js';
import { type RunEvent, OPTIONAL_STAGES, type Stage, STAGES } from './events.js';
import { isLocked } from './lock-state.js';
import { type Series, SeriesFold } from './series.js';
import { readVitals, type Vitals } from './vitals.js';
import { type RunCondition, type RunState, RunStateFold } from './state.js';

// What a run directory tells to whoever only looks, as often as they like: nothing here takes a lock or loads more than
// the log needs.

export interface StageView {
  stage: Stage;
  state: 'waiting' | 'running' | 'done';
  /** In the stage's own unit. */
  done: number;
  total: number;
  seconds: number;
  /** Null where nothing can be said, and while nobody works on the run. */
  etaSeconds: number | null;
  tokens: number;
}

/** A run as its directory tells of it. */
export interface RunView {
  dir: string;
  name: string;
  /** `interrupted`: the log ends in mid-run and no process holds the lock. */
  state: RunCondition | 'interrupted';
  stage: Stage | null;
  /** All of them, in order. */
  stages: StageView[];
  /** Share of the whole run, 0 to 1. */
  progress: number;
  etaSeconds: number | null;
  /** Of the search. */
  seconds: number;
  /** Worked on what is done apart from its stages: baselines. */
  apartSeconds: number;
  error: string | null;
  warnings: string[];
  tasks: { finished: number; failed: number; retried: number };
  /** Milliseconds since the epoch of the last line of the log. */
  lastEvent: number;
  /** Of the process at work on it, or holding it while paused; null when there is none. */
  vitals: Vitals | null;
}

export const INTERRUPTED = 'the process that worked on this run is gone; resume it to go on';

/** So much of a log, the time of its first event included, tells it from another one. */
const HEAD_BYTES = 64;

/** What the log says, as far as it was read. */
class Reading {
  readonly state = new RunStateFold();
  readonly curves = new SeriesFold();
  /** Of the log; 0 while it holds no event. */
  offset = 0;
  /** The log's first bytes. */
  head: Buffer = Buffer.alloc(0);
  lastEvent = 0;

  see(event: RunEvent, end: number): void {
    this.state.apply(event);
    this.curves.apply(event);
    this.lastEvent = Date.parse(event.t);
    this.offset = end;
  }
}

/**
 * Follows the run in a directory: each {@link read} looks only at what was added to the log since the one before. Goes on
 * where the log is replaced or cut, or appears later.
 */
export class RunReader {
  readonly dir: string;
  private reading = new Reading();
  /** Identity, size and time of the log when it was read. */
  private stamp = '';
  private interrupted = false;
  private current: Promise<RunView | undefined> | undefined;

  constructor(dir: string) {
    this.dir = resolve(dir);
  }

  /**
   * Reads on. Whoever calls meanwhile gets the same answer.
   *
   * @returns the run as of now, or undefined when the directory holds none
   * @throws InputError when the log cannot be understood
   */
  read(): Promise<RunView | undefined> {
    this.current ??= this.readOn().finally(() => (this.current = undefined));
    return this.current;
  }

  /** As {@link read}; throws InputError when the directory holds no run. */
  async require(): Promise<RunView> {
    const view = await this.read();
    if (view === undefined) throw new InputError('holds no run; start one with a spec', this.dir);
    return view;
  }

  /** Every loss curve of what was read. */
  series(): readonly Series[] {
    return this.reading.curves.all();
  }

  /** What was read as the state of a run, for programs of the search; interrupted runs are still `running` here. */
  state(): RunState {
    // Nobody has worked on an interrupted run since its last line.
    return this.reading.state.snapshot(this.interrupted ? new Date(this.reading.lastEvent) : new Date());
  }

  private async readOn(): Promise<RunView | undefined> {
    const lockedBefore = await isLocked(this.dir);
    await this.readLog();
    if (this.reading.offset === 0) return undefined;
    this.interrupted = false;
    // Asked before and after reading: a run that ended, or was opened, meanwhile is not called interrupted.
    this.interrupted = this.state().state === 'running' && !lockedBefore && !(await isLocked(this.dir));
    return this.view(lockedBefore && !this.interrupted ? await readVitals(this.dir) : null);
  }

  private async readLog(): Promise<void> {
    const path = eventsPath(this.dir);
    const found = await stat(path).catch((error: unknown) => {
      if (ABSENT.has(errorCode(error) ?? '')) return undefined;
      throw error;
    });
    const stamp = found === undefined ? '' : `${found.ino} ${found.size} ${found.mtimeMs}`;
    if (stamp === this.stamp) return;
    const same = found !== undefined && found.size >= this.reading.offset && (await this.hasHead(path));
    if (!same) this.reading = new Reading();
    await this.readAdded(path);
    this.stamp = stamp;
  }

  private async readAdded(path: string): Promise<void> {
    const from = this.reading.offset;
    try {
      for await (const { event, end } of readEvents(path, from)) this.reading.see(event, end);
    } catch (error) {
      // A line that was read may have been taken back since, and what follows be no whole line.
      if (from === 0) throw error;
      this.reading = new Reading();
      for await (const { event, end } of readEvents(path)) this.reading.see(event, end);
    }
    if (this.reading.head.length === 0 && this.reading.offset > 0) this.reading.head = await readHead(path);
  }

  private async hasHead(path: string): Promise<boolean> {
    const { head } = this.reading;
    return head.length === 0 || head.equals(await readHead(path));
  }

  private view(vitals: Vitals | null): RunView {
    const { dir, interrupted } = this;
    const state = this.state();
    const atWork = state.state === 'running' && !interrupted;
    const { stage, progress, seconds, apartSeconds, tasks, warnings } = state;
    return {
      ...{ dir, name: basename(dir), state: interrupted ? 'interrupted' : state.state, stage },
      stages: STAGES.filter((name) => isGoneThrough(name, state)).map((name) => stageView(name, state, atWork)),
      progress,
      etaSeconds: atWork ? state.etaSeconds : null,
      ...{ seconds, apartSeconds },
      error: interrupted ? INTERRUPTED : state.error,
      ...{ warnings, tasks, lastEvent: this.reading.lastEvent, vitals },
    };
  }
}

/**
 * The run in a directory, as of now.
 *
 * @throws InputError when there is none, or its log cannot be understood
 */
export function readRunView(dir: string): Promise<RunView> {
  return new RunReader(dir).require();
}

function isGoneThrough(stage: Stage, { stages, planned }: RunState): boolean {
  return !OPTIONAL_STAGES.has(stage) || stages[stage] !== undefined || planned.includes(stage);
}

function stageView(stage: Stage, { stages, waiting }: RunState, atWork: boolean): StageView {
  const at = stages[stage];
  const nothing = { state: 'waiting', done: 0, total: 0, seconds: 0, tokens: 0 } as const;
  const etaSeconds = at === undefined ? waiting[stage] : at.etaSeconds;
  return { stage, ...(at ?? nothing), etaSeconds: atWork ? (etaSeconds ?? null) : null };
}

async function readHead(path: string): Promise<Buffer> {
  const handle = await open(path);
  try {
    const { buffer, bytesRead } = await handle.read(Buffer.alloc(HEAD_BYTES), 0, HEAD_BYTES, 0);
    return buffer.subarray(0, bytesRead);
  } finally {
    await handle.close();
  }
}
