import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  bytes,
  count,
  duration,
  orNone,
  percent,
  plural,
  remaining,
  significant,
  times,
  tokensPerSecond,
} from '../../webview/ui/format.js';

describe('numbers in the panel', () => {
  it('have three significant digits, and none that mean nothing', () => {
    assert.deepEqual([0, 0.00472, 1.5, 12.34, 123.4, 12345.6].map(significant), [
      ...['0.00', '0.00472', '1.50', '12.3', '123', '12,346'],
    ]);
    assert.equal(significant(-0.0123), '-0.0123');
  });

  it('name their unit', () => {
    assert.deepEqual([0, 512, 1536, 36_636_160, 2 ** 41].map(bytes), [
      '0 B',
      '512 B',
      '1.50 KiB',
      '34.9 MiB',
      '2.00 TiB',
    ]);
    assert.equal(tokensPerSecond(12_291.7), '12,292 tokens/s');
    assert.equal(count(3_887_040), '3,887,040');
    assert.equal(percent(0.98423), '98.4%');
    assert.equal(times(2.3396), '2.34×');
    assert.deepEqual(
      [1, 2].map((number) => plural(number, '1 layer', `${number} layers`)),
      ['1 layer', '2 layers'],
    );
  });

  it('tell time as clocks do, and never 60 seconds', () => {
    assert.deepEqual([0.0351, 4.23, 59.96, 187, 3753].map(duration), [
      '35.1 ms',
      '4.2 s',
      '1:00 min',
      '3:07 min',
      '1:02:33 h',
    ]);
  });

  it('tell what is left no finer than it is known', () => {
    assert.deepEqual([5, 100, 240, 3540, 3590, 4800].map(remaining), [
      ...['less than a minute', 'about 2 min', 'about 4 min', 'about 59 min', 'about 1 h', 'about 1 h 20 min'],
    ]);
  });

  it('are a dash where there are none', () => {
    assert.deepEqual([orNone(null, count), orNone(undefined, count), orNone(0, count)], ['–', '–', '0']);
  });
});
