import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { CALIBRATION } from '../../src/target/roofline.js';
import { type Prediction, predictions, readNemotron, SCENARIOS, speedupOf } from '../support/published-throughput.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const ofLogs = (of: readonly Prediction[]) =>
  Math.sqrt(of.reduce((sum, { predicted, published }) => sum + Math.log(predicted / published) ** 2, 0) / of.length);

describe('the H100 profile', { skip: skipWithoutShared() }, () => {
  it('is within 21% of every published throughput of Nemotron and its parent, and within 10% in the mean square', async () => {
    const all = predictions(await readNemotron(sharedDir() ?? ''));
    assert.equal(all.length, 14);
    for (const { scenario, side, predicted, published } of all) {
      assert.ok(Math.abs(Math.log(predicted / published)) < Math.log(1.21), `${scenario.name}, ${side}: ${predicted}`);
    }
    assert.ok(ofLogs(all) < 0.1, String(ofLogs(all)));
  });

  it('has the calibration of the least error: more or less of anything is worse', async () => {
    const models = await readNemotron(sharedDir() ?? '');
    const least = ofLogs(predictions(models));
    for (const key of ['compute', 'bandwidth', 'overheadSeconds'] as const) {
      for (const factor of [0.9, 1.1]) {
        const other = ofLogs(predictions(models, { ...CALIBRATION, [key]: factor * CALIBRATION[key] }));
        assert.ok(other > least, `${key} times ${factor}: ${other} against ${least}`);
      }
    }
  });

  it('puts the child ahead of its parent in every scenario, by what is published within 26%', async () => {
    const all = predictions(await readNemotron(sharedDir() ?? ''));
    for (const scenario of SCENARIOS) {
      const [predicted, published] = [speedupOf(all, scenario, 'predicted'), speedupOf(all, scenario, 'published')];
      assert.ok(predicted > 1.5 && Math.abs(predicted / published - 1) < 0.26, `${scenario.name}: ${predicted}`);
    }
  });
});
