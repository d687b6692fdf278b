import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import { findLlamaCpp } from './addon.js';
import type { Question, Reply, Requests } from './requests.js';

/** Of what the process writes, this much of the end goes into the report of its death. */
const MAX_TAIL_CHARS = 2_000;

/** llama.cpp, in a process of its own. Questions are answered one after the other. */
export class LlamaCpp {
  private readonly exited: Promise<never>;
  private last: Promise<unknown> = Promise.resolve();
  private tail = '';

  private constructor(private readonly process: ChildProcess) {
    for (const stream of [process.stdout, process.stderr]) {
      stream?.setEncoding('utf8').on('data', (text: string) => (this.tail = (this.tail + text).slice(-MAX_TAIL_CHARS)));
    }
    this.exited = new Promise((_, reject) => {
      process.on('error', reject);
      process.on('close', (code, signal) => {
        const how = signal === null ? `exited with code ${code ?? 'unknown'}` : `was killed by ${signal}`;
        reject(new Error(`the process of llama.cpp ${how}${this.tail === '' ? '' : `; it last wrote: ${this.tail}`}`));
      });
    });
    // Whoever asks hears of it; without a question there is nobody to tell.
    this.exited.catch(() => undefined);
  }

  /** Throws InputError where llama.cpp is not installed. */
  static start(): LlamaCpp {
    findLlamaCpp();
    const fromSources = import.meta.url.endsWith('.ts');
    const entry = new URL(fromSources ? './process.ts' : './llama-cpp.js', import.meta.url);
    return new LlamaCpp(
      fork(fileURLToPath(entry), [], {
        execArgv: process.execArgv.filter((option) => !option.startsWith('--inspect')),
        stdio: ['ignore', 'pipe', 'pipe', 'ipc'],
      }),
    );
  }

  /** Throws Error with what llama.cpp said, or with how its process ended. */
  ask<K extends keyof Requests>(kind: K, args: Requests[K][0]): Promise<Requests[K][1]> {
    const answered = this.last.then(() => Promise.race([this.exchange({ kind, args }), this.exited]));
    this.last = answered.catch(() => undefined);
    return answered as Promise<Requests[K][1]>;
  }

  /** Ends the process; what it was asked and has not answered fails. */
  async end(): Promise<void> {
    this.process.kill('SIGKILL');
    await this.exited.catch(() => undefined);
  }

  private exchange(question: Question): Promise<unknown> {
    return new Promise((resolve, reject) => {
      this.process.once('message', (reply: Reply) => {
        if ('error' in reply) reject(new Error(reply.error));
        else resolve(reply.answer);
      });
      this.process.send(question, (error) => {
        if (error !== null) reject(error);
      });
    });
  }
}
