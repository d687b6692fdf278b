import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { CancellationTokenSource } from 'vscode-jsonrpc/node.js';
import { Supervisor, type SupervisorLimits, WorkerDownError } from '../../src/extension/questions/supervisor.js';
import { WorkerEndedError } from '../../src/extension/questions/worker-process.js';
import { generateQuestion, preflightQuestion } from '../../src/protocol/questions.js';

const CHILD = fileURLToPath(new URL('../support/question-child.ts', import.meta.url));
const REAL = fileURLToPath(new URL('../../src/worker/questions-main.ts', import.meta.url));

const LIMITS: SupervisorLimits = {
  startMs: 20_000,
  requestMs: () => 20_000,
  idleMs: 60_000,
  backoffMs: [10, 20],
  healthyMs: 60_000,
};

interface Setting extends Partial<SupervisorLimits> {
  program?: string[];
}

/** A supervisor of a real child process, with everything it told. */
function supervise(test: TestContext, { program = [CHILD], ...limits }: Setting = {}) {
  const states: string[] = [];
  const pieces: string[] = [];
  const supervisor: Supervisor = new Supervisor(
    { command: process.execPath, args: [...process.execArgv, ...program], env: process.env },
    { ...LIMITS, ...limits },
    {
      onGenerated: ({ text }) => pieces.push(text),
      onLine: () => undefined,
      onState: () => {
        const { state } = supervisor.condition();
        if (states.at(-1) !== state) states.push(state);
      },
    },
  );
  test.after(() => {
    supervisor.end('the test is over');
  });
  const generate = async (prompt: string) => {
    const { text } = await supervisor.ask(generateQuestion, { id: '1', model: '/model', prompt, tokens: 1 });
    return text;
  };
  return { supervisor, states, pieces, generate };
}

/** Kills the worker as a lack of memory would, and waits until that is known. */
async function kill(supervisor: Supervisor): Promise<void> {
  const { pid } = supervisor;
  assert.ok(pid !== undefined);
  process.kill(pid, 'SIGKILL');
  while (supervisor.pid === pid) await sleep(5);
}

const isAlive = (pid: number): boolean => {
  try {
    return process.kill(pid, 0);
  } catch {
    return false;
  }
};

