import { setTimeout as sleep } from 'node:timers/promises';
import type { CancellationToken } from 'vscode-jsonrpc';
import { messageOf } from '../../common/errors.js';
import type { Request } from '../../protocol/messages.js';
import type { WORKER_STATES } from '../../protocol/panel.js';
import type { Program } from '../node-program.js';
import { type Listeners, WorkerEndedError, WorkerProcess } from './worker-process.js';

export interface SupervisorLimits {
  /** From the start of the process to its greeting. */
  startMs: number;
  /** How long an answer to a question of this method may take. */
  requestMs: (method: string) => number;
  /** Nobody asked for so long: the process ends. */
  idleMs: number;
  /** The waits before it is started again after a crash; it is given up after as many crashes in a row. */
  backoffMs: readonly number[];
  /** A process that lived so long crashed for a reason of its own: the count of crashes begins anew. */
  healthyMs: number;
}

export interface WorkerCondition {
  /** `ready`: it answers, or will be started by the next question. */
  state: (typeof WORKER_STATES)[number];
  /** Why it is down, or why it is being started again. */
  message: string | null;
}

/** The worker crashed so often that it is not started again until somebody asks for that. */
export class WorkerDownError extends Error {
  override readonly name = 'WorkerDownError';
}

/**
 * Keeps one worker process where it is needed: starts it with the first question, starts it again after a crash (at once
 * where it is kept warm, else with the next question), within bounds, and ends it when nobody has asked for long.
 */
export class Supervisor {
  private process: WorkerProcess | undefined;
  private starting: Promise<WorkerProcess> | undefined;
  /** Aborted when what is being started is wanted no longer. */
  private stop = new AbortController();
  private crashes = 0;
  private trouble: string | null = null;
  private pending = 0;
  private holds = 0;
  private idle: NodeJS.Timeout | undefined;

  constructor(
    private readonly program: Program,
    private readonly limits: SupervisorLimits,
    private readonly listeners: Listeners & { onState: () => void },
  ) {}

  condition(): WorkerCondition {
    if (this.isGivenUp()) return { state: 'down', message: this.trouble };
    if (this.starting !== undefined) return { state: 'starting', message: this.trouble };
    return { state: 'ready', message: null };
  }

  /** Undefined while there is no process. */
  get pid(): number | undefined {
    return this.process?.pid;
  }

  /**
   * @throws WorkerDownError when the worker is given up, WorkerEndedError when it ended before it answered, the worker's
   *   own error, or one that says that the question was cancelled.
   */
  async ask<Params, Result>(
    question: Request<Params, Result>,
    params: Params,
    token?: CancellationToken,
  ): Promise<Result> {
    this.pending++;
    this.rest();
    try {
      const process = await this.connect();
      return await process.ask(question, params, this.limits.requestMs(question.method), token);
    } finally {
      this.pending--;
      this.rest();
    }
  }

  /** Keeps the process, which is started if need be, until the returned function is called. */
  hold(): () => void {
    let held = true;
    this.holds++;
    this.rest();
    this.warm();
    return () => {
      if (!held) return;
      held = false;
      this.holds--;
      this.rest();
    };
  }

  /** Starts afresh, whatever happened before. */
  async restart(): Promise<void> {
    this.end('it is started again');
    this.crashes = 0;
    this.trouble = null;
    await this.connect();
  }

  /** Ends the process and whatever waits for it. A question asked later starts it again. */
  end(reason: string): void {
    clearTimeout(this.idle);
    this.stop.abort(new WorkerEndedError(`the worker was ended: ${reason}`));
    this.stop = new AbortController();
    this.starting = undefined;
    const { process } = this;
    this.process = undefined;
    process?.kill(reason);
    this.listeners.onState();
  }

  private connect(): Promise<WorkerProcess> {
    if (this.process !== undefined) return Promise.resolve(this.process);
    if (this.isGivenUp()) return Promise.reject(new WorkerDownError(this.trouble ?? ''));
    if (this.starting !== undefined) return this.starting;
    const starting = this.start(this.stop.signal).finally(() => {
      if (this.starting === starting) this.starting = undefined;
      this.listeners.onState();
    });
    this.starting = starting;
    this.listeners.onState();
    return starting;
  }

  private warm(): void {
    // Whoever asks next is told what went wrong; so is everybody who looks at the condition.
    if (this.holds > 0) this.connect().catch(() => undefined);
  }

  private async start(stop: AbortSignal): Promise<WorkerProcess> {
    while (!this.isGivenUp()) {
      const wait = this.limits.backoffMs[this.crashes - 1] ?? 0;
      await sleep(wait, undefined, { signal: stop }).catch(() => undefined);
      stop.throwIfAborted();
      const process = new WorkerProcess(this.program, this.listeners);
      const abandon = () => {
        process.kill('it is no longer wanted');
      };
      stop.addEventListener('abort', abandon);
      try {
        await process.greet(this.limits.startMs);
        stop.throwIfAborted();
        this.accept(process);
        return process;
      } catch (error) {
        stop.throwIfAborted();
        process.kill('it did not greet');
        this.countCrash(messageOf(error));
      } finally {
        stop.removeEventListener('abort', abandon);
      }
    }
    throw new WorkerDownError(this.trouble ?? '');
  }

  private accept(process: WorkerProcess): void {
    const since = Date.now();
    this.process = process;
    void process.ended.then((report) => {
      if (this.process !== process) return;
      this.process = undefined;
      if (Date.now() - since >= this.limits.healthyMs) this.crashes = 0;
      this.countCrash(report);
      this.warm();
      this.listeners.onState();
    });
  }

  private countCrash(report: string): void {
    this.crashes++;
    this.trouble = report;
    this.listeners.onState();
  }

  private isGivenUp(): boolean {
    return this.crashes > this.limits.backoffMs.length;
  }

  /** Begins to wait for the time to end, or stops waiting. */
  private rest(): void {
    clearTimeout(this.idle);
    if (this.pending > 0 || this.holds > 0) return;
    this.idle = setTimeout(() => {
      this.end('nobody asked for long');
    }, this.limits.idleMs).unref();
  }
}
