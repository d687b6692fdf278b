// What to score by: the distance from the parent's predictions, or the language-model loss on the text.
import { compareOnText } from '../../src/search/evaluate/text.js';
import { estimate, type Estimate } from '../../src/search/interactions/statistics.js';
import { architectureOf, type LayerScores } from '../../src/search/solve.js';
import { solve } from '../../src/solver/solve.js';
import { assembled, judge, type Judgement } from './children.js';
import type { Lab } from './lab.js';
import { programOf, realise, type ScoredBlocks, withScores } from './library.js';
import { LIMITS } from './limits.js';
import { around, type Cell, type Table } from './table.js';

const SCORES = ['KL', 'LM loss'] as const;
type ScoreName = (typeof SCORES)[number];

interface Row extends Judgement {
  /** KL of each sequence of held-out validation text. */
  kls: number[];
}

interface Point {
  subject: string;
  limit: number;
  rows: Record<ScoreName, Row>;
}

export async function scoreKinds(lab: Lab): Promise<Table> {
  const points: Point[] = [];
  for (const subject of lab.subjects) {
    await withScores(lab, subject, {}, async (blocks) => {
      const scores: Record<ScoreName, readonly LayerScores[]> = {
        KL: blocks.scores,
        'LM loss': await lmScores(blocks),
      };
      for (const limit of LIMITS) {
        lab.say(`scores: ${subject.name}, ${limit}x`);
        const inputs = { library: blocks.key, limit, tasks: lab.full, version: lab.version };
        const row = (by: readonly LayerScores[]) => rowOf(blocks, limit, by, lab.full);
        const compute = async (): Promise<Point> => ({
          ...{ subject: subject.name, limit },
          rows: { KL: await row(scores.KL), 'LM loss': await row(scores['LM loss']) },
        });
        points.push(await lab.store.once('scores', inputs, compute));
      }
    });
  }
  return tableOf(points);
}

/** By how much the language-model loss rises with each variant: on the same text as the KL scores, below 0 where it falls. */
async function lmScores({ context, data, validation, ...blocks }: ScoredBlocks): Promise<LayerScores[]> {
  const { parent, threads } = context;
  const own = await compareOnText(parent, parent, data.splits.validation, validation.tokens, { threads });
  const parentLoss = Math.log(own.parentPerplexity);
  return blocks.scores.map((ofLayer, layer): LayerScores => {
    const of = (half: 'attention' | 'ffn') => {
      const names = Object.keys(ofLayer[half]);
      const rises = names.map((name) => {
        const i = blocks.library.findIndex(
          (entry) => entry.layer === layer && entry.half === half && entry.variant.name === name,
        );
        const lmLoss = blocks.details[i]?.lmLoss;
        return [name, lmLoss === undefined ? (ofLayer[half][name] ?? null) : lmLoss - parentLoss] as const;
      });
      return Object.fromEntries(rises);
    };
    return { attention: of('attention'), ffn: of('ffn') };
  });
}

async function rowOf(
  blocks: ScoredBlocks,
  limit: number,
  scores: readonly LayerScores[],
  withTasks: boolean,
): Promise<Row> {
  const program = programOf(blocks, limit, scores);
  const answer = await solve(program.problem);
  if (answer.status !== 'optimal') throw new Error(`the program at ${limit}x is ${answer.status}`);
  const architecture = architectureOf(program, answer.choices);
  const [kls = []] = await realise(blocks, [architecture]);
  return { kls, ...(await judge(blocks, await assembled(blocks, architecture), withTasks)) };
}

function tableOf(points: readonly Point[]): Table {
  const difference = ({ rows }: Point): Estimate => {
    const other = rows['LM loss'].kls;
    return estimate(rows.KL.kls.map((kl, i) => kl - (other[i] ?? 0)));
  };
  const verdicts = points.map((point) => {
    const { value, standardError } = difference(point);
    return value <= standardError;
  });
  const atLeast = (of: (row: Row) => number) => points.filter(({ rows }) => of(rows.KL) >= of(rows['LM loss'])).length;
  return {
    note: 'Least sums of scores within so many times fewer FLOPs, before uptraining: of KL to the parent, and of the rise of the language-model loss, each with one variant in the whole parent, on the same text. KL on text that nothing was selected on, with one standard error to either side; LM loss in nats/token on test text; accuracy, which only the full comparison has, as a share of the parent’s ± one paired standard error.',
    columns: ['model', 'limit', 'scores', 'KL, nats/token', 'LM loss (parent)', 'accuracy kept'],
    rows: points.flatMap(({ subject, limit, rows }) =>
      SCORES.map((name): Cell[] => {
        const { kls, lmLoss, parentLmLoss, kept } = rows[name];
        const { value, standardError } = estimate(kls);
        return [
          ...[subject, `${limit}x`, name],
          around(value, standardError),
          `${lmLoss.toFixed(3)} (${parentLmLoss.toFixed(3)})`,
          kept === null ? null : `${(100 * kept.value).toFixed(1)}% ± ${(100 * kept.standardError).toFixed(1)}`,
        ];
      }),
    ),
    findings: [
      `KL scoring is at least as good as LM-loss scoring in KL, up to a paired standard error, at ${verdicts.filter(Boolean).length} of ${points.length} limits`,
      `It is at least as good in LM loss on test text at ${atLeast(({ lmLoss }) => -lmLoss)} of ${points.length}`,
    ],
  };
}
