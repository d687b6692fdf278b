import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/common/random.js';
import { constant, input } from '../../src/graph/primitives.js';
import { float32, int64, Session } from '../../src/graph/session.js';
import type { Value } from '../../src/graph/value.js';
import { tokenKl, topKKl } from '../../src/model/losses.js';
import { modelTensors } from '../../src/model/tensors.js';
import { uptrainObjective } from '../../src/search/uptrain-objective.js';
import { UPTRAIN_LOSSES, type UptrainLoss } from '../../src/search/spec-schema.js';
import { checkGradient } from '../support/finite-differences.js';
import { referenceForward, type Rows } from '../support/reference.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

const TOLERANCE = 1e-5;
const [ROWS, VOCABULARY] = [5, 12];

const normal = (seed: number, scale = 2) => {
  const random = new Random(seed);
  return Float32Array.from({ length: ROWS * VOCABULARY }, () => scale * random.normal());
};

const logSoftmax = (row: ArrayLike<number>): number[] => {
  const numbers = Array.from(row);
  const most = Math.max(...numbers);
  const total = Math.log(numbers.reduce((sum, x) => sum + Math.exp(x - most), 0)) + most;
  return numbers.map((x) => x - total);
};

/** KL(p || q) after all but the k likeliest of p were made one. */
function referenceTopKKl(parent: ArrayLike<number>, child: ArrayLike<number>, k: number): number {
  const [p, q] = [parent, child].map((row) => logSoftmax(row).map(Math.exp)) as [number[], number[]];
  const order = p.map((_, i) => i).sort((a, b) => (p[b] ?? 0) - (p[a] ?? 0));
  const grouped = (values: number[]) => [
    ...order.slice(0, k).map((i) => values[i] ?? 0),
    order.slice(k).reduce((sum, i) => sum + (values[i] ?? 0), 0),
  ];
  const others = grouped(q);
  return grouped(p).reduce((sum, x, i) => sum + (x === 0 ? 0 : x * Math.log(x / (others[i] ?? 0))), 0);
}

async function evaluate(value: Value, feeds: Record<string, Float32Array>): Promise<number[]> {
  const session = await Session.create({ value });
  const tensors = Object.fromEntries(
    Object.entries(feeds).map(([name, data]) => [name, float32(data, [ROWS, VOCABULARY])]),
  );
  const { value: result } = await session.run(tensors);
  await session.release();
  return Array.from(result?.data ?? [], Number);
}

describe('the KL over the likeliest tokens', () => {
  const shape = [ROWS, VOCABULARY];
  const [parent, child] = [input('parent', shape), input('child', shape)];
  const feeds = { parent: normal(1), child: normal(2) };
  const row = (data: Float32Array, i: number) => data.subarray(i * VOCABULARY, (i + 1) * VOCABULARY);

  for (const k of [1, 3, VOCABULARY - 1, VOCABULARY]) {
    it(`agrees with the reference for k = ${k}`, async () => {
      const actual = await evaluate(topKKl(parent, child, k), feeds);
      actual.forEach((value, i) => {
        const expected = referenceTopKKl(row(feeds.parent, i), row(feeds.child, i), k);
        assert.ok(Math.abs(value - expected) <= TOLERANCE, `row ${i}: ${value}, expected ${expected}`);
      });
    });
  }

  it('is the full KL for k = V, and never more than it', async () => {
    const full = await evaluate(tokenKl(parent, child), feeds);
    assert.deepEqual(await evaluate(topKKl(parent, child, VOCABULARY), feeds), full);
    let before = full.map(() => 0);
    for (const k of [1, 2, 4, 8, 11]) {
      const values = await evaluate(topKKl(parent, child, k), feeds);
      values.forEach((value, i) => {
        assert.ok(value <= (full[i] ?? 0) + TOLERANCE && value >= (before[i] ?? 0) - TOLERANCE, `row ${i}, k = ${k}`);
      });
      before = values;
    }
  });

  it('stays finite where nothing is left for the rest', async () => {
    const sure = normal(3).map((x, i) => (i % VOCABULARY === 0 ? 300 : x));
    const values = await evaluate(topKKl(parent, child, 1), { parent: sure, child: sure });
    values.forEach((value) => {
      assert.ok(Math.abs(value) <= TOLERANCE, String(value));
    });
  });

  it('has the gradient of finite differences', async () => {
    const fixed = constant(normal(4), shape);
    await checkGradient({ shapes: [shape], apply: ([x]) => topKKl(fixed, x as Value, 3) }, 7);
  });
});

