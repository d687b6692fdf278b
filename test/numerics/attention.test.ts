import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/common/random.js';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { gradients } from '../../src/graph/gradient.js';
import { constant, input, mul, reshape, sum } from '../../src/graph/primitives.js';
import { float32, int64, Session, type Tensors } from '../../src/graph/session.js';
import { causalAttention } from '../../src/model/blocks.js';
import { forward } from '../../src/model/forward.js';
import { modelTensors } from '../../src/model/tensors.js';
import { referenceForward } from '../support/reference.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

/** One token, just within and just past a block of queries, some blocks and a part, blocks longer than the least. */
const LENGTHS = [1, 64, 65, 150, 600];

function oneLayer(): ModelConfig {
  return tinyConfig({ layers: [{ attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'no-op' } }] });
}

async function largestDifference(config: ModelConfig, sequence: number): Promise<number> {
  const tensors = randomWeights(config);
  const shapes = new Map(modelTensors(config).map(({ name, shape }) => [name, shape]));
  const weights = (name: string) => constant(tensors.get(name) ?? new Float32Array(), shapes.get(name) ?? []);
  const ids = randomIds(config, sequence);
  const { logits } = forward({ config, batch: 1, sequence }, weights, input('ids', [sequence], 'int64'));
  const session = await Session.create({ logits });
  const results = await session.run({ ids: int64(ids, [sequence]) });
  await session.release();
  const expected = referenceForward(config, tensors, ids).logits.flatMap((row) => [...row]);
  assert.equal(results['logits']?.data.length, expected.length);
  return Math.max(...expected.map((value, i) => Math.abs(value - Number(results['logits']?.data[i]))));
}

/** Along a random direction of all queries, keys and values: the derivative by the gradient and by central differences. */
async function directionalDerivatives(sequence: number): Promise<{ analytic: number; numeric: number }> {
  const config = tinyConfig({ heads: 4, headDim: 4 });
  const kvHeads = 2;
  const random = Random.of(7, 'direction');
  const draw = (length: number) => Float32Array.from({ length }, () => random.normal());
  const widths = { q: config.heads * config.headDim, k: kvHeads * config.headDim, v: kvHeads * config.headDim };
  const operands = Object.entries(widths).map(([name, width]) => {
    const shape = [sequence, width];
    return { name, shape, value: input(name, shape), at: draw(sequence * width), direction: draw(sequence * width) };
  });
  const [q, k, v] = operands.map(({ value }) => value);
  assert(q && k && v);
  const output = causalAttention({ config, batch: 1, sequence })(q, k, v, kvHeads);
  const loss = reshape(sum(mul(output, constant(draw(output.size), output.shape))), []);
  const slopes = gradients(loss, [q, k, v]);
  const session = await Session.create({
    loss,
    ...Object.fromEntries(slopes.map((slope, i) => [`slope ${i}`, slope])),
  });
  const runAt = (offset: number) => {
    const feeds: Tensors = Object.fromEntries(
      operands.map(({ name, shape, at, direction }) => [
        name,
        float32(
          at.map((x, i) => x + offset * (direction[i] ?? 0)),
          shape,
        ),
      ]),
    );
    return session.run(feeds);
  };
  const here = await runAt(0);
  const analytic = operands.reduce(
    (total, { direction }, i) =>
      direction.reduce((part, d, j) => part + d * Number(here[`slope ${i}`]?.data[j]), total),
    0,
  );
  const lossAt = async (offset: number) => Number((await runAt(offset))['loss']?.data[0]);
  const step = 1e-2;
  const near = (await lossAt(step)) - (await lossAt(-step));
  const far = (await lossAt(2 * step)) - (await lossAt(-2 * step));
  await session.release();
  return { analytic, numeric: (8 * near - far) / (12 * step) };
}

describe('causal attention, whatever the length of the sequence', () => {
  for (const sequence of LENGTHS) {
    it(`agrees with the reference within 1e-4 over ${sequence} tokens`, async () => {
      const difference = await largestDifference(oneLayer(), sequence);
      assert.ok(difference <= 1e-4, `differs by up to ${difference}`);
    });
    it(`has the gradient of central differences over ${sequence} tokens`, async () => {
      const { analytic, numeric } = await directionalDerivatives(sequence);
      assert.ok(Math.abs(analytic - numeric) <= 1e-3 * Math.abs(numeric), `analytic ${analytic}, numeric ${numeric}`);
    });
  }
});
