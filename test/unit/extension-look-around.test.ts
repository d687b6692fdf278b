import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { LookAround } from '../../src/extension/runs/look-around.js';

/** Looks that last until they are ended, one by one. */
function slowLooks() {
  const ends: (() => void)[] = [];
  const look = () => new Promise<void>((end) => ends.push(end));
  return { ends, look };
}

describe('looking around', () => {
  it('is done once at a time, and once more for who asks meanwhile', async () => {
    const { ends, look } = slowLooks();
    const around = new LookAround(look);
    const first = around.now();
    const [second, third] = [around.now(), around.now()];
    assert.equal(ends.length, 1);
    assert.equal(second, third);
    ends[0]?.();
    await first;
    await sleep(1);
    assert.equal(ends.length, 2, 'what the first look may have passed is seen by the second');
    ends[1]?.();
    await second;
    assert.equal(ends.length, 2);
  });

  it('is done again after one that failed', async () => {
    let looks = 0;
    const around = new LookAround(() => (looks++ === 0 ? Promise.reject(new Error('gone')) : Promise.resolve()));
    const [first, second] = [around.now(), around.now()];
    await assert.rejects(first, /gone/);
    await second;
    assert.equal(looks, 2);
  });

  it('is done a few times after a hint, and no more often for a stream of them', async () => {
    let looks = 0;
    const around = new LookAround(() => {
      looks++;
      return Promise.resolve();
    }, [1, 5, 20]);
    around.soon();
    assert.ok(around.hinted);
    for (let i = 0; i < 100; i++) around.soon();
    await sleep(100);
    assert.equal(looks, 3);
    around.soon();
    await sleep(12);
    around.soon();
    await sleep(150);
    assert.equal(looks, 9, 'a hint during a row is followed by another row');
    around.dispose();
  });
});
