import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { DrawnRows, type DrawRow, type Pace } from '../../webview/map/drawn-rows.js';
import { flattenRows } from '../../webview/map/rows.js';

const REST: Pace = { sorted: true, fast: false };
const SLOW: Pace = { sorted: false, fast: false };
const FAST: Pace = { sorted: false, fast: true };

const rows = flattenRows(12, new Set(), () => '');
const NOWHERE = { key: '0', action: null };

interface Drawn {
  key: string;
  slot: string;
  brief: boolean;
}

/** Draws some rows, as their elements stand. */
function drawer() {
  const drawn = new DrawnRows<Drawn>();
  const drawRow: DrawRow<Drawn> = ({ key }, { slot, brief }) => ({ key, slot, brief });
  return (indices: readonly number[], pace: Pace) => drawn.draw(rows, indices, NOWHERE, pace, drawRow);
}

const titles = (nodes: readonly Drawn[]) => nodes.map(({ key }) => key);
const briefs = (nodes: readonly Drawn[]) => titles(nodes.filter(({ brief }) => brief)).sort();
const slots = (nodes: readonly Drawn[]) => nodes.map(({ slot }) => slot).sort();

describe('rows as they are drawn', () => {
  it('are the same nodes while nothing changes', () => {
    const draw = drawer();
    const [first, again] = [draw([1, 2, 3], REST), draw([1, 2, 3], REST)];
    assert.deepEqual(titles(first), ['1', '2', '3']);
    for (const [i, node] of first.entries()) assert.equal(again[i], node);
  });

  it('take the elements of rows that are gone, and stand in order again at rest', () => {
    const draw = drawer();
    const first = draw([1, 2, 3], REST);
    const scrolled = draw([2, 3, 4], SLOW);
    assert.deepEqual(slots(scrolled), slots(first));
    assert.deepEqual(titles(scrolled), ['4', '2', '3']);
    assert.deepEqual(titles(draw([2, 3, 4], REST)), ['2', '3', '4']);
  });

  it('come in brief while rows pass fast, and are whole as soon as they do not', () => {
    const draw = drawer();
    draw([1, 2, 3], REST);
    assert.deepEqual(briefs(draw([2, 3, 4], FAST)), ['4'], 'those that are there stay whole');
    assert.deepEqual(briefs(draw([3, 4, 5], FAST)), ['4', '5']);
    assert.deepEqual(briefs(draw([3, 4, 5], SLOW)), []);
    assert.deepEqual(briefs(draw([0, 6], FAST)), ['6'], 'what Tab reaches is whole');
  });
});
