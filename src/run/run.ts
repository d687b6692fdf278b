import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { isAbsolute, join, normalize, sep } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, InputError, messageOf } from '../common/errors.js';
import { removeTemporaries } from './artifacts.js';
import { clearControl, readControl } from './control.js';
import { type Disk, realDisk } from './disk.js';
import { EventLog, eventsPath, readEvents } from './event-log.js';
import type { NewEvent, RunEvent, Stage } from './events.js';
import { acquireLock } from './lock.js';
import { type RunState, RunStateFold } from './state.js';
import { canonicalJson } from './task-key.js';
import { INTERRUPTED, RunReader } from './view.js';

/** How often `control.json` is looked at. */
const CONTROL_POLL_MS = 200;

export interface TaskMeta {
  stage: Stage;
  kind: string;
  /** For people: "layer 3 ffn-50%". */
  label: string;
}

export interface TaskOutput {
  /** Path relative to the run directory of the file or directory the task wrote (see artifacts.ts). */
  artifact?: string;
  /** Small plain JSON, kept in the log itself. */
  result?: unknown;
  /** Training or evaluation tokens the task used. */
  tokens?: number;
}

export interface FinishedTask {
  key: string;
  artifact: string | null;
  result: unknown;
  seconds: number;
  tokens: number;
}

/** What a run's log says, for whoever only looks. */
export class RunRecord {
  protected readonly fold = new RunStateFold();
  private readonly finishedTasks = new Map<string, FinishedTask>();
  /** The key of the task that last wrote each artifact. */
  private readonly writtenBy = new Map<string, string>();

  constructor(readonly dir: string) {}

  /** The state by the log alone, as of now. */
  state(): RunState {
    return this.fold.snapshot();
  }

  /** The absolute path of something in the run directory. */
  path(relative: string): string {
    const normal = normalize(relative);
    if (isAbsolute(normal) || normal === '..' || normal.startsWith(`..${sep}`)) {
      throw new InputError(`"${relative}" lies outside the run directory`, this.dir);
    }
    return join(this.dir, normal);
  }

  /** What the task with this key gave, if it has finished and its artifact is still there. */
  finished(key: string): FinishedTask | undefined {
    const task = this.finishedTasks.get(key);
    return task && (task.artifact === null || existsSync(this.path(task.artifact))) ? task : undefined;
  }

  /** Takes note of an event of the log. */
  see(event: RunEvent): void {
    this.fold.apply(event);
    if (event.type !== 'task-finished') return;
    const { key, artifact, seconds, tokens = 0, result = null } = event;
    if (artifact !== null) {
      // What an earlier task wrote there is gone: that task has to be done again should it be asked for.
      const before = this.writtenBy.get(artifact);
      if (before !== undefined && before !== key) this.finishedTasks.delete(before);
      this.writtenBy.set(artifact, key);
    }
    this.finishedTasks.set(key, { key, artifact, result, seconds, tokens });
  }
}

/** A run directory opened for work: its lock is held until {@link Run.close}. Made by {@link createRun} and {@link openRun}. */
export class Run extends RunRecord {
  private readonly abort = new AbortController();
  private readonly inFlight = new Map<string, Promise<FinishedTask>>();
  private log: EventLog | undefined;
  private release: (() => Promise<void>) | undefined;
  private poll: NodeJS.Timeout | undefined;
  private lost: Error | undefined;
  private lastLook = -Infinity;
  private pausing: Promise<void> | undefined;

  /** Aborted with a CancelledError when cancelling is asked for, with another error when the lock is lost. */
  get signal(): AbortSignal {
    return this.abort.signal;
  }

  /** Takes the lock, reads the log, cleans up after an interrupted writer. For createRun and openRun. */
  async open(disk: Disk): Promise<void> {
    this.release = await acquireLock(this.dir, (error) => {
      this.lost = new Error(`${this.dir}: the lock of this run was lost: ${messageOf(error)}`);
      this.abort.abort(this.lost);
    });
    try {
      this.log = await EventLog.open(eventsPath(this.dir), this.see.bind(this), disk);
      await removeTemporaries(this.dir);
      await clearControl(this.dir);
    } catch (error) {
      await this.close();
      throw error;
    }
    this.poll = setInterval(() => void this.lookForCancel(), CONTROL_POLL_MS).unref();
  }

