import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { knownPoints, mergeParts, type SeriesPart } from '../../webview/curves/merge.js';
import { SeriesFeed } from '../../webview/curves/series-feed.js';

function part(id: string, from: number, values: number[]): SeriesPart {
  const steps = values.map((_, index) => from + index + 1);
  return { id, stage: 'uptrain', layer: null, half: null, name: id, from, steps, values };
}

const settled = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 40));

describe('curves that grow', () => {
  it('take on what follows, and begin anew where they are told to', () => {
    let known = mergeParts(new Map(), [part('a', 0, [3, 2]), part('b', 0, [9])]);
    known = mergeParts(known, [part('a', 2, [1])]);
    assert.deepEqual(known.get('a')?.values, [3, 2, 1]);
    assert.deepEqual(known.get('a')?.steps, [1, 2, 3]);
    assert.deepEqual(knownPoints(known), { a: 3, b: 1 });
    known = mergeParts(known, [part('a', 0, [5])]);
    assert.deepEqual(knownPoints(known), { a: 1, b: 1 });
  });

  it('replace what overlaps and leave what does not join on', () => {
    const known = mergeParts(new Map(), [part('a', 0, [3, 2, 1])]);
    assert.deepEqual(mergeParts(known, [part('a', 1, [7])]).get('a')?.values, [3, 7]);
    assert.deepEqual(mergeParts(known, [part('a', 9, [7])]).get('a')?.values, [3, 2, 1]);
    assert.equal(mergeParts(known, [part('c', 4, [7])]).has('c'), false);
  });

  it('are asked for from where they end, never twice at a time', async () => {
    const asked: Record<string, number>[] = [];
    const feed = new SeriesFeed(async (known) => {
      asked.push(known);
      await new Promise((resolve) => setTimeout(resolve, 5));
      return asked.length === 1 ? [part('a', 0, [3, 2])] : [part('a', 2, [1])];
    }, 5);
    feed.refresh();
    feed.refresh();
    feed.refresh();
    await settled();
    assert.deepEqual(asked, [{}, { a: 2 }], 'what was asked for meanwhile is one question');
    assert.deepEqual(feed.series.value.get('a')?.values, [3, 2, 1]);
    assert.equal(feed.loaded.value, true);
    feed.stop();
    feed.refresh();
    await settled();
    assert.equal(asked.length, 2);
  });

  it('say why they cannot be read, until they can', async () => {
    let broken = true;
    const feed = new SeriesFeed(
      async () => (broken ? Promise.reject(new Error('the run directory is gone')) : Promise.resolve([])),
      1,
    );
    feed.refresh();
    await settled();
    assert.deepEqual([feed.error.value, feed.loaded.value], ['the run directory is gone', false]);
    broken = false;
    feed.refresh();
    await settled();
    assert.deepEqual([feed.error.value, feed.loaded.value], [null, true]);
    feed.stop();
  });
});
