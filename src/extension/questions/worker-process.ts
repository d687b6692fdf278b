import { type ChildProcessWithoutNullStreams, spawn } from 'node:child_process';
import {
  type CancellationToken,
  ConnectionError,
  createMessageConnection,
  ErrorCodes,
  ResponseError,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node.js';
import { Endpoint } from '../../protocol/endpoint.js';
import type { Request } from '../../protocol/messages.js';
import { generated, HELLO, hello } from '../../protocol/questions.js';
import type { Program } from '../node-program.js';

/** Of what the process writes to stderr, this much of the end goes into the report of its death. */
const MAX_TAIL_CHARS = 8192;
const TAIL_LINES = 10;

/** The worker's process ended, or was ended, before it answered. */
export class WorkerEndedError extends Error {
  override readonly name = 'WorkerEndedError';
}

export interface Listeners {
  onGenerated: (piece: { id: string; text: string }) => void;
  /** Every line that it writes to stderr. */
  onLine: (line: string) => void;
}

/** One process that answers questions, from its start to its end. */
export class WorkerProcess {
  /** How it ended: the exit code or signal, why it was ended from here, and the last lines of its stderr. */
  readonly ended: Promise<string>;
  private readonly child: ChildProcessWithoutNullStreams;
  private readonly endpoint: Endpoint;
  private tail = '';
  private reason = '';

  constructor({ command, args, env }: Program, { onGenerated, onLine }: Listeners) {
    this.child = spawn(command, args, { env, stdio: 'pipe', windowsHide: true });
    this.child.stderr.setEncoding('utf8').on('data', (text: string) => {
      this.tail = (this.tail + text).slice(-MAX_TAIL_CHARS);
      for (const line of text.split('\n')) if (line.trim() !== '') onLine(line);
    });
    // A process that dies while something is written to it tells of that by its end.
    this.child.stdin.on('error', () => undefined);
    this.endpoint = new Endpoint(
      createMessageConnection(new StreamMessageReader(this.child.stdout), new StreamMessageWriter(this.child.stdin)),
    );
    this.endpoint.onTold(generated, onGenerated);
    this.endpoint.onClosed(() => {
      this.kill('it closed the connection');
    });
    this.endpoint.listen();
    this.ended = new Promise((resolve) => {
      const end = (how: string) => {
        this.endpoint.dispose();
        resolve(this.report(how));
      };
      this.child.on('error', (error) => {
        end(`could not be run: ${error.message}`);
      });
      // 'close' comes after the streams have ended, so that the tail is complete.
      this.child.on('close', (code, signal) => {
        end(signal === null ? `ended with code ${String(code)}` : `was ended by ${signal}`);
      });
    });
  }

  get pid(): number | undefined {
    return this.child.pid;
  }

  /** Resolves when both sides have found that they speak the same version. */
  async greet(limitMs: number): Promise<void> {
    await this.ask(hello, HELLO, limitMs);
  }

  /**
   * @param limitMs a process that has not answered by then hangs, and is ended: all it was asked is lost.
   * @throws WorkerEndedError with the report of its end.
   */
  async ask<Params, Result>(
    question: Request<Params, Result>,
    params: Params,
    limitMs: number,
    token?: CancellationToken,
  ): Promise<Result> {
    const limit = setTimeout(() => {
      this.kill(`it did not answer "${question.method}" within ${limitMs / 1000} s`);
    }, limitMs);
    try {
      // Its end disposes the connection, which rejects whatever is not answered by then.
      return await this.endpoint.ask(question, params, token);
    } catch (error) {
      // What a broken connection says is less than what the end of the process tells.
      throw isBroken(error) ? new WorkerEndedError(await this.ended) : error;
    } finally {
      clearTimeout(limit);
    }
  }

  /** Ends the process: it holds nothing that is worth waiting for. */
  kill(reason: string): void {
    this.reason ||= reason;
    this.child.kill('SIGKILL');
  }

  private report(how: string): string {
    const because = this.reason === '' ? '' : ` (${this.reason})`;
    const lines = this.tail.trimEnd().split('\n').slice(-TAIL_LINES).join('\n');
    return `the worker ${how}${because}${lines === '' ? '' : `; it last wrote:\n${lines}`}`;
  }
}

const BROKEN: ReadonlySet<number> = new Set([ErrorCodes.PendingResponseRejected, ErrorCodes.MessageWriteError]);

function isBroken(error: unknown): boolean {
  return error instanceof ConnectionError || (error instanceof ResponseError && BROKEN.has(error.code));
}
