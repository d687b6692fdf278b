// Variants of a layer trained apart and together: what the child of the MIP has lost before any uptraining.
import { parseConstraints } from '../../src/search/constraints.js';
import type { SearchContext } from '../../src/search/context.js';
import { coupleStage } from '../../src/search/couple-stage.js';
import type { TrainedBlocks } from '../../src/search/coupled.js';
import { estimate } from '../../src/search/interactions/statistics.js';
import { scoreUsedPairs } from '../../src/search/score-pairs.js';
import { type LayerScores, solveLibrary } from '../../src/search/solve.js';
import type { Lab } from './lab.js';
import { realise, withScores } from './library.js';
import type { Subject } from './subjects.js';
import { around, type Cell, type Table } from './table.js';

/** Shares of the parent's parameters: exact, so that no choice depends on a clock. */
const LIMITS = ['<= 85%', '<= 70%', '<= 55%', '<= 40%'];
const SEEDS = { short: [1], full: [1, 2, 3] };

const METHODS = ['apart, sum of scores', 'apart, pair scores', 'coupled'] as const;
type Method = (typeof METHODS)[number];

interface Point {
  subject: string;
  seed: number;
  limit: string;
  /** KL(parent || child) of each held-out sequence, nats/token. */
  kl: Record<Method, number[]>;
  /** Pairs with weights of their own that the coupled child is made of. */
  pairs: number;
}

/** The same limits and scores' text for each way, on validation text that no score is from. */
export async function coupled(lab: Lab): Promise<Table> {
  const points: Point[] = [];
  for (const subject of lab.subjects) {
    for (const seed of lab.full ? SEEDS.full : SEEDS.short) {
      const inputs = { subject: subject.spec, seed, limits: LIMITS, version: lab.version };
      points.push(...(await lab.store.once('coupled', inputs, () => measured(lab, subject, seed))));
    }
  }
  return tableOf(points);
}

async function measured(lab: Lab, subject: Subject, seed: number): Promise<Point[]> {
  return withScores(lab, subject, { seed }, async (blocks) => {
    const { context, data, variants, library, calibration, validation, scores, costs } = blocks;
    const { spec } = context;
    const points: Point[] = [];
    for (const limit of LIMITS) {
      lab.say(`coupled: ${subject.name}, seed ${seed}, parameters ${limit}`);
      const limits = { parameters: limit };
      const asked: SearchContext = {
        ...context,
        spec: {
          ...spec,
          limits,
          score: { ...spec.score, pairs: 'near-optimal' },
          distil: { ...spec.distil, coupled: true },
        },
      };
      const inputs = { variants, library, activations: validation, data, scores };
      const requirements = { constraints: parseConstraints(limits), margin: 0 };
      const ofPairs = await scoreUsedPairs(asked, inputs, costs, requirements);
      const together = await coupleStage(asked, { ...inputs, priced: [costs], calibration }, requirements);
      const ways: Record<Method, { scores: readonly LayerScores[]; coupled: TrainedBlocks['coupled'] }> = {
        'apart, sum of scores': { scores, coupled: [] },
        'apart, pair scores': { scores: ofPairs, coupled: [] },
        coupled: { scores: together.scores, coupled: together.coupled },
      };
      const kl: Partial<Point['kl']> = {};
      let pairs = 0;
      for (const method of METHODS) {
        const way = ways[method];
        const { architecture } = await solveLibrary({ scores: way.scores, costs }, requirements);
        const own = way.coupled ?? [];
        pairs = architecture.filter((choice, layer) =>
          own.some((pair) => pair.layer === layer && pair.attention === choice.attention && pair.ffn === choice.ffn),
        ).length;
        [kl[method] = []] = await realise({ ...blocks, context: asked, coupled: own }, [architecture]);
      }
      points.push({ subject: subject.name, seed, limit, kl: kl as Point['kl'], pairs });
    }
    return points;
  });
}

function tableOf(points: readonly Point[]): Table {
  const cell = (kl: readonly number[]): Cell => {
    if (kl.length === 0) return null;
    const { value, standardError } = estimate(kl);
    return around(value, standardError);
  };
  const mean = (kl: readonly number[]) => estimate(kl).value;
  const findings = METHODS.slice(0, 2).map((method) => {
    const ratios = points.map(({ kl }) => mean(kl.coupled) / mean(kl[method])).sort((a, b) => a - b);
    const beyond = points.filter(({ kl }) => {
      const { value, standardError } = estimate(kl.coupled.map((own, i) => own - (kl[method][i] ?? NaN)));
      return value > standardError;
    }).length;
    const median = ratios[Math.floor(ratios.length / 2)] ?? NaN;
    return `coupled against ${method}: KL times ${median.toFixed(3)} in the median of ${points.length} limits, from ${(ratios[0] ?? NaN).toFixed(3)} to ${(ratios.at(-1) ?? NaN).toFixed(3)}; worse beyond one paired standard error at ${beyond}`;
  });
  return {
    note: 'KL(parent ‖ child), nats/token, before any uptraining, on validation text that no score is from, ± one standard error over sequences. All three by the additive MIP within the same limit on parameters, with the same library of variants trained apart.',
    columns: ['model', 'seed', 'parameters', ...METHODS, 'coupled layers'],
    rows: points.map(({ subject, seed, limit, kl, pairs }) => [
      ...[subject, String(seed), limit],
      ...METHODS.map((method) => cell(kl[method])),
      pairs,
    ]),
    findings,
  };
}
