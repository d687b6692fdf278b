// The children of the pool tests.
import { appendFileSync, readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError, InputError } from '../../src/common/errors.js';
import { type TaskContext, type TaskHandler, serveTasks } from '../../src/worker/task-process.js';

const FOR_EVER = 600_000;

/** Appends a line to the file named by PUZZLE_TEST_JOURNAL: what really happened, whoever survives. */
function journal(line: string): void {
  const path = process.env['PUZZLE_TEST_JOURNAL'];
  if (path !== undefined) appendFileSync(path, `${line}\n`);
}

async function untilCancelled({ signal }: TaskContext): Promise<never> {
  while (!signal.aborted) await sleep(5);
  throw new CancelledError();
}

const handlers: Record<string, TaskHandler> = {
  square: async (payload, { progress }) => {
    journal(`square ${String(payload)}`);
    progress({ half: true });
    await sleep(10);
    process.stdout.write('not for the standard output of the parent\n');
    return { square: Number(payload) ** 2, pid: process.pid };
  },
  pid: (_, { progress }) => {
    journal(`pid ${process.pid}`);
    progress('at work');
    return Promise.resolve(process.pid);
  },
  throw: () => Promise.reject(new InputError('no such shard', 'model.safetensors')),
  /** Dies at the first `payload` attempts. */
  crash: async (payload) => {
    const path = process.env['PUZZLE_TEST_JOURNAL'] ?? '';
    journal('attempt');
    const attempts = readFileSync(path, 'utf8').split('attempt').length - 1;
    if (attempts > Number(payload)) return attempts;
    console.error(`out of luck at attempt ${attempts}`);
    process.kill(process.pid, 'SIGKILL');
    await sleep(FOR_EVER);
    return null;
  },
  exit: () => {
    console.error('gave up');
    return process.exit(3);
  },
  wait: async (_, context) => {
    journal(`pid ${process.pid}`);
    context.progress('waiting');
    return untilCancelled(context);
  },
  /** Deaf to cancelling, and to SIGTERM when the payload says so. */
  deaf: (payload, { progress }) => {
    if (payload === 'SIGTERM') process.on('SIGTERM', () => undefined);
    progress('waiting');
    return sleep(FOR_EVER);
  },
};

serveTasks(handlers);
