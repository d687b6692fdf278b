import { availableParallelism } from 'node:os';
import * as z from 'zod';
import type { Executor, TaskAnswer, TaskRequest } from '../search/context.js';
import { type PoolTask, runTasks } from './pool.js';

/** What a handler of a child answers; everything large is in the artifact. */
const answerSchema = z.object({
  artifact: z.string().optional(),
  result: z.unknown().optional(),
  tokens: z.int().nonnegative().optional(),
});

/** What a handler of a child tells on the way. */
const progressSchema = z.object({ steps: z.array(z.int().nonnegative()), values: z.array(z.number().nullable()) });

/**
 * For glibc: both are fixed, where it would raise them with every large block that is freed, and keep for later what one
 * task has left. Low enough to give back what a step holds, high enough not to cost time; nothing to other systems.
 */
const MALLOC = { MALLOC_MMAP_THRESHOLD_: String(16 * 2 ** 20), MALLOC_TRIM_THRESHOLD_: String(16 * 2 ** 20) };

/** The program of the children: `worker.js` beside the running bundle or, from sources, `main.ts` beside this file. */
function workerEntry(): URL {
  const fromSources = import.meta.url.endsWith('.ts');
  return new URL(fromSources ? './main.ts' : './worker.js', import.meta.url);
}

/** Does tasks in `processes` child processes of this one (as many as there are cores, when absent). */
export function createExecutor(processes = availableParallelism()): Executor {
  return async (tasks, { inOrder = false, signal, beforeTask, onStarted, onRetried, onLoss, onFinished, onFailed }) => {
    const requests = new Map(tasks.map((task) => [task.key, task]));
    const requestOf = ({ id }: PoolTask): TaskRequest => {
      const request = requests.get(id);
      if (request === undefined) throw new Error(`the pool tells of a task "${id}" that it was not given`);
      return request;
    };
    await runTasks(
      [...requests.values()].map(({ key, kind, payload, cost }) => ({ id: key, kind, payload, cost })),
      {
        entry: workerEntry(),
        processes: inOrder ? 1 : processes,
        inOrder,
        env: MALLOC,
        signal,
        beforeTask,
        onStarted: (task) => {
          onStarted(requestOf(task));
        },
        onRetried: (task, attempt, error) => {
          onRetried?.(requestOf(task), attempt, error);
        },
        onProgress: (task, data) => {
          onLoss?.(requestOf(task), progressSchema.parse(data));
        },
        onFinished: (task, result, seconds) => onFinished(requestOf(task), parseAnswer(result), seconds),
        onFailed: (task, error) => {
          onFailed(requestOf(task), error);
        },
      },
    );
  };
}

/** The answer without the members the child left out: `exactOptionalPropertyTypes` tells those from `undefined`. */
function parseAnswer(raw: unknown): TaskAnswer {
  const { artifact, result, tokens } = answerSchema.parse(raw);
  return {
    ...(artifact === undefined ? {} : { artifact }),
    ...(result === undefined ? {} : { result }),
    ...(tokens === undefined ? {} : { tokens }),
  };
}
