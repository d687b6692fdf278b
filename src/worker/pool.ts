import { setMaxListeners } from 'node:events';
import { CancelledError, InputError } from '../common/errors.js';
import { StorageError } from '../run/disk.js';
import { type ChildOptions, PoolChild } from './pool-child.js';

/** How often a task is given to a new process after its process died, and how often a process may fail to start. */
const DEFAULT_ATTEMPTS = 3;

export interface PoolTask {
  /** Unique among the tasks of one call; the task's key, say. */
  id: string;
  /** Which handler of the child does it. */
  kind: string;
  /** Plain JSON. */
  payload: unknown;
  /** Expected length in any unit: the longest task goes first. */
  cost: number;
}

export type TaskOutcome =
  | { status: 'finished'; task: PoolTask; result: unknown; seconds: number }
  | { status: 'failed'; task: PoolTask; error: Error };

export interface PoolOptions extends ChildOptions {
  /** How many child processes work at the same time. */
  processes: number;
  /** Tasks are begun in the order given; otherwise the longest first. */
  inOrder?: boolean;
  /** Attempts in all for a task whose process dies; 3 when absent. A handler that throws is not tried again. */
  attempts?: number;
  /** Cancels: tasks under way are asked to stop, then forced. */
  signal?: AbortSignal;
  /** Awaited before each task is given out: holds the pool back while it does not resolve, cancels all when it throws. */
  beforeTask?: () => Promise<void>;
  onStarted?: (task: PoolTask) => void;
  onProgress?: (task: PoolTask, data: unknown) => void;
  /** The task's process died; the task is tried again. `attempt` counts the attempts made, from 1. */
  onRetried?: (task: PoolTask, attempt: number, error: Error) => void;
  /** Awaited before the process gets its next task. What it throws cancels all. */
  onFinished?: (task: PoolTask, result: unknown, seconds: number) => void | Promise<void>;
  onFailed?: (task: PoolTask, error: Error) => void | Promise<void>;
}

/** The process doing a task died, as often as it was tried. The message ends with the last lines it wrote. */
export class CrashError extends Error {
  override readonly name = 'CrashError';
}

/**
 * Does tasks in child processes, the longest first, each child one at a time; a child that dies is replaced and its task
 * tried again. A task that fails does not stop the others.
 *
 * @returns one outcome per task, in the order of `tasks`. No child is left when this returns or throws.
 * @throws CancelledError after `signal` was aborted; what a callback threw; CrashError when no child can be started.
 */
export async function runTasks(tasks: readonly PoolTask[], options: PoolOptions): Promise<TaskOutcome[]> {
  const pool = new Pool(tasks, options);
  return pool.run();
}

/** A place for one child process; the child changes when one dies. */
interface Slot {
  child: PoolChild | undefined;
}

class Pool {
  private readonly queue: PoolTask[];
  private readonly outcomes = new Map<PoolTask, TaskOutcome>();
  private readonly stop = new AbortController();
  private readonly attempts: number;

  constructor(
    private readonly tasks: readonly PoolTask[],
    private readonly options: PoolOptions,
  ) {
    this.queue = options.inOrder ? [...tasks] : [...tasks].sort((a, b) => b.cost - a.cost);
    this.attempts = options.attempts ?? DEFAULT_ATTEMPTS;
    // One listener per slot, however many there are.
    setMaxListeners(0, this.stop.signal);
  }

  async run(): Promise<TaskOutcome[]> {
    const { signal, processes } = this.options;
    const cancel = (): void => {
      this.stop.abort(signal?.reason instanceof Error ? signal.reason : new CancelledError());
    };
    if (signal?.aborted) cancel();
    signal?.addEventListener('abort', cancel);
    try {
      const slots = Math.min(Math.max(1, processes), this.tasks.length);
      await Promise.all(Array.from({ length: slots }, () => this.slot()));
    } finally {
      signal?.removeEventListener('abort', cancel);
    }
    this.stop.signal.throwIfAborted();
    return this.tasks.map((task) => this.outcomes.get(task)).filter((outcome) => outcome !== undefined);
  }

  /** One task after another. Errors stop the whole pool and are thrown when all slots ended. */
  private async slot(): Promise<void> {
    const slot: Slot = { child: undefined };
    try {
      while (!this.stopped()) {
        await this.options.beforeTask?.();
        const task = this.stopped() ? undefined : this.queue.shift();
        if (!task) break;
        await this.bringToOutcome(task, slot);
      }
    } catch (error) {
      this.stop.abort(error);
    } finally {
      await slot.child?.end();
    }
  }

  private async bringToOutcome(task: PoolTask, slot: Slot): Promise<void> {
    this.options.onStarted?.(task);
    for (let attempt = 1; ; attempt++) {
      slot.child ??= await this.startChild();
      const start = performance.now();
      const reply = await slot.child.run(task, (data) => this.options.onProgress?.(task, data), this.stop.signal);
      const seconds = (performance.now() - start) / 1000;
      if (reply.type === 'finished') {
        this.outcomes.set(task, { status: 'finished', task, result: reply.result, seconds });
        await this.options.onFinished?.(task, reply.result, seconds);
        return;
      }
      if (this.stopped()) return;
      if (reply.type === 'cancelled') throw new CancelledError();
      if (reply.type === 'failed') {
        await this.fail(task, remoteError(reply.name, reply.message));
        return;
      }
      slot.child = undefined;
      const error = new CrashError(reply.report);
      if (attempt >= this.attempts) {
        await this.fail(task, error);
        return;
      }
      this.options.onRetried?.(task, attempt, error);
    }
  }

  private stopped(): boolean {
    return this.stop.signal.aborted;
  }

  private async fail(task: PoolTask, error: Error): Promise<void> {
    this.outcomes.set(task, { status: 'failed', task, error });
    await this.options.onFailed?.(task, error);
  }

  private async startChild(): Promise<PoolChild> {
    for (let attempt = 1; ; attempt++) {
      const child = new PoolChild(this.options);
      const died = await child.started(this.stop.signal);
      if (died === undefined) return child;
      this.stop.signal.throwIfAborted();
      if (attempt >= this.attempts) throw new CrashError(`no process could be started for the tasks: ${died}`);
    }
  }
}

/** The error of a handler, as near to what it threw as messages allow. */
function remoteError(name: string, message: string): Error {
  if (name === 'InputError') return new InputError(message);
  if (name === 'StorageError') return new StorageError(message);
  const error = new Error(message);
  error.name = name;
  return error;
}