  /** Appends an event to the log; it is on its way to the disk when this returns (synced, where it matters). */
  append(event: NewEvent): void {
    if (!this.log) throw new Error(`${this.dir}: the run is closed`);
    if (this.lost) throw this.lost;
    this.see(this.log.append(event));
  }

  /** Appends an event while another error is on its way to the caller, which says more than that this failed too. */
  appendIfPossible(event: NewEvent): void {
    try {
      this.append(event);
    } catch {
      // A full disk or a lost lock. Without the line the task, or the run, reads as interrupted.
    }
  }

  taskStarted(key: string, meta: TaskMeta): void {
    this.append({ type: 'task-started', key, stage: meta.stage, kind: meta.kind, label: meta.label });
  }

  /** Logs a task as finished. Its artifact must be in place: from now on the key is never computed again. */
  taskFinished(key: string, output: TaskOutput, seconds: number): FinishedTask {
    const { artifact = null, tokens, result } = output;
    // The same value now as when it is read back from the log one day: what JSON would change is refused.
    const plain: unknown = JSON.parse(canonicalJson(result ?? null));
    if (artifact !== null && !existsSync(this.path(artifact))) {
      throw new Error(`${this.path(artifact)}: the task said it wrote this, but it is not there`);
    }
    this.append({ type: 'task-finished', key, artifact, seconds, tokens, result: plain });
    return { key, artifact, result: plain, seconds, tokens: tokens ?? 0 };
  }

  taskFailed(key: string, error: unknown): void {
    this.append({ type: 'task-failed', key, error: messageOf(error) });
  }

  /** The result of a task: from the log if its key has ever finished (and its artifact is there), else computed, once. */
  async once(key: string, meta: TaskMeta, compute: () => Promise<TaskOutput>): Promise<FinishedTask> {
    const known = this.finished(key);
    if (known) return known;
    const running = this.inFlight.get(key) ?? this.compute(key, meta, compute);
    this.inFlight.set(key, running);
    try {
      return await running;
    } finally {
      this.inFlight.delete(key);
    }
  }

  private async compute(key: string, meta: TaskMeta, compute: () => Promise<TaskOutput>): Promise<FinishedTask> {
    this.taskStarted(key, meta);
    const start = performance.now();
    try {
      const output = await compute();
      return this.taskFinished(key, output, (performance.now() - start) / 1000);
    } catch (error) {
      if (!(error instanceof CancelledError)) {
        this.appendIfPossible({ type: 'task-failed', key, error: messageOf(error) });
      }
      throw error;
    }
  }

  /**
   * To be called between steps. Returns at once, or, when pausing is asked for, when it is asked no longer (the lock is
   * kept meanwhile; a paused process may be killed, and the run resumed by another).
   *
   * @throws CancelledError when cancelling is asked for.
   */
  async checkpoint(): Promise<void> {
    this.signal.throwIfAborted();
    if (!this.pausing && performance.now() - this.lastLook < CONTROL_POLL_MS) return;
    const request = await readControl(this.dir);
    this.lastLook = performance.now();
    if (request === 'cancel') this.abort.abort(new CancelledError());
    if (request === 'pause') await (this.pausing ??= this.pause().finally(() => (this.pausing = undefined)));
    this.signal.throwIfAborted();
  }

  private async pause(): Promise<void> {
    this.append({ type: 'run-paused' });
    for (;;) {
      const request = await readControl(this.dir);
      // Seen here before the poll sees it: no step may be done in between.
      if (request === 'cancel') this.abort.abort(new CancelledError());
      if (this.signal.aborted) return;
      if (request === undefined) break;
      await sleep(CONTROL_POLL_MS);
    }
    this.append({ type: 'run-resumed', pid: process.pid });
  }

