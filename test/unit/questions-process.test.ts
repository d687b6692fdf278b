import assert from 'node:assert/strict';
import { type ChildProcess, fork } from 'node:child_process';
import { once } from 'node:events';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { HELLO, hello } from '../../src/protocol/questions.js';
import { killNow } from '../support/run-process.js';
import { startQuestions } from '../support/questions.js';

const BUILT = join(import.meta.dirname, '../../dist/questions.js');
const PARENT = fileURLToPath(new URL('../support/questions-parent.ts', import.meta.url));

describe('the process that answers questions', () => {
  it('ends by itself when its input does', async () => {
    const worker = startQuestions();
    await worker.endpoint.ask(hello, HELLO);
    await worker.end();
    assert.equal(worker.process.exitCode, 0);
  });

  it('does not outlive the process that started it', async () => {
    const parent: ChildProcess = fork(PARENT, { execArgv: process.execArgv });
    const [pid] = (await once(parent, 'message')) as [number];
    assert.ok(isAlive(pid));
    await killNow(parent);
    while (isAlive(pid)) await sleep(20);
  });

  it('works as the built program too', { skip: existsSync(BUILT) ? false : 'dist/ is not built' }, async () => {
    const worker = startQuestions(BUILT);
    const { pid } = await worker.endpoint.ask(hello, HELLO);
    assert.equal(pid, worker.process.pid);
    // Where the system tells: the bundle, too, leaves the runtime of models to be loaded when it is needed.
    const loaded = await readFile(`/proc/${pid}/maps`, 'utf8').catch(() => '');
    assert.ok(!loaded.includes('onnxruntime'));
    await worker.end();
  });
});

function isAlive(pid: number): boolean {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
}
