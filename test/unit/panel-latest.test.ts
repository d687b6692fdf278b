import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { Latest } from '../../src/extension/panel/latest.js';
import { Throttle } from '../../src/extension/panel/throttle.js';

/** A `Latest` whose answers come when the test says so. */
function askedByHand() {
  const asked: { question: string; answer: (text: string) => Promise<void>; fail: (text: string) => Promise<void> }[] =
    [];
  let changes = 0;
  const latest = new Latest<string, string>(
    (question) =>
      new Promise((resolve, reject) => {
        const settle = async (act: () => void) => {
          act();
          await sleep(0);
        };
        asked.push({
          question,
          answer: (text) =>
            settle(() => {
              resolve(text);
            }),
          fail: (text) =>
            settle(() => {
              reject(new Error(text));
            }),
        });
      }),
    () => changes++,
  );
  return { latest, asked, changes: () => changes };
}

describe('the answer to the latest of many questions', () => {
  it('asks one at a time, and of those that come meanwhile only the last', async () => {
    const { latest, asked } = askedByHand();
    for (const question of ['a', 'b', 'c', 'd']) latest.want(question);
    assert.deepEqual(
      asked.map(({ question }) => question),
      ['a'],
    );
    await asked[0]?.answer('A');
    assert.equal(latest.value, 'A');
    assert.ok(latest.pending);
    await asked[1]?.answer('D');
    assert.deepEqual(
      asked.map(({ question }) => question),
      ['a', 'd'],
    );
    assert.equal(latest.value, 'D');
    assert.ok(!latest.pending);
  });

  it('asks the same question once, and again when told to', async () => {
    const { latest, asked, changes } = askedByHand();
    latest.want('a');
    await asked[0]?.answer('A');
    latest.want('a');
    assert.equal(asked.length, 1);
    latest.renew('a');
    assert.equal(asked.length, 2);
    assert.equal(latest.value, 'A');
    await asked[1]?.answer('B');
    assert.equal(latest.value, 'B');
    assert.equal(changes(), 2);
  });

  it('has no answer when nothing is wanted, also to what was asked before that', async () => {
    const { latest, asked, changes } = askedByHand();
    latest.want('a');
    latest.want(null);
    await asked[0]?.answer('A');
    assert.equal(latest.value, null);
    assert.equal(changes(), 0);
    latest.want('a');
    await asked[1]?.answer('A again');
    assert.equal(latest.value, 'A again');
  });

  it('keeps the last answer beside the failure of the next question, which is asked again only when told to', async () => {
    const { latest, asked } = askedByHand();
    latest.want('a');
    await asked[0]?.answer('A');
    latest.want('b');
    await asked[1]?.fail('no');
    assert.equal(latest.value, 'A');
    assert.equal(latest.error, 'no');
    assert.ok(!latest.pending);
    latest.retry();
    await asked[2]?.answer('B');
    assert.equal(latest.value, 'B');
    assert.equal(latest.error, null);
    latest.retry();
    assert.equal(asked.length, 3);
  });
});

describe('a throttle', () => {
  /** Times of the calls, in milliseconds. */
  function timed(intervalMs: number) {
    const started = performance.now();
    const calls: number[] = [];
    const throttle = new Throttle(intervalMs, () => calls.push(performance.now() - started));
    return { throttle, calls };
  }

  it('calls at once when it was quiet, and then no more than once per interval', async () => {
    const { throttle, calls } = timed(50);
    for (let i = 0; i < 40; i++) {
      throttle.request();
      await sleep(5);
    }
    await sleep(60);
    const gaps = calls.slice(1).map((call, i) => call - (calls[i] ?? 0));
    assert.ok(calls.length >= 3, `${calls.length} calls`);
    // Timers of Node may be early by less than a millisecond.
    assert.ok(
      gaps.every((gap) => gap > 48),
      `gaps ${gaps.join(', ')}`,
    );
    assert.ok((calls[0] ?? Infinity) < 40, `first after ${String(calls[0])}`);
  });

  it('waits for what is said to follow, but not for longer than said', async () => {
    const { throttle, calls } = timed(100);
    throttle.request(100);
    await sleep(20);
    assert.equal(calls.length, 0);
    throttle.request();
    await sleep(20);
    assert.equal(calls.length, 1);
    throttle.dispose();
    throttle.request();
    await sleep(120);
    assert.equal(calls.length, 1);
  });
});