describe('the supervisor of the worker that answers questions', () => {
  it('starts it with the first question, and keeps it for the next', async (test) => {
    const { supervisor, states, pieces, generate } = supervise(test);
    assert.equal(supervisor.pid, undefined);
    const first = await generate('hello');
    assert.equal(first, `hello ${String(supervisor.pid)}`);
    assert.equal(await generate('hello'), first);
    assert.deepEqual(pieces, ['hello', 'hello']);
    assert.deepEqual(states, ['starting', 'ready']);
  });

  it('hands on what the worker throws, and a cancelled question, without ending it', async (test) => {
    const { supervisor, generate } = supervise(test);
    await assert.rejects(generate('throw'), /no such model/);
    const { pid } = supervisor;
    const source = new CancellationTokenSource();
    const params = { id: '1', model: '/model', prompt: 'wait', tokens: 1 };
    const answer = supervisor.ask(generateQuestion, params, source.token);
    source.cancel();
    // The child answers once it hears of it: that it did is what counts.
    await answer.catch(() => undefined);
    assert.equal(await generate('still'), `still ${String(pid)}`);
  });

  it('tells a question how the worker died, with its last lines, and starts another for the next', async (test) => {
    const { supervisor, generate } = supervise(test);
    await assert.rejects(
      generate('exit'),
      (error) => error instanceof WorkerEndedError && /ended with code 7.*\n.*out of memory/s.test(error.message),
    );
    await generate('hello');
    const killed = supervisor.pid;
    const waiting = generate('wait');
    while (supervisor.pid === undefined) await sleep(5);
    const failed = assert.rejects(waiting, /was ended by SIGKILL/);
    await kill(supervisor);
    await failed;
    assert.notEqual(await generate('hello'), `hello ${String(killed)}`);
  });

  it('ends one that does not answer in time', async (test) => {
    const { generate } = supervise(test, { requestMs: () => 2_000 });
    await generate('hello');
    await assert.rejects(generate('hang'), /it did not answer "generate" within 2 s/);
    assert.match(await generate('hello'), /^hello/);
  });

  it('gives up after too many crashes in a row, until it is asked to start again', async (test) => {
    const { supervisor, states, generate } = supervise(test);
    for (let i = 0; i < 3; i++) await assert.rejects(generate('exit'), WorkerEndedError);
    assert.equal(supervisor.condition().state, 'down');
    assert.match(supervisor.condition().message ?? '', /out of memory/);
    await assert.rejects(generate('hello'), WorkerDownError);
    assert.equal(states.at(-1), 'down');
    await supervisor.restart();
    assert.equal(supervisor.condition().state, 'ready');
    assert.match(await generate('hello'), /^hello/);
  });

  it('does not hold crashes against it that lie far apart', async (test) => {
    const { supervisor, generate } = supervise(test, { healthyMs: 0 });
    for (let i = 0; i < 5; i++) await assert.rejects(generate('exit'), WorkerEndedError);
    assert.equal(supervisor.condition().state, 'ready');
  });

  it('says why one that cannot start does not, after as many attempts as allowed', async (test) => {
    const { supervisor, generate } = supervise(test, { program: [CHILD, 'refuse'] });
    await assert.rejects(
      generate('hello'),
      (error) => error instanceof WorkerDownError && error.message.includes('no such library'),
    );
    assert.equal(supervisor.condition().state, 'down');
  });

  it('does not wait for ever for a greeting', async (test) => {
    const { generate } = supervise(test, { program: [CHILD, 'mute'], startMs: 1_500, backoffMs: [] });
    await assert.rejects(generate('hello'), /it did not answer "hello" within 1.5 s/);
  });

  it('ends it when nobody has asked for long, unless it is kept warm', async (test) => {
    const { supervisor, generate } = supervise(test, { idleMs: 50 });
    await generate('hello');
    const pid = supervisor.pid;
    assert.ok(pid !== undefined);
    while (isAlive(pid)) await sleep(10);
    assert.deepEqual(supervisor.condition(), { state: 'ready', message: null });

    const release = supervisor.hold();
    await generate('hello');
    const warm = supervisor.pid;
    await sleep(200);
    assert.equal(supervisor.pid, warm);
    release();
    release();
    while (supervisor.pid !== undefined) await sleep(10);
  });

  it('starts one that is kept warm again by itself', async (test) => {
    const { supervisor, states, generate } = supervise(test);
    supervisor.hold();
    await generate('hello');
    await kill(supervisor);
    while (supervisor.pid === undefined) await sleep(5);
    assert.deepEqual(states, ['starting', 'ready', 'starting', 'ready']);
  });

  it('leaves no process behind, not even one that is just starting', async (test) => {
    const { supervisor, generate } = supervise(test);
    const answer = generate('hello');
    supervisor.end('enough');
    await assert.rejects(answer, /enough/);
    assert.equal(supervisor.pid, undefined);
  });
});

describe('the worker itself', () => {
  it('answers, and after it was killed another answers', async (test) => {
    const { supervisor } = supervise(test, { program: [REAL] });
    const ask = () => supervisor.ask(preflightQuestion, { spec: '/nowhere/a.puzzle.json' });
    const first = await ask();
    assert.ok(first.items.some(({ status }) => status === 'failed'));
    await kill(supervisor);
    assert.deepEqual(await ask(), first);
  });

  it('ends when the extension host is gone, which closes its pipes', async () => {
    const child = spawn(process.execPath, [...process.execArgv, REAL], { stdio: ['pipe', 'ignore', 'inherit'] });
    const ended = once(child, 'exit');
    await sleep(500);
    assert.equal(child.exitCode, null);
    child.stdin.destroy();
    assert.deepEqual(await ended, [0, null]);
  });
});
