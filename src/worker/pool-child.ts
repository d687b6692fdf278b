import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { messageOf } from '../common/errors.js';
import { type FromChild, type ToChild, fromChildSchema } from './task-process.js';

/** A child asked to stop or to exit gets this long before SIGTERM, and then this long before SIGKILL. */
const DEFAULT_GRACE_MS = 5_000;
const TERM_MS = 2_000;

/** Of what a child writes, this much of the end goes into the report of its death. */
const MAX_TAIL_CHARS = 8_192;
const TAIL_LINES = 20;

export interface ChildOptions {
  /** The program of the children; it calls `serveTasks`. */
  entry: string | URL;
  /** Node options of the children; those of this process when absent. */
  execArgv?: readonly string[];
  /** Added to the environment of this process. */
  env?: Readonly<Record<string, string>>;
  /** Milliseconds between asking a child to stop and forcing it. */
  graceMs?: number;
}

/** The final word on a task: what the child said, or how it died. */
export type Reply = Exclude<FromChild, { type: 'ready' | 'progress' }> | { type: 'crashed'; report: string };

/** One child process of a pool. */
export class PoolChild {
  private readonly process: ChildProcess;
  private readonly graceMs: number;
  private readonly exited: Promise<string>;
  private onMessage: (message: FromChild) => void = () => undefined;
  private tail = '';
  /** What went wrong between the two processes, told when the child is dead. */
  private trouble = '';

  constructor(options: ChildOptions) {
    const entry = options.entry instanceof URL ? fileURLToPath(options.entry) : options.entry;
    this.graceMs = options.graceMs ?? DEFAULT_GRACE_MS;
    this.process = fork(entry, [], {
      execArgv: [...(options.execArgv ?? process.execArgv.filter((option) => !option.startsWith('--inspect')))],
      env: { ...process.env, ...options.env },
      // Standard output belongs to this process's own answer.
      stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
    });
    for (const stream of [this.process.stdout, this.process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.tail = (this.tail + text).slice(-MAX_TAIL_CHARS)));
    }
    this.process.on('message', (raw) => {
      const parsed = fromChildSchema.safeParse(raw);
      if (parsed.success) this.onMessage(parsed.data);
      else this.kill(`it sent a message that was not understood: ${messageOf(parsed.error)}`);
    });
    this.exited = new Promise((resolve) => {
      // 'close' comes after the streams have ended, so that the tail is complete.
      this.process.on('close', (code, signal) => {
        resolve(this.report(code, signal));
      });
      this.process.on('error', (error) => {
        this.kill(error.message);
        if (this.process.pid === undefined) resolve(this.report(null, null));
      });
    });
  }

  /** Resolves when the child is ready to work (to undefined), or has died before (to the report). */
  async started(stop: AbortSignal): Promise<string | undefined> {
    const ready = new Promise<undefined>((resolve) => {
      this.onMessage = (message) => {
        if (message.type === 'ready') resolve(undefined);
      };
    });
    return this.stoppable(stop, Promise.race([ready, this.exited]));
  }

  /** Gives the child a task and waits for its end; when `stop` is aborted the child is asked to stop, then forced. */
  async run(
    task: { id: string; kind: string; payload: unknown },
    onProgress: (data: unknown) => void,
    stop: AbortSignal,
  ): Promise<Reply> {
    const replied = new Promise<Reply>((resolve, reject) => {
      this.onMessage = (message) => {
        if (message.type === 'ready' || message.id !== task.id) return;
        if (message.type !== 'progress') {
          resolve(message);
          return;
        }
        try {
          onProgress(message.data);
        } catch (error) {
          reject(error instanceof Error ? error : new Error(messageOf(error)));
        }
      };
    });
    this.send({ type: 'run', id: task.id, kind: task.kind, payload: task.payload });
    const crashed = this.exited.then((report): Reply => ({ type: 'crashed', report }));
    return this.stoppable(stop, Promise.race([replied, crashed]));
  }

  /** Waits for an answer of the child; from the moment `stop` is aborted it has limited time to give one. */
  private async stoppable<T>(stop: AbortSignal, answer: Promise<T>): Promise<T> {
    const forced: NodeJS.Timeout[] = [];
    const cancel = (): void => {
      this.send({ type: 'cancel' });
      forced.push(...this.forceLater());
    };
    stop.addEventListener('abort', cancel);
    if (stop.aborted) cancel();
    try {
      return await answer;
    } finally {
      stop.removeEventListener('abort', cancel);
      forced.forEach(clearTimeout);
    }
  }

  /** Tells the child to exit; forces it when it does not. Resolves when it is gone. */
  async end(): Promise<void> {
    const forced = this.forceLater();
    // Not by closing the channel from this side: Node then never emits 'close'.
    this.send({ type: 'end' });
    await this.exited;
    forced.forEach(clearTimeout);
  }

  private send(message: ToChild): void {
    // A child that is gone, or going, reports that by its exit.
    if (this.process.connected) this.process.send(message, () => undefined);
  }

  private forceLater(): NodeJS.Timeout[] {
    return [
      setTimeout(() => this.process.kill('SIGTERM'), this.graceMs),
      setTimeout(() => this.process.kill('SIGKILL'), this.graceMs + TERM_MS),
    ];
  }

  private kill(why: string): void {
    this.trouble ||= why;
    this.process.kill('SIGKILL');
  }

  private report(code: number | null, signal: NodeJS.Signals | null): string {
    const how = signal === null ? `exited with code ${code ?? 'unknown'}` : `was killed by ${signal}`;
    const lines = this.tail.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
    const because = this.trouble === '' ? '' : ` (${this.trouble})`;
    return `process ${this.process.pid ?? 'unknown'} ${how}${because}${lines === '' ? '' : `; it last wrote:\n${lines}`}`;
  }
}
