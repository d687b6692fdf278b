import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LayerDetail, VariantView } from '../../src/protocol/solution.js';
import { type Command, type Focus, navigate, resolveFocus } from '../../webview/map/navigate.js';
import { flattenRows, rowIndices } from '../../webview/map/rows.js';
import { ROW_HEIGHT, rowWindow, scrollToShow } from '../../webview/map/window.js';

function variant(name: string): VariantView {
  return {
    ...{ name, kind: 'reduced', kept: 0.5, parameters: 10, detail: '' },
    ...{ lossBefore: null, loss: null, score: null, failed: false, excluded: null },
    ...{ memory: null, prefillSeconds: null, decodeSeconds: null },
  };
}

function detail(layer: number): LayerDetail {
  return { layer, attention: ['kv2', 'kv1'].map(variant), ffn: ['ffn-100%', 'no-op'].map(variant) };
}

const PAGE = 3;
const closed = flattenRows(4, new Set(), detail);
/** Layer 1 is open: 0, 1, heading, kv2, kv1, heading, ffn-100%, no-op, 2, 3. */
const opened = flattenRows(4, new Set([1]), detail);

/** Presses keys one after the other, and tells where that leads and what was asked for on the way. */
function press(rows: typeof opened, from: string, keys: string): { at: string; asked: string[] } {
  const [key, action] = from.split('#') as [string, Focus['action'] | undefined];
  let focus: Focus = { key, action: action ?? null };
  const asked: string[] = [];
  for (const name of keys.split(' ')) {
    const step = navigate(rows, focus, name === 'Space' ? ' ' : name, PAGE);
    assert.ok(step, `${name} means nothing`);
    focus = step.focus;
    if (step.command !== null) asked.push(commandText(step.command));
  }
  return { at: focus.action === null ? focus.key : `${focus.key}#${focus.action}`, asked };
}

function commandText(command: Command): string {
  if (command.kind === 'open-all') return 'open all';
  return command.kind === 'toggle' ? `toggle ${command.layer}` : `${command.kind} ${command.row.key}`;
}

describe('rows of the map', () => {
  it('lists an open layer’s variants of both halves below it', () => {
    assert.deepEqual(
      opened.map(({ key }) => key),
      [
        ...['0', '1', '1/attention', '1/attention/kv2', '1/attention/kv1'],
        ...['1/ffn', '1/ffn/ffn-100%', '1/ffn/no-op', '2', '3'],
      ],
    );
    assert.equal(rowIndices(opened).get('1/ffn/no-op'), 7);
  });

  it('says why an open layer has no variants to show', () => {
    const rows = flattenRows(2, new Set([0]), () => 'Reading…');
    assert.deepEqual(
      rows.map(({ kind }) => kind),
      ['layer', 'message', 'layer'],
    );
  });
});

describe('keys in the map', () => {
  const cases: [rows: typeof opened, from: string, keys: string, at: string, asked?: string[]][] = [
    [closed, '0', 'ArrowDown', '1'],
    [closed, '0', 'ArrowUp', '0'],
    [closed, '3', 'ArrowDown', '3'],
    [closed, '1', 'End', '3'],
    [closed, '3', 'Home', '0'],
    [closed, '0', 'PageDown', '3'],
    [closed, '3', 'PageUp', '0'],
    [closed, '1', 'ArrowRight', '1', ['toggle 1']],
    [closed, '1', 'ArrowLeft', '1'],
    [closed, '1', 'Enter Space', '1', ['toggle 1', 'toggle 1']],
    [closed, '1', '*', '1', ['open all']],
    // Headings are passed over.
    [opened, '1', 'ArrowRight', '1/attention/kv2'],
    [opened, '1', 'ArrowDown', '1/attention/kv2'],
    [opened, '1/attention/kv1', 'ArrowDown', '1/ffn/ffn-100%'],
    [opened, '1/ffn/ffn-100%', 'ArrowUp', '1/attention/kv1'],
    [opened, '1/attention/kv2', 'ArrowUp', '1'],
    [opened, '1', 'ArrowLeft', '1', ['toggle 1']],
    [opened, '1/ffn/no-op', 'ArrowLeft', '1'],
    // The buttons of a variant: on to the right, back to the left, and down in their column.
    [opened, '1/attention/kv2', 'ArrowRight', '1/attention/kv2#pin'],
    [opened, '1/attention/kv2', 'ArrowRight ArrowRight ArrowRight', '1/attention/kv2#ban'],
    [opened, '1/attention/kv2#ban', 'ArrowLeft ArrowLeft', '1/attention/kv2'],
    [opened, '1/attention/kv2#ban', 'ArrowDown', '1/attention/kv1#ban'],
    [opened, '1/ffn/no-op#ban', 'ArrowDown', '2'],
    [opened, '1/attention/kv2', 'Enter', '1/attention/kv2', ['pin 1/attention/kv2']],
    [opened, '1/attention/kv2#pin', 'Space', '1/attention/kv2#pin', ['pin 1/attention/kv2']],
    [opened, '1/attention/kv2#ban', 'Enter', '1/attention/kv2#ban', ['ban 1/attention/kv2']],
  ];
  for (const [rows, from, keys, at, asked = []] of cases) {
    it(`${from}: ${keys} leads to ${[at, ...asked].join(', ')}`, () => {
      assert.deepEqual(press(rows, from, keys), { at, asked });
    });
  }

  it('leaves other keys alone', () => {
    assert.equal(navigate(closed, { key: '0', action: null }, 'Tab', PAGE), null);
    assert.equal(navigate([], { key: '0', action: null }, 'ArrowDown', PAGE), null);
  });

  it('stays at the layer of a row that is gone', () => {
    assert.deepEqual(resolveFocus(opened, { key: '1/ffn/no-op', action: 'ban' }), {
      key: '1/ffn/no-op',
      action: 'ban',
    });
    assert.deepEqual(resolveFocus(closed, { key: '1/ffn/no-op', action: 'ban' }), { key: '1', action: null });
    assert.deepEqual(resolveFocus(closed, { key: '7', action: null }), { key: '0', action: null });
  });
});

describe('rows in view', () => {
  it('are drawn, wherever the scroll stands', () => {
    const count = 7000;
    const height = 500;
    for (let top = 0; top <= count * ROW_HEIGHT - height; top += 977) {
      const { first, end } = rowWindow(top, height, count);
      assert.ok(first * ROW_HEIGHT <= top && end * ROW_HEIGHT >= top + height, `at ${top}: ${first} to ${end}`);
      assert.ok(first >= 0 && end <= count && end - first < 60, `at ${top}: ${first} to ${end}`);
    }
  });

  it('are all of them where there are few', () => {
    assert.deepEqual(rowWindow(0, 500, 10), { first: 0, end: 10 });
    assert.deepEqual(rowWindow(0, 500, 0), { first: 0, end: 0 });
  });

  it('come into view by as little scrolling as can be', () => {
    const height = 10 * ROW_HEIGHT;
    assert.equal(scrollToShow(3, 0, height), 0);
    assert.equal(scrollToShow(10, 0, height), ROW_HEIGHT);
    assert.equal(scrollToShow(2, 5 * ROW_HEIGHT, height), 2 * ROW_HEIGHT);
  });
});
