import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { FrontPoint } from '../../src/protocol/solution.js';
import { readLimit } from '../../webview/constraints/limit-text.js';
import {
  type FrontAxis,
  firstLimits,
  frontLines,
  limitsOf,
  pointAt,
  valueText,
} from '../../webview/explore/front-lines.js';
import { frontSummary } from '../../webview/explore/front-text.js';

const MIB = 2 ** 20;

const axis = (metric: string, parent: number, text: string | null): FrontAxis => ({
  range: { metric, min: parent / 4, max: parent, parent },
  limit: text === null ? null : readLimit(metric, text),
});
const THROUGHPUT = axis('throughput', 100, '>= 2x');
const MEMORY = axis('memory', 8 * MIB, '<= 60%');

const point = (objective: number, ...limits: number[]): FrontPoint => ({ status: 'optimal', objective, limits });
/** As the solver has it: from tight to loose, the second limit outermost, what cannot be reached left out. */
const GRID = [
  point(3, 300, 4 * MIB),
  point(2, 200, 4 * MIB),
  point(2.5, 400, 8 * MIB),
  point(1, 300, 8 * MIB),
  point(0.5, 200, 8 * MIB),
];

describe('the lines of a front', () => {
  it('are one for each value of the second limit, along all values of the first', () => {
    const lines = frontLines(GRID);
    assert.deepEqual(
      lines.map(({ second, points }) => [second, points.map(({ objective }) => objective)]),
      [
        [4 * MIB, [2, 3]],
        [8 * MIB, [0.5, 1, 2.5]],
      ],
    );
    assert.deepEqual(firstLimits(lines), [200, 300, 400]);
    const at = (first: number) => lines.map((line) => pointAt(line, first)?.objective);
    assert.deepEqual(
      [at(300), at(400)],
      [
        [3, 1],
        [undefined, 2.5],
      ],
    );
  });

  it('are one line where there is one limit', () => {
    assert.deepEqual(
      frontLines([point(2, 9), point(1, 5)]).map(({ second, points }) => [
        second,
        points.map(({ limits }) => limits[0]),
      ]),
      [[null, [5, 9]]],
    );
  });

  it('become limits in the units of the spec, or in the usual ones where it has none', () => {
    const [first] = GRID;
    assert.ok(first !== undefined);
    assert.deepEqual(limitsOf(first, [THROUGHPUT, MEMORY]), { throughput: '>= 3x', memory: '<= 50%' });
    const bytes = axis('memory', 8 * MIB, '<= 6 MiB');
    assert.deepEqual(limitsOf(first, [axis('throughput', 100, null), bytes]), {
      throughput: '>= 3x',
      memory: '<= 4 MiB',
    });
    const none = axis('kvCache', 8 * MIB, '<= 50%');
    assert.deepEqual(limitsOf(point(1, 0), [none]), { kvCache: '<= 0.0001%' });
    assert.deepEqual([valueText(THROUGHPUT, 300), valueText(MEMORY, 4 * MIB)], ['≥ 300 tokens/s', '≤ 4.00 MiB']);
  });
});

describe('a front in words', () => {
  it('says from where to where it goes, and where the present limits are on it', () => {
    assert.equal(
      frontSummary(GRID, [THROUGHPUT, MEMORY], 0.75, 'nats/token'),
      'Throughput and Memory: from 300 tokens/s and 4.00 MiB (objective 3.00) to 200 tokens/s and 8.00 MiB (objective 0.500 nats/token), where neither limits anything. The present limits, 200 tokens/s and 4.80 MiB, have 0.750.',
    );
    assert.match(
      frontSummary([point(3, 300), point(1, 200)], [THROUGHPUT], 1, 'nats/token'),
      /^Throughput: from 300 tokens\/s .* The present limit, 200 tokens\/s, has 1\.00\.$/,
    );
    assert.doesNotMatch(frontSummary(GRID, [THROUGHPUT, axis('memory', 8 * MIB, null)], 1, 'nats/token'), /present/);
    assert.equal(frontSummary([], [THROUGHPUT], 1, ''), 'No architecture meets the other limits.');
  });
});
