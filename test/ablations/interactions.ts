// What whole architectures lose: the search that measures some of them, against the least sum of scores.
import { parseConstraints } from '../../src/search/constraints.js';
import { refineSolution } from '../../src/search/interactions/stage.js';
import { estimate, type Estimate } from '../../src/search/interactions/statistics.js';
import { solveLibrary } from '../../src/search/solve.js';
import { median } from '../../src/target/quartiles.js';
import type { Lab } from './lab.js';
import { realise, type ScoredBlocks, withScores } from './library.js';
import { LIMITS } from './limits.js';
import { around, type Cell, type Table } from './table.js';

/** What the median of the ratios should be at most. */
const AIM = 0.85;

interface Point {
  subject: string;
  limit: number;
  evaluations: number;
  /** KL of each sequence. */
  additive: number[];
  chosen: number[];
  /** Of predicted with realised KL over the measured architectures. */
  rankCorrelation: { predicted: number | null; sumOfScores: number | null };
}

export async function interactions(lab: Lab): Promise<Table> {
  const points: Point[] = [];
  for (const subject of lab.subjects) {
    await withScores(lab, subject, {}, async (blocks) => {
      for (const limit of LIMITS) {
        lab.say(`interactions: ${subject.name}, ${limit}x`);
        const inputs = { library: blocks.key, limit, version: lab.version };
        points.push(await lab.store.once('interactions', inputs, () => pointOf(blocks, subject.name, limit)));
      }
    });
  }
  return tableOf(points);
}

async function pointOf(blocks: ScoredBlocks, subject: string, limit: number): Promise<Point> {
  const { scores, costs, context } = blocks;
  const requirements = { constraints: parseConstraints({ throughput: `>= ${limit}x` }), margin: 0 };
  const additive = await solveLibrary({ scores, costs }, requirements);
  const { interactions: search } = await refineSolution(context, { ...blocks, requirements, additive });
  if (search === undefined) throw new Error('no architectures were measured');
  const [ofAdditive = [], ofChosen = []] = await realise(blocks, [
    search.additive.architecture,
    search.chosen.architecture,
  ]);
  const { evaluations, rankCorrelation } = search;
  return { ...{ subject, limit, evaluations, rankCorrelation }, additive: ofAdditive, chosen: ofChosen };
}

/** chosen / additive with its standard error by the delta method, paired by sequences. */
function ratioOf({ additive, chosen }: Pick<Point, 'additive' | 'chosen'>): Estimate {
  const below = estimate(additive).value;
  const value = estimate(chosen).value / below;
  const { standardError } = estimate(chosen.map((kl, i) => (kl - value * (additive[i] ?? 0)) / below));
  return { value, standardError };
}

function tableOf(points: readonly Point[]): Table {
  const ratios = points.map(ratioOf);
  const middle = median(ratios.map(({ value }) => value));
  const worse = ratios.filter(({ value, standardError }) => value > 1 + 2 * standardError).length;
  const least = Math.min(...points.map(({ evaluations }) => evaluations));
  const most = Math.max(...points.map(({ evaluations }) => evaluations));
  const correlation = (of: keyof Point['rankCorrelation']) =>
    median(points.map(({ rankCorrelation }) => rankCorrelation[of] ?? 0)).toFixed(2);
  const cell = (kl: readonly number[]): Cell => {
    const { value, standardError } = estimate(kl);
    return around(value, standardError);
  };
  return {
    note: 'KL(parent ‖ child) in nats/token before uptraining, within so many times fewer FLOPs than the parent’s, on text that neither scores nor the search have seen; in brackets one standard error to either side over sequences, of the ratio a paired one. Rank correlation: of predicted with realised KL over the architectures that the search measured, by the sum of scores, and by the search’s model with each architecture predicted from the others.',
    columns: ['model', 'limit', 'measured', 'least sum', 'searched', 'ratio', 'rank: sum', 'rank: searched'],
    rows: points.map((point, i): Cell[] => {
      const { subject, limit, evaluations, additive, chosen, rankCorrelation } = point;
      const { value = Number.NaN, standardError = 0 } = ratios[i] ?? {};
      return [
        ...[subject, `${limit}x`, evaluations],
        ...[cell(additive), cell(chosen), around(value, standardError)],
        ...[rankCorrelation.sumOfScores, rankCorrelation.predicted],
      ];
    }),
    findings: [
      `The median ratio is ${middle.toFixed(3)}, ${middle <= AIM ? '' : '**not** '}at most ${AIM}; ${worse} of ${points.length} are above 1 by more than two standard errors`,
      `Median rank correlation over ${least} to ${most} architectures: ${correlation('sumOfScores')} by the sum of scores, ${correlation('predicted')} by the search’s model`,
    ],
  };
}
