import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { parseSpec, resolveSpec, type Spec } from '../../src/search/spec.js';
import { specChanges } from '../../src/search/spec-changes.js';

function spec(fields: Record<string, unknown> = {}): Spec {
  const text = JSON.stringify({ parent: 'parent', data: { text: 'text.txt' }, ...fields });
  return resolveSpec(parseSpec(text, 'test'), '/project/my.puzzle.json');
}

/** As a log gives it back. */
const logged = (of: Spec): unknown => JSON.parse(JSON.stringify(of));

describe('what changed in a spec since its run', () => {
  it('is nothing where only the writing differs: order, defaults said aloud, what no result depends on', () => {
    const before = spec({ limits: { memory: '<= 60%', throughput: '>= 2x' } });
    const now = spec({ limits: { throughput: '>= 2x', memory: '<= 60%' }, seed: 1, processes: 2, $schema: 'x' });
    assert.deepEqual(specChanges(logged(before), now), []);
  });

  it('is told with what it asks for, limits apart from budgets', () => {
    const cases: [Record<string, unknown>, string[]][] = [
      [{ limits: { memory: '<= 60%' } }, ['the limits changed: solve again']],
      [{ rules: [{ layer: 0, half: 'ffn', ban: ['no-op'] }] }, ['the pins and bans changed: solve again']],
      [{ distil: { tokens: 1024 } }, ['the budget of the distillation changed: train the variants again']],
      [
        { margin: 0.1, uptrain: { tokens: 0 } },
        ['the margin changed: solve again', 'the budget of the uptraining changed: uptrain again'],
      ],
    ];
    for (const [fields, changes] of cases) assert.deepEqual(specChanges(logged(spec()), spec(fields)), changes);
  });

  it('says so where the header holds no spec that can be read', () => {
    for (const header of [undefined, { parent: 3 }]) {
      assert.match(specChanges(header, spec()).join(), /another version of this program/);
    }
  });
});
