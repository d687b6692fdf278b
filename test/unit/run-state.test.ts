import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type NewEvent, type RunEvent, eventSchema } from '../../src/run/events.js';
import { type RunState, RunStateFold } from '../../src/run/state.js';

const START = Date.parse('2024-01-01T00:00:00Z');
const at = (second: number): Date => new Date(START + second * 1000);
const KEY = 'a'.repeat(32);

/** The state at second `now` after events at the seconds given. */
function stateAt(now: number, events: readonly (readonly [second: number, event: NewEvent])[]): RunState {
  const fold = new RunStateFold();
  const stamped = events.map(([second, event]): RunEvent => {
    return eventSchema.parse({ v: 1, t: at(second).toISOString(), ...event });
  });
  for (const event of stamped) fold.apply(event);
  return fold.snapshot(at(now));
}

const started: readonly [number, NewEvent] = [0, { type: 'run-started', header: { name: 'stories' } }];
const distil = (done: number, total = 10): NewEvent => ({ type: 'stage-progress', stage: 'distil', done, total });

describe('the state of a run', () => {
  it('is running from the start, with its header, and no guess without a plan', () => {
    const state = stateAt(5, [started]);
    assert.equal(state.state, 'running');
    assert.deepEqual(state.header, { name: 'stories' });
    assert.deepEqual([state.stage, state.progress, state.etaSeconds, state.seconds], [null, 0, null, 5]);
  });

  it('follows how the run ended, and why', () => {
    const ends: [NewEvent, string][] = [
      [{ type: 'run-finished' }, 'done'],
      [{ type: 'run-failed', error: 'diverged' }, 'failed'],
      [{ type: 'run-cancelled' }, 'cancelled'],
      [{ type: 'run-paused' }, 'paused'],
    ];
    for (const [end, condition] of ends) {
      const state = stateAt(50, [started, [10, end]]);
      assert.equal(state.state, condition);
      assert.equal(state.etaSeconds, null);
      assert.equal(state.seconds, 10);
      assert.equal(state.error, condition === 'failed' ? 'diverged' : null);
      assert.equal(stateAt(60, [started, [10, end], [55, { type: 'run-resumed', pid: 1 }]]).state, 'running');
    }
  });

  it('estimates a stage by its rate, counting the time since the last progress', () => {
    const events: [number, NewEvent][] = [
      [0, { type: 'stage-started', stage: 'distil', total: 10 }],
      [20, distil(4)],
    ];
    assert.equal(stateAt(20, events).stages.distil?.etaSeconds, 30);
    assert.equal(stateAt(25, events).stages.distil?.etaSeconds, 25);
    assert.equal(stateAt(99, events).stages.distil?.etaSeconds, 0);
  });

  it('keeps apart what is done when no stage is at work', () => {
    const events: [number, NewEvent][] = [
      [0, { type: 'stage-started', stage: 'distil', total: 10 }],
      [20, { type: 'stage-finished', stage: 'distil' }],
      [23, { type: 'task-started', key: KEY, stage: 'distil', kind: 'distil', label: 'baseline: distil' }],
      [60, { type: 'task-finished', key: KEY, artifact: null, seconds: 37 }],
    ];
    const times = (now: number, more: [number, NewEvent][] = []) => {
      const { seconds, apartSeconds } = stateAt(now, [started, ...events, ...more]);
      return [seconds, apartSeconds];
    };
    assert.deepEqual(times(60), [20, 40]);
    assert.deepEqual(times(70), [20, 50]);
    assert.deepEqual(times(90, [[80, { type: 'stage-started', stage: 'score', total: 1 }]]), [30, 60]);
    assert.deepEqual(times(90, [[80, { type: 'run-finished' }]]), [20, 60]);
  });

  it('does not take steps that an earlier process did for speed', () => {
    const state = stateAt(110, [
      [100, { type: 'stage-started', stage: 'distil', done: 8, total: 10 }],
      [110, distil(9)],
    ]);
    assert.equal(state.stages.distil?.etaSeconds, 10);
  });

  it('adds later stages by the plan, corrected by how earlier ones kept to theirs', () => {
    const state = stateAt(30, [
      started,
      [0, { type: 'plan', seconds: { distil: 10, score: 10, uptrain: 40 } }],
      [0, { type: 'stage-started', stage: 'distil', total: 10 }],
      [20, { type: 'stage-finished', stage: 'distil' }],
      [20, { type: 'stage-started', stage: 'score', total: 4 }],
      [30, { type: 'stage-progress', stage: 'score', done: 1, total: 4 }],
    ]);
    assert.equal(state.etaSeconds, 30 + 40 * 2);
    assert.equal(state.progress, (10 + 2.5) / 60);
    assert.equal(state.stage, 'score');
  });

  it('counts neither pauses nor the time nobody worked', () => {
    const state = stateAt(1100, [
      started,
      [0, { type: 'stage-started', stage: 'distil', total: 10 }],
      [10, { type: 'run-paused' }],
      [500, { type: 'run-resumed', pid: 1 }],
      [505, distil(5)],
      // The process was killed here.
      [1000, { type: 'run-resumed', pid: 2 }],
      [1000, { type: 'stage-started', stage: 'distil', done: 5, total: 10 }],
    ]);
    assert.equal(state.seconds, 115);
    assert.equal(state.stages.distil?.seconds, 115);
  });

  it('adds up the tokens of tasks per stage, counts tasks, and keeps warnings', () => {
    const state = stateAt(9, [
      started,
      [0, { type: 'stage-started', stage: 'distil', total: 2 }],
      [1, { type: 'task-started', key: KEY, stage: 'distil', kind: 'bld', label: 'layer 0' }],
      [2, { type: 'task-retried', key: KEY, attempt: 1, error: 'killed' }],
      [3, { type: 'task-finished', key: KEY, artifact: null, seconds: 2, tokens: 4096 }],
      [4, { type: 'task-failed', key: 'b'.repeat(32), error: 'no' }],
      [5, { type: 'log', level: 'info', message: 'ignored' }],
      [5, { type: 'log', level: 'warning', message: 'loss is not finite' }],
    ]);
    assert.equal(state.stages.distil?.tokens, 4096);
    assert.deepEqual(state.tasks, { finished: 1, failed: 1, retried: 1 });
    assert.deepEqual(state.warnings, ['loss is not finite']);
  });

  it('has its stages before it again when the spec changes, their time and tokens kept', () => {
    const events: (readonly [number, NewEvent])[] = [
      started,
      [0, { type: 'plan', seconds: { distil: 10, uptrain: 30 } }],
      [0, { type: 'stage-started', stage: 'distil', total: 10 }],
      [10, { type: 'stage-finished', stage: 'distil', tokens: 4096 }],
      [10, { type: 'stage-started', stage: 'uptrain', total: 10 }],
      [20, { type: 'run-cancelled' }],
      [50, { type: 'run-resumed', pid: 1 }],
      [50, { type: 'run-started', header: {} }],
    ];
    const state = stateAt(50, events);
    assert.deepEqual([state.stage, state.stages, state.progress], [null, {}, 0]);
    assert.deepEqual([state.waiting, state.etaSeconds], [{ distil: 10, uptrain: 30 }, 40]);
    const later = stateAt(75, [
      ...events,
      [50, { type: 'stage-started', stage: 'distil', total: 10 }],
      [70, { type: 'stage-finished', stage: 'distil' }],
      [70, { type: 'stage-started', stage: 'uptrain', total: 10 }],
    ]);
    assert.deepEqual([later.stages.distil?.tokens, later.stages.distil?.seconds], [4096, 30]);
    assert.equal(later.stages.uptrain?.seconds, 15);
  });
});