  private async lookForCancel(): Promise<void> {
    // A request nobody can read is told at the next checkpoint.
    const request = await readControl(this.dir).catch(() => undefined);
    if (request === 'cancel') this.abort.abort(new CancelledError());
  }

  /** Releases the lock. Nothing can be written any more. */
  async close(): Promise<void> {
    clearInterval(this.poll);
    this.log?.close();
    this.log = undefined;
    const { release } = this;
    this.release = undefined;
    if (release && !this.lost) await release();
  }
}

/**
 * Starts a run in a directory, which is made when missing.
 *
 * @param header kept in the first event: the spec, its hash, the versions, …
 * @throws InputError when the directory already holds a run, or another process is using it.
 */
export async function createRun(dir: string, header: Record<string, unknown>, disk: Disk = realDisk): Promise<Run> {
  await mkdir(dir, { recursive: true });
  await refuseRun(dir);
  return openWith(dir, disk, async (run) => {
    // Somebody may have been quicker between the look and the lock.
    await refuseRun(dir);
    run.append({ type: 'run-started', header });
  });
}

/**
 * Opens the run in a directory to go on with it, whatever its state.
 *
 * @throws InputError when there is none, its log cannot be understood, or another process is using it.
 */
export async function openRun(dir: string, disk: Disk = realDisk): Promise<Run> {
  await requireRun(dir);
  return openWith(dir, disk, (run) => {
    run.append({ type: 'run-resumed', pid: process.pid });
  });
}

async function openWith(dir: string, disk: Disk, begin: (run: Run) => void | Promise<void>): Promise<Run> {
  const run = new Run(dir);
  await run.open(disk);
  try {
    await begin(run);
    return run;
  } catch (error) {
    await run.close();
    throw error;
  }
}

/** The run in a directory as its log tells it, without touching anything. Throws as {@link openRun}, lock apart. */
export async function readRun(dir: string): Promise<RunRecord> {
  await requireRun(dir);
  const view = new RunRecord(dir);
  for await (const { event } of readEvents(eventsPath(dir))) view.see(event);
  return view;
}

/**
 * The state of the run in a directory. A run whose log says "running" while no living process holds its lock was
 * interrupted: it is `failed`, with an error that says so, and can be resumed. A paused run without a process stays
 * `paused`: resuming it goes on from there.
 */
export async function readRunState(dir: string): Promise<RunState> {
  const reader = new RunReader(dir);
  const view = await reader.require();
  const state = reader.state();
  if (view.state !== 'interrupted') return state;
  return { ...state, state: 'failed', etaSeconds: null, waiting: {}, error: `interrupted: ${INTERRUPTED}` };
}

/**
 * Does the work of an opened run, logs how it ended, and closes it. What `work` throws is thrown on.
 *
 * @param stoppedAfter by what `work` gave, the stage after which it was asked to stop, if that is why it ended
 */
export async function concludeRun<T>(
  run: Run,
  work: (run: Run) => Promise<T>,
  stoppedAfter: (result: T) => Stage | undefined = () => undefined,
): Promise<T> {
  try {
    const result = await work(run);
    // Of child processes that died on the way.
    await removeTemporaries(run.dir);
    const after = stoppedAfter(result);
    run.append(after === undefined ? { type: 'run-finished' } : { type: 'run-paused', after });
    return result;
  } catch (error) {
    const cancelled = error instanceof CancelledError;
    run.appendIfPossible(cancelled ? { type: 'run-cancelled' } : { type: 'run-failed', error: messageOf(error) });
    throw error;
  } finally {
    await run.close();
  }
}

async function refuseRun(dir: string): Promise<void> {
  if (await holdsRun(dir)) throw new InputError('already holds a run; resume it, or choose another directory', dir);
}

async function requireRun(dir: string): Promise<void> {
  if (!(await holdsRun(dir))) throw new InputError('holds no run; start one with a spec', dir);
}

/** Whether a directory holds a run: a log with its first line whole. */
export async function holdsRun(dir: string): Promise<boolean> {
  const events = readEvents(eventsPath(dir));
  const { done } = await events.next();
  await events.return(undefined);
  return done !== true;
}
