// Sums that several threads share: the same bytes every time, so that a seeded training can be repeated.
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { Random } from '../../src/common/random.js';
import { input, scatterAdd } from '../../src/graph/primitives.js';
import { float32, int64, Session } from '../../src/graph/session.js';

const RUNS = 200;
const [ROWS, WIDTH, COUNT] = [2048, 192, 8];

test('rows added to few places by two threads give the same bytes every time, and the right sums', async () => {
  const random = Random.of(1, 'scatter');
  const values = Float32Array.from({ length: ROWS * WIDTH }, () => random.normal());
  const rows = Array.from({ length: ROWS }, () => random.below(COUNT));
  const expected = new Float64Array(COUNT * WIDTH);
  values.forEach((value, i) => {
    const at = (rows[Math.floor(i / WIDTH)] ?? 0) * WIDTH + (i % WIDTH);
    expected[at] = (expected[at] ?? 0) + value;
  });
  const added = scatterAdd(input('values', [ROWS, WIDTH]), input('rows', [ROWS], 'int64'), COUNT);
  const session = await Session.create({ added }, { threads: 2 });
  try {
    const results: Buffer[] = [];
    for (let run = 0; run < RUNS; run++) {
      const { added: result } = await session.run({
        values: float32(values, [ROWS, WIDTH]),
        rows: int64(rows, [ROWS]),
      });
      const sums = result?.data as Float32Array;
      assert.ok(sums.every((sum, i) => Math.abs(sum - (expected[i] ?? NaN)) < 1e-3));
      results.push(Buffer.from(sums.buffer.slice(0)));
    }
    assert.ok(results.every((bytes) => bytes.equals(results[0] ?? bytes)));
  } finally {
    await session.release();
  }
});
