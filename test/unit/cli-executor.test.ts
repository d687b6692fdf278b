import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CancelledError } from '../../src/common/errors.js';
import type { TaskRequest } from '../../src/search/context.js';
import { taskKey } from '../../src/run/task-key.js';
import { createExecutor } from '../../src/worker/executor.js';

const request = (kind: string, payload: unknown): TaskRequest => {
  return { key: taskKey(kind, payload), kind, label: kind, payload, cost: 1 };
};

describe('the executor of a search', () => {
  it('does tasks in the worker program, and tells of one that fails without stopping the others', async () => {
    const seen: string[] = [];
    // Real handlers, without a model to work on: each fails by its own word.
    const tasks = [request('juggle', 1), request('score', { parentDir: '/no/such/model' })];
    await createExecutor(1)(tasks, {
      signal: new AbortController().signal,
      beforeTask: () => Promise.resolve(),
      onStarted: ({ kind }) => seen.push(`${kind} started`),
      onFinished: ({ kind }) => void seen.push(`${kind} finished`),
      onFailed: ({ kind }, error) => seen.push(`${kind} failed: ${error.message.split(': ')[0] ?? ''}`),
    });
    assert.deepEqual(seen, [
      ...['juggle started', 'juggle failed: no handler for tasks of kind "juggle"'],
      ...['score started', 'score failed: /no/such/model/config.json'],
    ]);
  });

  it('starts nothing when there is nothing to do, and nothing after it was cancelled', async () => {
    const callbacks = {
      beforeTask: () => Promise.resolve(),
      onStarted: () => assert.fail('a task was started'),
      onFinished: () => undefined,
      onFailed: () => undefined,
    };
    await createExecutor()([], { ...callbacks, signal: new AbortController().signal });
    const signal = AbortSignal.abort(new CancelledError());
    await assert.rejects(createExecutor()([request('juggle', 1)], { ...callbacks, signal }), CancelledError);
  });
});
