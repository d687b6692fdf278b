import assert from 'node:assert/strict';
import { PassThrough } from 'node:stream';
import { after, before, describe, it } from 'node:test';
import {
  createMessageConnection,
  type MessageConnection,
  StreamMessageReader,
  StreamMessageWriter,
} from 'vscode-jsonrpc/node.js';
import { Endpoint } from '../../src/protocol/endpoint.js';
import { act, type PanelState, ready, stateTold, textTold } from '../../src/protocol/panel.js';
import { shareUnchanged } from '../../webview/state/share.js';
import { ask, connect, failure, onText, panel, perform } from '../../webview/state/store.js';
import {
  chartOptions,
  openSections,
  persistUiState,
  restoreUiState,
  selectedLayer,
} from '../../webview/state/ui-state.js';

function snapshot(revision: number, changed: Partial<PanelState> = {}): PanelState {
  return {
    ...{ revision, kind: 'search', uris: ['file:///a.puzzle.json'], title: 'a', spec: null, run: null, stale: null },
    imported: null,
    ...{ parent: null, answer: null, answerIsChild: false, solving: false, ranges: [], comparison: null },
    ...{ preflight: null, worker: { state: 'ready', message: null }, cursorLayer: null, error: null },
    ...changed,
  };
}

/** Both ends of one connection. */
function connections(): [MessageConnection, MessageConnection] {
  const [there, back] = [new PassThrough(), new PassThrough()];
  return [
    createMessageConnection(new StreamMessageReader(back), new StreamMessageWriter(there)),
    createMessageConnection(new StreamMessageReader(there), new StreamMessageWriter(back)),
  ];
}

const arrived = async (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 20));

describe('the store', () => {
  const [own, others] = connections();
  const host = new Endpoint(others);

  before(async () => {
    host.onAsked(ready, () => Promise.resolve(snapshot(5)));
    host.onAsked(act, ({ action }) =>
      action === 'export' ? Promise.reject(new Error('/mnt is read-only')) : Promise.resolve({}),
    );
    host.listen();
    await connect(own);
  });
  after(() => {
    own.dispose();
    host.dispose();
  });

  it('begins with what the host answers', () => {
    assert.equal(panel.value?.revision, 5);
  });

  it('drops a snapshot that a newer one has overtaken', async () => {
    await host.tell(stateTold, snapshot(7, { title: 'newer' }));
    await host.tell(stateTold, snapshot(6, { title: 'older' }));
    await arrived();
    assert.deepEqual([panel.value?.revision, panel.value?.title], [7, 'newer']);
  });

  it('keeps the identity of what did not change', async () => {
    const uris = panel.value?.uris;
    await host.tell(stateTold, snapshot(8, { title: 'newest' }));
    await arrived();
    assert.equal(panel.value?.title, 'newest');
    assert.equal(panel.value.uris, uris);
  });

  it('tells why something was not done, until the next thing is', async () => {
    perform(act, { action: 'export' });
    await arrived();
    assert.match(failure.value ?? '', /\/mnt is read-only/);
    perform(act, { action: 'showLog' });
    await arrived();
    assert.equal(failure.value, null);
  });

  it('tells when something is over, done or not', async () => {
    const over: string[] = [];
    for (const action of ['export', 'showLog'] as const) perform(act, { action }, () => over.push(action));
    assert.deepEqual(over, []);
    await arrived();
    assert.deepEqual(over, ['export', 'showLog']);
  });

  it('refuses to ask what the protocol does not know', async () => {
    const action = 'format the disk' as 'start';
    await assert.rejects(ask(act, { action }), /Invalid option/);
  });

  it('gives the pieces of a text to the one who listens for it', async () => {
    const heard: string[] = [];
    const silence = onText('mine', (text) => heard.push(text));
    await host.tell(textTold, { id: 'mine', text: 'Once' });
    await host.tell(textTold, { id: 'other', text: 'Twice' });
    await arrived();
    silence();
    await host.tell(textTold, { id: 'mine', text: ' upon' });
    await arrived();
    assert.deepEqual(heard, ['Once']);
  });

  it('has the state of the panel stored, with what the panel is about', () => {
    const stored: unknown[] = [];
    const stop = persistUiState({ setState: (state) => stored.push(state) });
    selectedLayer.value = 3;
    openSections.value = { solver: false };
    chartOptions.value = { ...chartOptions.value, scale: 'linear' };
    stop();
    selectedLayer.value = null;
    openSections.value = {};
    const last = stored.at(-1);
    assert.deepEqual(Object.entries(last as object).slice(0, 2), [
      ['kind', 'search'],
      ['uris', ['file:///a.puzzle.json']],
    ]);
    restoreUiState(JSON.parse(JSON.stringify(last)));
    assert.deepEqual(
      [selectedLayer.value, openSections.value, chartOptions.value.scale],
      [3, { solver: false }, 'linear'],
    );
  });

  it('leaves a stored state of another version, or none', () => {
    const good = { version: 1 };
    const useless = [undefined, null, 'x', good, { ...good, version: 2, selectedLayer: 9 }];
    for (const stored of useless) restoreUiState(stored);
    assert.equal(selectedLayer.value, 3);
  });
});

describe('what two snapshots share', () => {
  it('is the very same object, however deep', () => {
    const previous = { map: { layers: [{ name: 'kv4' }, { name: 'kv1' }] }, run: { done: 1 }, error: null };
    const next = structuredClone({ ...previous, run: { done: 2 } });
    const shared = shareUnchanged(previous, next);
    assert.deepEqual(shared, next);
    assert.equal(shared.map, previous.map);
    assert.notEqual(shared.run, previous.run);
  });

  it('is told apart from what only looks alike', () => {
    const longer: [unknown, unknown][] = [
      [
        [1, 2],
        [1, 2, 3],
      ],
      [[1, 2], [1]],
      [{ a: 1 }, { a: 1, b: undefined }],
      [{ a: 1, b: 2 }, { a: 1 }],
    ];
    const otherwise: [unknown, unknown][] = [
      [[], {}],
      [{ 0: 'a' }, ['a']],
      [null, {}],
      [0, null],
    ];
    const cases = [...longer, ...otherwise];
    for (const [previous, next] of cases) assert.deepEqual(shareUnchanged(previous, next), next);
    const list = [{ a: 1 }, { b: 2 }];
    assert.equal(shareUnchanged(list, structuredClone(list)), list);
  });
});
