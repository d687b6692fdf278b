// The distil stage of the example against its own matrix products.
import { enumerateVariants, type Variant } from '../../src/model/variants.js';
import { budgets, openModel } from '../../src/search/context.js';
import { type DistilPayload, distilTask } from '../../src/search/distil.js';
import { Windows } from '../../src/search/distil-windows.js';
import { readSpec } from '../../src/search/spec.js';
import { BareProducts, flopsOf, type Product, variantProducts } from './distil-products.js';
import { distilPayloads } from './distil-work.js';
import { EXAMPLE_PARENT, EXAMPLE_SPEC } from './example-files.js';
import { relativeRate } from './pairs.js';
import type { Benchmark, Measurement } from './row.js';

/** Before training, and after it. */
const HELD_OUT_LOSSES = 2;

/** Does a task as a task process does; how many tokens it was trained on. */
async function doTask(payload: DistilPayload): Promise<number> {
  const { tokens = 0 } = await distilTask(payload, {
    signal: new AbortController().signal,
    progress: () => undefined,
  });
  return tokens;
}

/** Steps as they were done, and the held-out losses. */
async function productsOf(variant: Variant, payload: DistilPayload): Promise<Product[]> {
  const { config } = await openModel(EXAMPLE_PARENT);
  const { batch, sequenceLength: sequence } = payload;
  await using windows = await Windows.open(payload, config.hiddenSize);
  const trained = payload.output !== undefined;
  const steps = trained ? (await doTask(payload)) / (batch * sequence) : 0;
  const passes = [
    { backward: true, times: steps },
    { backward: false, times: windows.heldOutBatches * (trained ? HELD_OUT_LOSSES : 1) },
  ];
  return passes.flatMap((pass) => variantProducts(config, variant, { batch, sequence }, pass));
}

async function distilAgainstMatmuls(scratch: string): Promise<Measurement> {
  const spec = await readSpec(EXAMPLE_SPEC);
  const { config } = await openModel(EXAMPLE_PARENT);
  const [first] = enumerateVariants(config, spec.space);
  const variants = first === undefined ? [] : [...first.attention.slice(1), ...first.ffn.slice(1)];
  const { calibrationTokens, sequenceLength, distilBatch, distilTokens } = budgets(spec, config);
  const payloads = await distilPayloads(scratch, 'stage', variants, {
    sequences: Math.ceil(calibrationTokens / sequenceLength),
    ...{ sequenceLength, batch: distilBatch, tokens: distilTokens },
    ...{ learningRate: spec.distil.learningRate, seed: spec.seed },
  });
  const products = (
    await Promise.all(variants.map((variant, i) => productsOf(variant, payloads[i] as DistilPayload)))
  ).flat();
  const bare = await BareProducts.create(products);
  const amount = flopsOf(products);
  try {
    return await relativeRate(
      { amount, run: () => bare.run() },
      {
        amount,
        run: async () => {
          for (const payload of payloads) await doTask(payload);
        },
      },
    );
  } finally {
    await bare.release();
  }
}

export function distilBenchmarks(scratch: string): Benchmark[] {
  return [
    {
      name: 'distil-vs-own-matmuls',
      unit: 'ratio',
      what:
        'FLOP/s of all distil tasks of a layer of the example (layers are alike), as its spec asks for them, from reading activations to writing the variant, over those of the same products as bare MatMuls of their own shapes; one thread. ' +
        'FLOPs = steps * (sum over trained weights [o,i] of 3 * 2Toi + 6 * 2BhS²e for attention + 2 * 2T * 3df for the ' +
        "parent's FFN behind it) + held-out batches * a forward pass each, before and after; the optimiser is timed, not counted; the full S² counted",
      measure: () => distilAgainstMatmuls(scratch),
    },
  ];
}