describe('the loss of the uptraining', () => {
  const [batch, sequence] = [2, 6];
  const config = tinyConfig();
  const ids = randomIds(config, batch * sequence);
  const [parent, child] = [randomWeights(config, 1), randomWeights(config, 2)];
  const shapes = new Map(modelTensors(config).map(({ name, shape }) => [name, shape]));
  const model = (weights: ReadonlyMap<string, Float32Array>) => ({
    config,
    weights: (name: string) => constant(weights.get(name) ?? new Float32Array(), shapes.get(name) ?? []),
  });

  const mean = (values: readonly number[]) => values.reduce((a, b) => a + b, 0) / values.length;
  const states = (weights: ReadonlyMap<string, Float32Array>) =>
    Array.from({ length: batch }, (_, i) =>
      referenceForward(config, weights, ids.slice(i * sequence, (i + 1) * sequence)),
    );
  const cosine = (a: ArrayLike<number>, b: ArrayLike<number>) => {
    const dot = (x: ArrayLike<number>, y: ArrayLike<number>) =>
      Array.from(x).reduce((sum, value, i) => sum + value * (y[i] ?? 0), 0);
    return 1 - dot(a, b) / Math.sqrt(dot(a, a) * dot(b, b));
  };
  const [of, to] = [states(child), states(parent)];
  const pairs = (rows: (forward: (typeof of)[number]) => Rows) =>
    of.flatMap((forward, i) => {
      const target = to[i];
      assert.ok(target);
      return rows(forward).map((row, t) => [rows(target)[t] ?? new Float64Array(), row] as const);
    });
  const REFERENCE: Record<UptrainLoss, number> = {
    kl: mean(pairs(({ logits }) => logits).map(([p, q]) => referenceTopKKl(p, q, config.vocabSize))),
    cosine: mean(pairs(({ hidden }) => hidden.slice(1).flat()).map(([a, b]) => cosine(a, b))),
    lm: mean(
      of.flatMap(({ logits }, i) =>
        logits.slice(0, -1).map((row, t) => -(logSoftmax(row)[ids[i * sequence + t + 1] ?? 0] ?? 0)),
      ),
    ),
  };

  const combinations = Array.from({ length: 2 ** UPTRAIN_LOSSES.length - 1 }, (_, i) =>
    UPTRAIN_LOSSES.filter((_loss, bit) => ((i + 1) >> bit) % 2 === 1),
  );
  for (const loss of combinations) {
    it(`${loss.join(' + ')}: agrees with the reference`, async () => {
      const { loss: total, extras } = uptrainObjective(
        model(parent),
        model(child),
        input('ids', [batch * sequence], 'int64'),
        { loss, batch, sequence, recompute: false, headRows: batch * sequence },
      );
      const session = await Session.create({ total, ...extras });
      const results = await session.run({ ids: int64(ids, [ids.length]) });
      await session.release();
      const expected = loss.reduce((sum, name) => sum + REFERENCE[name], 0);
      assert.ok(Math.abs(Number(results['total']?.data[0]) - expected) <= TOLERANCE, `expected ${expected}`);
      assert.ok(Math.abs(Number(results['kl']?.data[0]) - REFERENCE.kl) <= TOLERANCE, 'the KL is reported in any case');
    });
  }
});
