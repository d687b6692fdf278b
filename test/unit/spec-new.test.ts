import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { METRICS } from '../../src/search/constraints.js';
import { budgets } from '../../src/search/context.js';
import { newSpec } from '../../src/search/new-spec.js';
import { parseSpec, resolveSpec } from '../../src/search/spec.js';
import { specDiagnostics } from '../../src/search/spec-diagnostics.js';
import { limitEdits } from '../../src/search/spec-edit.js';
import { temporaryDirectory } from '../support/run-process.js';
import { tinyConfig } from '../support/tiny-model.js';
import { writeTinySearch } from '../support/tiny-search.js';

const limit = { metric: 'throughput', text: '>= 2x' } as const;

describe('a new spec', () => {
  it('says what was asked for, with paths from where it will be', () => {
    const wishes = {
      parent: '/models/my model',
      text: ['/models/text.txt'],
      tasks: ['/project/tasks', '/project'],
      limit,
    };
    const text = newSpec(wishes, '/project');
    const spec = parseSpec(text, 'new');
    assert.equal(spec.parent, '../models/my model');
    assert.equal(spec.data.text, '../models/text.txt');
    assert.deepEqual(spec.tasks, ['tasks', '.']);
    assert.deepEqual(spec.limits, { throughput: '>= 2x' });
    const resolved = resolveSpec(spec, '/project/my.puzzle.json');
    assert.deepEqual([resolved.parent, resolved.tasks], ['/models/my model', ['/project/tasks', '/project']]);
  });

  it('leaves everything else as it is by default', () => {
    const spec = parseSpec(newSpec({ parent: '/p', text: ['/a', '/b'], tasks: [], limit }, '/'), 'new');
    const bare = parseSpec(
      '{ "parent": "p", "data": { "text": ["a", "b"] }, "limits": { "throughput": ">= 2x" } }',
      '',
    );
    const config = tinyConfig();
    assert.deepEqual(budgets(spec, config), budgets(bare, config));
    assert.deepEqual({ ...spec, ...{ distil: bare.distil, uptrain: bare.uptrain } }, bare);
  });

  it('can be searched as it is, and edited', async (t) => {
    const dir = await temporaryDirectory(t);
    await writeTinySearch(dir);
    const wishes = {
      parent: join(dir, 'parent'),
      text: [join(dir, 'text.txt')],
      tasks: [join(dir, 'task.jsonl')],
      limit,
    };
    const text = newSpec(wishes, dir);
    assert.deepEqual(await specDiagnostics(text, join(dir, 'new.puzzle.json')), []);
    assert.equal(limitEdits(text, 'memory', '<= 60%').length, 1);
  });

  it('explains the limit that it has, whichever it is', () => {
    for (const metric of METRICS) {
      const text = newSpec({ parent: '/p', text: ['/t'], tasks: [], limit: { metric, text: '<= 60%' } }, '/');
      assert.deepEqual(parseSpec(text, 'new').limits, { [metric]: '<= 60%' });
      assert.match(text, new RegExp(`// On ${metric}, write <= or >=, a number above 0, and a unit `));
    }
  });
});
