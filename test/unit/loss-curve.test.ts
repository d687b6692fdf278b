import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { LossCurve, type LossPoints } from '../../src/search/loss-curve.js';

function curveOf(steps: number, lossAt: (step: number) => number): LossPoints[] {
  const told: LossPoints[] = [];
  const curve = new LossCurve(steps, (points) => told.push(points));
  for (let step = 1; step <= steps; step++) curve.add(step, lossAt(step));
  curve.flush();
  return told;
}

describe('a loss curve while it is made', () => {
  it('has every step of a short training, in one message where the steps are quick', () => {
    assert.deepEqual(
      curveOf(3, (step) => 1 / step),
      [{ steps: [1, 2, 3], values: [1, 0.5, 0.333333] }],
    );
  });

  it('is thinned evenly after its first step, the same way each time', () => {
    const [points] = curveOf(100_000, () => 1);
    assert.equal(points?.steps.length, 201);
    assert.deepEqual(points.steps.slice(0, 3), [1, 500, 1000]);
    assert.equal(points.steps.at(-1), 100_000);
  });

  it('shows where the loss ceased to be a number, between two points too', () => {
    const [points] = curveOf(1000, (step) => (step === 7 ? Number.NaN : 1));
    assert.deepEqual(points?.steps.slice(0, 4), [1, 5, 7, 10]);
    assert.deepEqual(points.values.slice(0, 4), [1, 1, null, 1]);
  });

  it('is told while it grows, not only at its end', async () => {
    const told: LossPoints[] = [];
    const curve = new LossCurve(10, (points) => told.push(points));
    curve.add(1, 3);
    await new Promise((resolve) => setTimeout(resolve, 250));
    curve.add(2, 2);
    assert.deepEqual(told, [{ steps: [1, 2], values: [3, 2] }]);
  });
});
