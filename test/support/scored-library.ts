import fc from 'fast-check';
import { type Metrics, metricsOf } from '../../src/search/constraints.js';
import type { ScoredLibrary } from '../../src/search/solve.js';
import { type PartCosts, sumPartCosts } from '../../src/target/costs.js';

export const workload = { batch: 4, prefill: 20, generated: 5 };

export const part = (size: number, seconds: number, kvCache = 0): PartCosts => ({
  parameters: size,
  memory: 4 * size + kvCache,
  ...{ kvCache, seconds, prefillSeconds: 0.4 * seconds, stepSeconds: 0.12 * seconds },
});

/** Two layers: removing attention saves KV cache and time, halving the FFN saves parameters and time. */
export const library: ScoredLibrary = {
  scores: [
    { attention: { kv4: 0, kv1: 0.1, 'no-op': 0.5 }, ffn: { 'ffn-50%': 0.2 } },
    { attention: { kv1: 0.02, 'no-op': 0.05 }, ffn: { 'ffn-50%': null } },
  ],
  costs: {
    workload,
    nonBlock: part(100, 0.5),
    layers: [0, 1].map(() => ({
      attention: [
        { name: 'kv4', ...part(40, 1, 800) },
        { name: 'kv1', ...part(25, 0.6, 200) },
        { name: 'no-op', ...part(0, 0) },
      ],
      ffn: [
        { name: 'ffn-100%', ...part(60, 1) },
        { name: 'ffn-50%', ...part(30, 0.5) },
      ],
    })),
  },
};

const size = fc.integer({ min: 0, max: 40 });
const half = (prefix: string) =>
  fc
    .array(fc.record({ score: fc.integer({ min: 0, max: 9 }), size, seconds: size }), { minLength: 1, maxLength: 3 })
    .map((variants) => ({
      scores: Object.fromEntries(variants.map(({ score }, i) => [`${prefix}${i}`, score])),
      costs: variants.map(({ size, seconds }, i) => ({ name: `${prefix}${i}`, ...part(size, seconds, size) })),
    }));

/** One to three layers, in each half one to three variants, called `a0`, `a1`, …, `f0`, … */
export const anyLibrary: fc.Arbitrary<ScoredLibrary> = fc
  .array(fc.record({ attention: half('a'), ffn: half('f') }), { minLength: 1, maxLength: 3 })
  .map((layers) => ({
    scores: layers.map(({ attention, ffn }) => ({ attention: attention.scores, ffn: ffn.scores })),
    costs: {
      ...{ workload, nonBlock: part(1, 1) },
      layers: layers.map(({ attention, ffn }) => ({ attention: attention.costs, ffn: ffn.costs })),
    },
  }));

/** The names of an architecture's variants, a layer each, and what it comes to. */
interface Architecture {
  layers: { attention: string; ffn: string }[];
  score: number;
  metrics: Metrics;
}

/** Every architecture of a library in which nothing has failed. */
export function allArchitectures({ scores, costs }: ScoredLibrary): Architecture[] {
  let all = [{ layers: [] as Architecture['layers'], score: 0, parts: [costs.nonBlock] }];
  for (const [i, { attention, ffn }] of costs.layers.entries()) {
    all = all.flatMap(({ layers, score, parts }) =>
      attention.flatMap((a) =>
        ffn.map((f) => ({
          layers: [...layers, { attention: a.name, ffn: f.name }],
          score: score + (scores[i]?.attention[a.name] ?? 0) + (scores[i]?.ffn[f.name] ?? 0),
          parts: [...parts, a, f],
        })),
      ),
    );
  }
  return all.map(({ layers, score, parts }) => ({
    layers,
    score,
    metrics: metricsOf(sumPartCosts(parts), costs.workload),
  }));
}

/** The metrics of the parent of a library. */
export function parentMetrics({ costs }: ScoredLibrary): Metrics {
  const parents = costs.layers.flatMap(({ attention, ffn }) => [...attention.slice(0, 1), ...ffn.slice(0, 1)]);
  return metricsOf(sumPartCosts([costs.nonBlock, ...parents]), costs.workload);
}
