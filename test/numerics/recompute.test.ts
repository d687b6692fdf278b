import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/common/random.js';
import { gradients } from '../../src/graph/gradient.js';
import { input } from '../../src/graph/primitives.js';
import { float32, int64, Session, type Tensors } from '../../src/graph/session.js';
import { type Parameters, Trainer } from '../../src/graph/trainer.js';
import { topological, type Value } from '../../src/graph/value.js';
import { modelTensors } from '../../src/model/tensors.js';
import { randomWeights as randomValues } from '../../src/target/random-weights.js';
import { uptrainObjective } from '../../src/search/uptrain-objective.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

/** Relative to the largest component. */
const TOLERANCE = 1e-5;
const [BATCH, SEQUENCE] = [4, 6];

const small = tinyConfig({ layers: Array.from({ length: 3 }, () => ({ ...layer() })) });

function layer() {
  return { attention: { kind: 'gqa' as const, kvHeads: 2 }, ffn: { kind: 'gated' as const, width: 16 } };
}

function parametersOf(): Parameters {
  const weights = randomWeights(small, 2);
  return Object.fromEntries(
    modelTensors(small).map(({ name, shape }) => [name, { shape, data: weights.get(name) ?? new Float32Array() }]),
  );
}

function objective(batch: number, recompute: boolean, headRows: number) {
  const config = small;
  return (values: Record<string, Value>) =>
    uptrainObjective(
      { config, weights: randomValues(config, 1) },
      { config, weights: (name) => values[name] as Value },
      input('ids', [batch * SEQUENCE], 'int64'),
      { loss: ['kl', 'cosine', 'lm'], batch, sequence: SEQUENCE, recompute, headRows },
    );
}

function assertClose(actual: ArrayLike<number>, expected: ArrayLike<number>, name: string): void {
  assert.equal(actual.length, expected.length);
  let [worst, scale] = [0, 1e-6];
  for (let i = 0; i < expected.length; i++) {
    worst = Math.max(worst, Math.abs((actual[i] ?? NaN) - (expected[i] ?? NaN)));
    scale = Math.max(scale, Math.abs(expected[i] ?? NaN));
  }
  assert.ok(worst <= TOLERANCE * scale, `${name} differs by ${worst} of ${scale}`);
}

describe('computing the forward pass again', () => {
  it('gives the same gradients as holding it', async () => {
    const values = Object.fromEntries(
      modelTensors(small).map(({ name, shape }) => [name, input(name, shape)] as const),
    );
    const feeds: Record<string, Tensors[string]> = {
      ids: int64(randomIds(small, BATCH * SEQUENCE), [BATCH * SEQUENCE]),
    };
    for (const [name, { shape, data }] of Object.entries(parametersOf())) feeds[name] = float32(data, shape);
    const results = [];
    const barriers = [];
    const rows = BATCH * SEQUENCE;
    for (const [recompute, headRows] of [
      [false, rows],
      [true, rows],
      [false, 7],
      [true, 7],
    ] as const) {
      const { loss, held } = objective(BATCH, recompute, headRows)(values);
      const found = gradients(loss, Object.values(values), held);
      barriers.push(topological(found).filter((value) => value.is('barrier')).length);
      const session = await Session.create(Object.fromEntries(found.map((value, i) => [String(i), value])));
      results.push(await session.run(feeds));
      await session.release();
    }
    assert.equal(barriers[0], 0);
    const [, layers = 0, heads = 0, both = 0] = barriers;
    assert.ok(layers >= small.layers.length && heads >= 3 && both > Math.max(layers, heads), barriers.join());
    const [held, ...again] = results;
    for (const [name, { data }] of Object.entries(held ?? {})) {
      for (const result of again) assertClose(result[name]?.data as Float32Array, data as Float32Array, name);
    }
  });
});

describe('a step in micro-batches', () => {
  const random = new Random(9);
  const batches = Array.from({ length: 3 }, () =>
    Array.from({ length: BATCH * SEQUENCE }, () => random.below(small.vocabSize)),
  );
  const cut = (ids: readonly number[], parts: number): Tensors[] =>
    Array.from({ length: parts }, (_, i) => {
      const part = ids.slice((i * ids.length) / parts, ((i + 1) * ids.length) / parts);
      return { ids: int64(part, [part.length]) };
    });

  async function train(parts: number, recompute: boolean) {
    const options = { microBatches: parts };
    const trainer = await Trainer.create(
      parametersOf(),
      objective(BATCH / parts, recompute, BATCH * SEQUENCE),
      options,
    );
    const told = [];
    for (const ids of batches) told.push(await trainer.stepOver(cut(ids, parts), 1e-2));
    const trained = Object.entries(trainer.parameters()).map(([name, { data }]) => [name, data.slice()] as const);
    await trainer.release();
    return { told, trained };
  }

  for (const [parts, recompute] of [
    [1, true],
    [2, false],
    [4, true],
  ] as const) {
    it(`${parts} of them${recompute ? ', computing layers twice,' : ''} train as one large batch does`, async () => {
      const [whole, cutUp] = [await train(1, false), await train(parts, recompute)];
      whole.told.forEach(({ loss, norm }, i) => {
        assertClose([cutUp.told[i]?.loss ?? NaN, cutUp.told[i]?.norm ?? NaN], [loss, norm], `step ${i + 1}`);
      });
      // AdamW divides by the gradient's own size, which makes much of rounding where a gradient is nearly zero.
      cutUp.trained.forEach(([name, data], i) => {
        const expected = whole.trained[i]?.[1] ?? new Float32Array();
        let difference = 0;
        for (let j = 0; j < data.length; j++) difference += Math.abs((data[j] ?? NaN) - (expected[j] ?? NaN));
        assert.ok(difference / data.length <= 1e-5, `${name} differs by ${difference / data.length} on average`);
      });
    });
  }
});
