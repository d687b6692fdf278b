import assert from 'node:assert/strict';
import { describe, it, type TestContext } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { panelPage } from '../../src/extension/panel/document.js';
import { NOTHING, type PanelContent, PanelSession, type Serve } from '../../src/extension/panel/session.js';
import { unknownPoints } from '../../src/extension/panel/series.js';
import { askLayer, type PanelState, ready, stateTold } from '../../src/protocol/panel.js';
import { FakeWebview } from '../support/webview.js';

const CONTENT: PanelContent = { ...NOTHING, kind: 'search', uris: ['file:///a.puzzle.json'], title: 'a' };
const LAYER = { layer: 3, attention: [], ffn: [] };

function sessionOf(test: TestContext, serve: (serve: Serve) => void = () => undefined) {
  const webview = new FakeWebview();
  const errors: string[] = [];
  const quiet = () => undefined;
  const surroundings = { title: 'a', shown: true };
  let changed: () => void = () => assert.fail('there is no subject');
  let disposals = 0;
  const session = new PanelSession(
    webview,
    (tell) => {
      changed = tell;
      tell();
      return {
        ...{ serve, content: () => ({ ...CONTENT, title: surroundings.title }) },
        dispose: () => disposals++,
      };
    },
    () => surroundings.shown,
    { error: (message) => errors.push(message), warn: quiet, info: quiet, log: quiet },
  );
  test.after(() => {
    session.dispose();
    assert.equal(disposals, 1);
  });
  return { webview, changed, errors, surroundings };
}

/** A document that has said it is ready, and the states that it was told since. */
async function opened(webview: FakeWebview) {
  const endpoint = webview.load();
  const states: PanelState[] = [];
  endpoint.onTold(stateTold, (state) => states.push(state));
  const first = await endpoint.ask(ready, { version: 1 });
  return { endpoint, states, first };
}

describe('the session of a panel', () => {
  it('says nothing before the panel is ready, and then the whole state', async (test) => {
    const { webview, changed } = sessionOf(test);
    changed();
    await sleep(20);
    assert.equal(webview.posted.length, 0);
    const { first } = await opened(webview);
    assert.deepEqual({ ...first, revision: 0 }, { ...CONTENT, revision: 0 });
  });

  it('tells changes as whole snapshots with rising revisions, at most ten a second', async (test) => {
    const { webview, changed, surroundings } = sessionOf(test);
    const { first, states } = await opened(webview);
    for (let i = 0; i < 60; i++) {
      surroundings.title = `title ${i}`;
      changed();
      await sleep(5);
    }
    await sleep(150);
    assert.equal(states.at(-1)?.title, 'title 59');
    assert.ok(states.length >= 2 && states.length <= 8, `${states.length} snapshots in about 0.4 s`);
    const revisions = [first, ...states].map(({ revision }) => revision);
    assert.deepEqual(
      revisions,
      revisions.toSorted((a, b) => a - b),
    );
    assert.equal(new Set(revisions).size, revisions.length);
  });

  it('posts nothing to a panel that is hidden, which asks when it is back', async (test) => {
    const { webview, changed, surroundings } = sessionOf(test);
    await opened(webview);
    const before = webview.posted.length;
    surroundings.shown = false;
    surroundings.title = 'meanwhile';
    changed();
    await sleep(150);
    assert.equal(webview.posted.length, before);
    surroundings.shown = true;
    assert.equal((await opened(webview)).first.title, 'meanwhile');
  });

  it('never gives the answer to a question of an earlier document to the next one', async (test) => {
    let answer: (() => void) | undefined;
    let cancelled = 0;
    const { webview } = sessionOf(test, (serve) => {
      serve(askLayer, async ({ layer }, token) => {
        token.onCancellationRequested(() => cancelled++);
        if (layer === 1) await new Promise<void>((resolve) => (answer = resolve));
        return { ...LAYER, layer };
      });
    });
    const early = await opened(webview);
    void early.endpoint.ask(askLayer, { layer: 1 }).catch(() => undefined);
    await sleep(20);
    const late = await opened(webview);
    assert.equal(cancelled, 1, 'a question of a document that is gone is cancelled');
    // The same number in the count of questions as the one that is still open.
    const asked = late.endpoint.ask(askLayer, { layer: 2 });
    answer?.();
    assert.equal((await asked).layer, 2);
  });

  it('answers what does not fit the schema with an error that says what', async (test) => {
    const { webview } = sessionOf(test, (serve) => {
      serve(askLayer, () => Promise.reject(new Error('there is no run')));
    });
    const { endpoint } = await opened(webview);
    await assert.rejects(endpoint.ask(askLayer, { layer: 0 }), { message: 'there is no run' });
    const loose = { ...askLayer, params: ready.params } as unknown as typeof ready;
    await assert.rejects(endpoint.ask(loose, { version: 1 }), /layer/);
  });

  it('logs what is no message at all, and goes on', async (test) => {
    const { webview, errors } = sessionOf(test);
    webview.send('nonsense');
    webview.send(null);
    assert.equal(errors.length, 2);
    assert.equal((await opened(webview)).first.title, 'a');
  });
});

describe('the points of curves that a panel does not have yet', () => {
  const curve = { id: 'a', stage: 'distil', layer: 0, half: 'ffn' as const, name: 'ffn-50%' };
  const all = [{ ...curve, steps: [1, 2, 3], values: [0.3, null, 0.1] }];

  it('are those after the ones it knows', () => {
    assert.deepEqual(unknownPoints(all, { a: 2 }), [{ ...curve, from: 2, steps: [3], values: [0.1] }]);
    assert.deepEqual(unknownPoints(all, {}), [{ ...all[0], from: 0 }]);
    assert.deepEqual(unknownPoints(all, { a: 3 }), []);
  });

  it('are all of them when the curve was begun anew', () => {
    assert.deepEqual(unknownPoints(all, { a: 7 }), [{ ...all[0], from: 0 }]);
  });
});

describe('the page of a panel', () => {
  const parts = { script: 'https://x/webview.js', style: 'https://x/webview.css', language: 'en', title: '<b>"&' };
  const texts = { Solver: '"<Löser>"' };
  const page = panelPage({ ...parts, texts, source: 'https://x' });

  it('allows nothing but its own script, style sheet and fonts, and the one style element of the toolkit', () => {
    const policy = /http-equiv="Content-Security-Policy" content="([^"]*)"/.exec(page)?.[1] ?? '';
    const nonce = /nonce="([^"]+)"/.exec(page)?.[1];
    assert.ok(nonce !== undefined && nonce.length >= 20);
    const styleNonce = /property="csp-nonce" content="([^"]+)"/.exec(page)?.[1];
    assert.ok(styleNonce !== undefined && styleNonce.length >= 20 && styleNonce !== nonce);
    assert.deepEqual(policy.split('; '), [
      "default-src 'none'",
      `script-src 'nonce-${nonce}'`,
      `style-src https://x 'nonce-${styleNonce}'`,
      'font-src https://x',
      'img-src https://x',
    ]);
  });

  it('has no inline script or style, escapes what it is given, and a new nonce each time', () => {
    assert.doesNotMatch(page, /style=|<style|<script(?![^>]* src=)|unsafe/);
    assert.match(page, /<title>&lt;b&gt;&quot;&amp;<\/title>/);
    assert.ok(page.includes('data-texts="{&quot;Solver&quot;:&quot;\\&quot;&lt;Löser&gt;\\&quot;&quot;}"'));
    assert.notEqual(panelPage({ ...parts, texts, source: 'https://x' }), page);
  });
});
