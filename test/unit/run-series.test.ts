import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { EVENT_VERSION, type EventOf } from '../../src/run/events.js';
import { SeriesFold } from '../../src/run/series.js';

const [ONE, OTHER] = ['a'.repeat(32), 'b'.repeat(32)];

type Loss = Partial<Omit<EventOf<'loss'>, 'v' | 't' | 'type'>>;

function curves(...losses: Loss[]): SeriesFold {
  const fold = new SeriesFold();
  for (const loss of losses) {
    const stamp = { v: EVENT_VERSION, t: '2024-01-01T00:00:00Z', type: 'loss' } as const;
    const defaults = { key: ONE, stage: 'distil', series: '3/ffn/ffn-50%', steps: [], values: [] } as const;
    fold.apply({ ...stamp, ...defaults, steps: [], values: [], ...loss });
  }
  return fold;
}

describe('the loss curves of a run', () => {
  it('grow with every batch of points, one curve a variant', () => {
    const all = curves({ steps: [1, 2], values: [0.5, null] }, { steps: [3], values: [0.25] }).all();
    assert.deepEqual(all, [
      {
        ...{ id: 'distil/3/ffn/ffn-50%', stage: 'distil', layer: 3, half: 'ffn', name: 'ffn-50%' },
        ...{ steps: [1, 2, 3], values: [0.5, null, 0.25] },
      },
    ]);
  });

  it('take as many points as a line of the log can hold', () => {
    const steps = Array.from({ length: 250_000 }, (_, step) => step);
    const [curve] = curves({ steps, values: [0.5] }).all();
    assert.deepEqual([curve?.steps.length, curve?.values.length], [250_000, 250_000]);
  });

  it('are of the whole model where they name no variant', () => {
    const [curve] = curves({ stage: 'uptrain', series: 'validation KL', steps: [0], values: [1] }).all();
    assert.deepEqual([curve?.id, curve?.layer, curve?.half], ['uptrain/validation KL', null, null]);
    assert.equal(curve?.name, 'validation KL');
  });

  it('keep what lies before the step from which a task went on, and begin anew with the task', () => {
    const told: Loss[] = [
      { steps: [10, 20], values: [4, 3] },
      { steps: [30, 40], values: [2, 1] },
    ];
    const resumed = curves(...told, { steps: [30], values: [2.5] }).all();
    assert.deepEqual(resumed[0]?.steps, [10, 20, 30]);
    assert.deepEqual(resumed[0].values, [4, 3, 2.5]);
    assert.deepEqual(curves(...told, { steps: [10], values: [9] }).all()[0]?.values, [9]);
  });

  it('begin anew for another task, as after a change of the spec, whatever its steps', () => {
    const [curve] = curves({ steps: [1, 2], values: [2, 1] }, { key: OTHER, steps: [5], values: [7] }).all();
    assert.deepEqual(curve?.steps, [5]);
  });
});
