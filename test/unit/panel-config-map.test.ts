import assert from 'node:assert/strict';
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { ConfigState } from '../../src/extension/config-map/config-state.js';
import { isModelConfig, SPEC_LENSES } from '../../src/extension/editor/spec-lenses.js';
import { unmetLimits } from '../../src/extension/editor/unmet-limits.js';
import { mergeRuns } from '../../src/extension/panel/comparison.js';
import { NOTHING } from '../../src/extension/panel/session.js';
import type { QuestionWorker } from '../../src/extension/services.js';
import type { ComparedModel } from '../../src/protocol/panel.js';
import { panelStateSchema } from '../../src/protocol/panel.js';
import { RUN_STATES } from '../../src/protocol/run.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const CONFIG = `{
  "model_type": "nemotron-nas",
  "hidden_size": 64,
  "num_hidden_layers": 2,
  "num_attention_heads": 8,
  "vocab_size": 512,
  "block_configs": [
    { "attention": { "n_heads_in_group": 4 }, "ffn": { "ffn_mult": 2 } },
    { "attention": { "no_op": true }, "ffn": { "no_op": true } }
  ]
}
`;

function stateOf(text: string): ConfigState {
  const state = new ConfigState('file:///model/config.json', 'model/config.json');
  state.setText(text);
  return state;
}

describe('the state of a config map', () => {
  it('is a whole panel state of kind config', () => {
    const content = panelStateSchema.parse({ ...stateOf(CONFIG).content(), revision: 1 });
    assert.deepEqual([content.kind, content.error, content.run], ['config', null, NOTHING.run]);
    assert.deepEqual(
      content.parent?.layers.map(({ attention, ffn }) => [attention.kind, ffn.kind]),
      [
        ['full', 'full'],
        ['no-op', 'no-op'],
      ],
    );
  });

  it('keeps the last map beside what is wrong with the text, while it is being written', () => {
    const state = stateOf(CONFIG);
    for (const [broken, why] of [
      [
        CONFIG.replace('"hidden_size": 64', '"hidden_size":'),
        /model\/config\.json: line 3: is not valid JSON: value expected/,
      ],
      [CONFIG.replace('"num_hidden_layers": 2', '"num_hidden_layers": -2'), /num_hidden_layers/],
      ['', /is not valid JSON/],
      ['['.repeat(100_000), /./],
    ] as const) {
      state.setText(broken);
      assert.match(state.content().error ?? '', why);
      assert.equal(state.content().parent?.layers.length, 2);
    }
    state.setText(CONFIG);
    assert.equal(state.content().error, null);
    state.setText('', 'cannot be read');
    assert.equal(state.content().error, 'model/config.json: cannot be read');
  });

  it('goes from a layer to its lines, and from the cursor to the layer', () => {
    const state = stateOf(CONFIG);
    const [range] = state.rangesOf(1);
    assert.ok(range);
    assert.equal(CONFIG.slice(...range), '{ "attention": { "no_op": true }, "ffn": { "no_op": true } }');
    state.setCursor(range[0] + 5);
    assert.equal(state.content().cursorLayer, 1);
    state.setCursor(3);
    assert.equal(state.content().cursorLayer, null);
    state.setCursor(null);
    assert.equal(state.content().cursorLayer, null);
    assert.deepEqual(state.rangesOf(99), []);
  });

  it('is there for every real config', { skip: skipWithoutShared() }, () => {
    const configs = join(sharedDir() ?? '', 'configs');
    const folders = readdirSync(configs, { withFileTypes: true }).filter((entry) => entry.isDirectory());
    assert.ok(folders.length >= 10);
    for (const { name } of folders) {
      const text = readFileSync(join(configs, name, 'config.json'), 'utf8');
      assert.ok(isModelConfig(text), name);
      const state = stateOf(text);
      const { parent, error } = panelStateSchema.parse({ ...state.content(), revision: 1 });
      assert.equal(error, null, name);
      const count = parent?.layers.length ?? 0;
      assert.ok(count > 0, name);
      for (let layer = 0; layer < count; layer++) assert.ok(state.rangesOf(layer).length > 0, `${name} layer ${layer}`);
    }
  });
});

describe('the lenses', () => {
  it('are there for every state of a run, and let every run be opened', () => {
    for (const state of [...RUN_STATES, 'none'] as const) {
      assert.ok(SPEC_LENSES[state].includes('open'), state);
      assert.equal(SPEC_LENSES[state].filter((lens) => ['start', 'resume', 'pause'].includes(lens)).length, 1, state);
    }
  });

  it('stand on configs of models only', () => {
    assert.ok(isModelConfig(CONFIG));
    for (const text of ['', '{}', '{"model_type": "bpe"}', '{"compilerOptions": {}, "num_layers": 3}']) {
      assert.ok(!isModelConfig(text), text);
    }
  });
});

describe('limits that nothing meets', () => {
  const text = '{ "parent": "p", "data": { "text": "t" }, "limits": { "kv": "<= 1%", "memory": "<= 90%" } }';
  const found = (answer: () => Promise<unknown>, state: 'ready' | 'down' = 'ready') =>
    unmetLimits(text, '/run', { ask: answer as QuestionWorker['ask'], state: () => ({ state, message: null }) });
  const infeasible = { kind: 'infeasible', message: 'too tight', relaxation: { kvCache: '<= 5%' } };

  it('are marked where they would have to give way', async () => {
    const [mark, ...others] = await found(() => Promise.resolve(infeasible));
    assert.deepEqual(others, []);
    assert.equal(mark?.message, 'too tight');
    assert.equal(text.slice(mark.start, mark.end), '"<= 1%"');
    assert.equal((await found(() => Promise.resolve({ ...infeasible, relaxation: {} }))).length, 1);
  });

  it('are not known of without a worker that answers', async () => {
    assert.deepEqual(await found(() => Promise.reject(new Error('gone'))), []);
    assert.deepEqual(await found(() => Promise.resolve(infeasible), 'down'), []);
    assert.deepEqual(await found(() => Promise.resolve({ kind: 'solved' })), []);
  });
});

describe('the comparison of runs', () => {
  const model = (dir: string): ComparedModel => ({
    ...{ name: '', dir, parameters: 1, memoryBytes: 1, predictedThroughput: 1, measuredThroughput: 1, speedup: null },
    ...{ perplexity: 1, kl: 0, accuracy: null, accuracyStandardError: null, tasks: [] },
  });
  const run = (name: string, parent: string, folder = '/work') => {
    const runDir = `${folder}/.puzzle/${name}`;
    const measured = {
      ...{ runDir, report: `${runDir}/report.json`, architecture: [], baselines: [] },
      ...{ parent: model(parent), child: model(`${runDir}/child`) },
    };
    return { measured, solutions: [] };
  };
  const names = (...runs: ReturnType<typeof run>[]) => mergeRuns(runs)?.models.map(({ name }) => name);

  it('has a parent that several runs share once, before the children', () => {
    assert.deepEqual(names(run('a', '/p'), run('b', '/p')), ['parent', 'a', 'b']);
    assert.deepEqual(names(run('a', '/p'), run('b', '/q')), ['parent', 'a', 'parent of b', 'b']);
  });

  it('tells runs of the same name apart, and has nothing to say of none', () => {
    assert.deepEqual(names(run('a', '/p', '/x'), run('a', '/p', '/y')), ['parent', 'x/a', 'y/a']);
    const deep = names(run('a', '/p', '/1/x'), run('a', '/p', '/2/x'));
    assert.deepEqual(deep, ['parent', '/1/x/.puzzle/a', '/2/x/.puzzle/a']);
    assert.equal(mergeRuns([]), null);
  });
});
