// What the exact program is worth: architectures within the same limits, found in other ways from the same library.
import { estimate } from '../../src/search/interactions/statistics.js';
import { greedy, mostParameters, randomFeasible } from '../../src/search/reference-architectures.js';
import { type AdditiveProgram, architectureOf, type LayerChoice, type LayerScores } from '../../src/search/solve.js';
import { solve } from '../../src/solver/solve.js';
import type { Lab } from './lab.js';
import { programOf, realise, type ScoredBlocks, withScores } from './library.js';
import { LIMITS } from './limits.js';
import { around, type Cell, type Table } from './table.js';

const RANDOM_SEEDS = { short: 5, full: 20 };

const METHODS = ['MIP', 'greedy', 'random', 'most parameters', 'no-op only'] as const;
type Method = (typeof METHODS)[number];

interface Point {
  subject: string;
  limit: number;
  /** KL of each sequence, of each architecture that a method found: random finds several, others one or none. */
  kls: Record<Method, number[][]>;
}

export async function searchMethods(lab: Lab): Promise<Table> {
  const seeds = lab.full ? RANDOM_SEEDS.full : RANDOM_SEEDS.short;
  const points: Point[] = [];
  for (const subject of lab.subjects) {
    await withScores(lab, subject, {}, async (blocks) => {
      for (const limit of LIMITS) {
        lab.say(`search methods: ${subject.name}, ${limit}x`);
        const inputs = { library: blocks.key, limit, seeds, version: lab.version };
        const compute = () => pointOf(blocks, subject.name, limit, seeds);
        points.push(await lab.store.once('search-methods', inputs, compute));
      }
    });
  }
  return tableOf(points, seeds);
}

async function pointOf(blocks: ScoredBlocks, subject: string, limit: number, seeds: number): Promise<Point> {
  const program = programOf(blocks, limit);
  const { problem } = program;
  const named = (choices: readonly number[] | undefined) =>
    choices === undefined ? [] : [architectureOf(program, choices)];
  const random = Array.from({ length: seeds }, (_, i) => randomFeasible(problem, i + 1));
  const found: Record<Method, LayerChoice[][]> = {
    MIP: await optimum(program),
    greedy: named(greedy(problem)),
    random: (await Promise.all(random)).flatMap(named),
    'most parameters': named(await mostParameters(problem)),
    'no-op only': await optimum(programOf(blocks, limit, noOpScores(blocks))),
  };
  const all = METHODS.flatMap((method) => found[method]);
  const kls = await realise(blocks, all);
  const of = new Map(all.map((architecture, i) => [architecture, kls[i] ?? []]));
  const ofMethod = (method: Method) => found[method].map((architecture) => of.get(architecture) ?? []);
  return {
    ...{ subject, limit },
    kls: Object.fromEntries(METHODS.map((method) => [method, ofMethod(method)])) as Point['kls'],
  };
}

/** The least sum of scores, or nothing where nothing meets the limits. */
async function optimum(program: AdditiveProgram): Promise<LayerChoice[][]> {
  const answer = await solve(program.problem);
  return answer.status === 'optimal' ? [architectureOf(program, answer.choices)] : [];
}

/** Of the parent's own and of no-ops alone: what has no score cannot be chosen. */
function noOpScores({ scores, variants }: ScoredBlocks): LayerScores[] {
  return scores.map((ofLayer, layer): LayerScores => {
    const only = (half: 'attention' | 'ffn') => {
      const names = (variants[layer]?.[half] ?? [])
        .filter(({ shape }, index) => index === 0 || shape.kind === 'no-op')
        .map(({ name }) => name);
      return Object.fromEntries(names.map((name) => [name, ofLayer[half][name] ?? null]));
    };
    return { attention: only('attention'), ffn: only('ffn') };
  });
}

function tableOf(points: readonly Point[], seeds: number): Table {
  const cell = (kls: readonly (readonly number[])[]): Cell => {
    const [only, second] = kls;
    if (only === undefined) return null;
    const { value, standardError } = second === undefined ? estimate(only) : estimate(means(kls));
    return around(value, standardError);
  };
  const below = (a: Method, b: Method) => {
    const compared = points.filter(({ kls }) => kls[a].length > 0 && kls[b].length > 0);
    const verdicts = compared.map(({ kls }) => {
      const { value, standardError } = estimate(paired(kls[a], kls[b]));
      return value < -standardError ? 'lower' : value > standardError ? 'higher' : 'within';
    });
    const count = (verdict: (typeof verdicts)[number]) => verdicts.filter((other) => other === verdict).length;
    return `KL of ${a} against ${b}: lower by more than a paired standard error at ${count('lower')} of ${verdicts.length} limits, within it at ${count('within')}, higher at ${count('higher')}`;
  };
  return {
    note: `KL(parent ‖ child) in nats/token before uptraining, of architectures made from the same block library within so many times fewer FLOPs than the parent's; on text that neither training nor scores have seen. In brackets: one standard error to either side, over sequences; of random, over its ${seeds} architectures. No-op only: the exact program with the parent's own subblocks and no-ops alone. –: found none within the limit.`,
    columns: ['model', 'limit', ...METHODS],
    rows: points.map(({ subject, limit, kls }): Cell[] => [
      subject,
      `${limit}x`,
      ...METHODS.map((method) => cell(kls[method])),
    ]),
    findings: [
      below('MIP', 'greedy'),
      below('MIP', 'no-op only'),
      below('greedy', 'random'),
      below('greedy', 'most parameters'),
    ],
  };
}

function means(kls: readonly (readonly number[])[]): number[] {
  return kls.map((sequences) => estimate(sequences).value);
}

/** Differences of a method's mean over its architectures to another's, by sequence. */
function paired(a: readonly (readonly number[])[], b: readonly (readonly number[])[]): number[] {
  const at = (kls: readonly (readonly number[])[], i: number) => estimate(kls.map((kl) => kl[i] ?? 0)).value;
  return (a[0] ?? []).map((_, i) => at(a, i) - at(b, i));
}
