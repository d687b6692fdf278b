import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import * as z from 'zod';
import { CancelledError, messageOf } from '../common/errors.js';

/** What a pool tells its child. */
export const toChildSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('run'), id: z.string(), kind: z.string(), payload: z.unknown() }),
  z.object({ type: z.literal('cancel') }),
  z.object({ type: z.literal('end') }),
]);
export type ToChild = z.infer<typeof toChildSchema>;

/** What a child tells its pool. */
export const fromChildSchema = z.discriminatedUnion('type', [
  z.object({ type: z.literal('ready') }),
  z.object({ type: z.literal('progress'), id: z.string(), data: z.unknown() }),
  z.object({ type: z.literal('finished'), id: z.string(), result: z.unknown() }),
  z.object({ type: z.literal('failed'), id: z.string(), name: z.string(), message: z.string() }),
  z.object({ type: z.literal('cancelled'), id: z.string() }),
]);
export type FromChild = z.infer<typeof fromChildSchema>;

export interface TaskContext {
  /** Aborted, with a CancelledError, when the pool wants the task to stop: look at it between steps. */
  signal: AbortSignal;
  /** Tells the pool how far the task is; plain JSON. */
  progress: (data: unknown) => void;
}

// Only contexts made from here on see it.
setFlagsFromString('--expose-gc');
/**
 * Frees what nothing refers to. Left to itself the engine, which hardly sees the memory behind tensors, would keep those
 * of one task far into the next.
 */
const collectGarbage = runInNewContext('gc') as () => void;

/** Does one task: plain JSON in, plain JSON out; whatever is large goes through files. */
export type TaskHandler = (payload: unknown, context: TaskContext) => Promise<unknown>;

/**
 * Makes this process, forked by a pool, do the tasks it is given, one at a time, until the pool goes away: then the
 * process exits by itself, so that no killed parent leaves children behind.
 *
 * @param handlers what to do for each kind of task. A handler that throws fails its task, without a second attempt.
 */
export function serveTasks(handlers: Readonly<Record<string, TaskHandler>>): void {
  if (!process.send) throw new Error('this process does tasks for a pool: fork it, do not start it');
  let current: AbortController | undefined;
  const serve: { [Type in ToChild['type']]: (message: Extract<ToChild, { type: Type }>) => void } = {
    run: ({ id, kind, payload }) => {
      const controller = new AbortController();
      current = controller;
      void runTask(handlers, { id, kind, payload, signal: controller.signal }).then(tell);
    },
    cancel: () => current?.abort(new CancelledError()),
    end: () => process.exit(),
  };
  process.on('message', (raw) => {
    const message = toChildSchema.parse(raw);
    const handler = serve[message.type] as (message: ToChild) => void;
    handler(message);
  });
  // Ctrl-C reaches every process of a terminal; whether to stop is the pool's decision.
  process.on('SIGINT', () => undefined);
  process.on('disconnect', () => process.exit());
  tell({ type: 'ready' });
}

interface Work {
  id: string;
  kind: string;
  payload: unknown;
  signal: AbortSignal;
}

async function runTask(handlers: Readonly<Record<string, TaskHandler>>, work: Work): Promise<FromChild> {
  const { id, kind, payload, signal } = work;
  const progress = (data: unknown): void => {
    tell({ type: 'progress', id, data });
  };
  try {
    const handler = Object.hasOwn(handlers, kind) ? handlers[kind] : undefined;
    if (!handler) throw new Error(`no handler for tasks of kind "${kind}"`);
    return { type: 'finished', id, result: (await handler(payload, { signal, progress })) ?? null };
  } catch (error) {
    if (error instanceof CancelledError) return { type: 'cancelled', id };
    return { type: 'failed', id, name: error instanceof Error ? error.name : 'Error', message: messageOf(error) };
  } finally {
    collectGarbage();
  }
}

function tell(message: FromChild): void {
  // Without a channel the pool is gone, and this process about to exit.
  if (process.connected) process.send?.(message);
}
