import assert from 'node:assert/strict';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { ImportedState } from '../../src/extension/imported/imported-state.js';
import { HELLO, hello } from '../../src/protocol/questions.js';
import { puzzletronFiles, writePuzzletron } from '../support/puzzletron-directory.js';
import { type Questions, startQuestions } from '../support/questions.js';

describe('the state of the panel of an imported directory', () => {
  let dir = '';
  let worker: Questions;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'puzzle-test-'));
    const files = puzzletronFiles(3);
    const [table] = files.stats;
    assert.ok(table !== undefined);
    // A second table, of another batch.
    files.stats.push({ ...table, args: { ...(table['args'] as object), batch_size: 1 } });
    await writePuzzletron(dir, files);
    worker = startQuestions();
    await worker.endpoint.ask(hello, HELLO);
  });
  after(async () => {
    await worker.end();
    await rm(dir, { recursive: true, force: true });
  });

  const memory = { asked: undefined as unknown };
  const stateOf = (of = dir) =>
    new ImportedState(
      { uri: `file://${of}`, dir: of, name: 'work' },
      {
        worker: {
          ask: (question, params, token) => worker.endpoint.ask(question, params, token),
          state: () => ({ state: 'ready', message: null }),
        },
        memory: {
          get: () => memory.asked,
          set: (asked) => {
            // As the editor keeps it.
            memory.asked = JSON.parse(JSON.stringify(asked));
          },
        },
      },
      () => undefined,
    );
  const settled = async (state: ImportedState) => {
    for (const end = Date.now() + 20_000; ;) {
      const content = state.content();
      if (content.error !== null || (content.answer !== null && !content.solving && content.ranges.length > 0)) {
        return content;
      }
      assert.ok(Date.now() < end, 'it has an answer within 20 s');
      await sleep(10);
    }
  };

  it('has a map, an optimum and ranges, and no run', async () => {
    const state = stateOf();
    const { kind, run, imported, answer, parent, ranges, comparison, preflight } = await settled(state);
    assert.deepEqual([kind, run, comparison, preflight], ['imported', null, null, null]);
    assert.deepEqual(imported?.tables, ['batch_size=96', 'batch_size=1']);
    assert.deepEqual([imported.metric, imported.table, parent?.layers.length], ['kl_div', 0, 3]);
    // Without limits the teacher itself is the best.
    assert.ok(answer?.kind === 'solved' && answer.solution.objective === 0);
    assert.ok(ranges.some(({ metric }) => metric === 'memory_mib'));
    state.dispose();
  });

  it('tries limits out, keeps those that are set, with rules and choices, and has them again when it is opened anew', async () => {
    const state = stateOf();
    await settled(state);
    state.tryLimit('memory_mib', '<= 30%');
    const tried = await settled(state);
    assert.deepEqual(tried.spec?.limits, [{ metric: 'memory_mib', text: '<= 30%', problem: null }]);
    assert.ok(tried.answer?.kind === 'solved' && tried.answer.solution.objective > 0);
    state.endTrials();
    assert.deepEqual((await settled(state)).spec?.limits, []);
    state.setLimit('memory_mib', '<= 60%');
    state.setRule({ layer: 0, half: 'ffn', pin: 'ffn8704' });
    state.setRule({ layer: 1, half: 'ffn', ban: ['no-op'] });
    state.setRule({ layer: 1, half: 'ffn' });
    state.tryLimit('num_kv_heads', '<= 1%');
    state.setLimits({ memory_mib: '<= 60%', num_kv_heads: '<= 100%' });
    state.take({ metric: 'lm_loss', table: 1 });
    const before = await settled(state);
    state.dispose();
    const again = stateOf();
    const content = await settled(again);
    assert.deepEqual(content.spec, before.spec);
    assert.deepEqual(
      content.spec?.limits.map(({ metric, text }) => `${metric} ${text}`),
      ['memory_mib <= 60%', 'num_kv_heads <= 100%'],
    );
    assert.deepEqual(content.spec.rules, [{ layer: 0, half: 'ffn', pin: 'ffn8704' }]);
    assert.deepEqual([content.imported?.metric, content.imported?.table], ['lm_loss', 1]);
    assert.ok(content.answer?.kind === 'solved');
    assert.equal(content.answer.solution.map.layers[0]?.ffn.name, 'ffn8704');
    assert.equal(content.answer.solution.batch, 1);
    again.setLimit('memory_mib', null);
    again.setLimit('num_kv_heads', null);
    again.setRules([]);
    assert.deepEqual((await settled(again)).spec?.rules, []);
    assert.deepEqual((await settled(again)).spec?.limits, []);
    again.dispose();
  });

  it('says what is wrong with a folder that is none', async () => {
    const state = stateOf(tmpdir());
    const { error, answer, spec } = await settled(state);
    assert.match(error ?? '', /has no replacement_library\.json/);
    assert.deepEqual([answer, spec], [null, null]);
    state.dispose();
  });
});
