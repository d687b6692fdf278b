import { InputError } from '../common/errors.js';
import type { PuzzletronDirectory, Replacement, StatsTable, SubblockStats } from '../formats/puzzletron.js';
import { blockName, configKey } from '../formats/puzzletron-block.js';
import { quote } from '../formats/quote.js';
import type { Choice } from '../solver/problem.js';
import type { LibraryFile } from './library-file.js';
import type { HalfReport, LayerReport } from './report.js';

/** What is to be taken of a working directory. */
export interface PuzzletronChoice {
  /** The metric that is the score; lower is better. */
  metric?: string | undefined;
  /** `key=value` texts that pick one of several tables of costs by its args. */
  stats?: readonly string[] | undefined;
  /** The table itself, by its place in {@link tableNames}; nothing is asked of `stats` then. */
  table?: number | undefined;
}

/** A working directory as the solver takes it, with what its solutions are written back from. */
export interface PuzzletronLibrary extends LibraryFile {
  metric: string;
  table: StatsTable;
  /** The replacement behind each choice of each layer. */
  replacements: Replacement[][];
  /** The costs of each half of a choice. */
  halfCosts: (layer: number, choice: number) => Record<Half, SubblockStats['costs']>;
  /** What a map of an architecture shows: the share of the teacher's parameters that each half keeps. */
  layerReport: (layer: number, choice: number) => LayerReport;
}

/** In the order in which one is looked for, where none is asked for: the method's own first, then the pipeline's. */
const METRICS = ['kl_div', 'cosine_embedding_loss_hidden_states', 'lm_loss'];

/**
 * A working directory as a library: the first choice of every layer is the teacher's own block. The score is the metric less
 * the teacher's own; costs are those of the halves together, and what the pipeline counts of a block: `has_attention`,
 * `has_ffn`, `not_no_op`, `num_kv_heads`. A cost that is null anywhere was not measured, and left out.
 *
 * @throws InputError where no metric or more than one table of costs fits, or a block has no costs
 */
export function puzzletronLibrary(directory: PuzzletronDirectory, asked: PuzzletronChoice): PuzzletronLibrary {
  const metric = chosenMetric(directory, asked.metric);
  const table = chosenTable(directory, asked);
  const find = statsFinder(table, directory.dir);
  const names = costNamesOf(table);
  const halves = (replacement: Replacement) => ({
    attention: find('attention', replacement),
    ffn: find('ffn', replacement),
  });
  const layers = directory.layers.map((replacements) => ({
    choices: replacements.map((replacement): Choice => {
      const { attention, ffn } = halves(replacement);
      const [teacher] = replacements;
      const score = replacement.isTeacher
        ? 0
        : metricOf(replacement, metric, directory.dir) - (teacher?.metrics[metric] ?? 0);
      const costs = names.map((name): [string, number] => [name, (attention[name] ?? 0) + (ffn[name] ?? 0)]);
      return {
        name: blockName(replacement.block),
        score,
        costs: { ...Object.fromEntries(costs), ...counted(replacement) },
      };
    }),
  }));
  for (const [l, { choices }] of layers.entries()) checkNames(choices, `${directory.dir}: layer ${l}`);
  const halfCosts = (layer: number, choice: number) => {
    const replacement = directory.layers[layer]?.[choice];
    if (replacement === undefined) throw new Error(`layer ${layer} has no choice ${choice}`);
    return halves(replacement);
  };
  return {
    ...{ metric, table, layers, replacements: directory.layers },
    nonBlock: Object.fromEntries(names.map((name) => [name, table.nonBlock[name] ?? 0])),
    halfCosts,
    layerReport: (layer, choice) => {
      const [whole, part] = [halfCosts(layer, 0), halfCosts(layer, choice)];
      const chosen = directory.layers[layer]?.[choice] as Replacement;
      const half = (name: 'attention' | 'ffn'): HalfReport => {
        const parameters = whole[name]['num_params'] ?? 0;
        return {
          name: chosen.block[name].name,
          kept: parameters === 0 ? 0 : (part[name]['num_params'] ?? 0) / parameters,
        };
      };
      return { attention: half('attention'), ffn: half('ffn'), score: layers[layer]?.choices[choice]?.score ?? 0 };
    },
  };
}

/** The metrics that can be the score: those that are usual in front, the others by their names. */
export function metricNames({ layers }: PuzzletronDirectory): string[] {
  const known = new Set(layers.flat().flatMap(({ isTeacher, metrics }) => (isTeacher ? [] : Object.keys(metrics))));
  const usual = METRICS.filter((name) => known.has(name));
  return [...usual, ...[...known].filter((name) => !usual.includes(name)).sort()];
}

function chosenMetric(directory: PuzzletronDirectory, asked: string | undefined): string {
  const known = metricNames(directory);
  const metric = asked ?? METRICS.find((name) => known.includes(name));
  if (metric !== undefined && known.includes(metric)) return metric;
  const missing = asked === undefined ? `none of ${METRICS.join(', ')}` : `no metric ${quote(asked)}`;
  throw new InputError(`has ${missing}; its metrics are ${known.toSorted().join(', ') || 'none'}`, directory.dir);
}

function metricOf({ layer, block, metrics }: Replacement, metric: string, dir: string): number {
  const value = metrics[metric];
  if (value !== undefined) return value;
  throw new InputError(`layer ${layer}, ${blockName(block)}: has no ${metric}, which others have`, dir);
}

/** The tables of costs, each by the args that tell it from the others: `batch_size=96 gpu=H100`; nothing where it is the only one. */
export function tableNames({ stats }: PuzzletronDirectory): string[] {
  const keys = [...new Set(stats.flatMap(({ args }) => Object.keys(args)))];
  const differing = keys.filter((key) => new Set(stats.map(({ args }) => JSON.stringify(args[key]))).size > 1);
  return stats.map(({ args }) => differing.map((key) => `${key}=${String(args[key])}`).join(' '));
}

/** The one that is asked for, or whose args have every value that is. */
function chosenTable(directory: PuzzletronDirectory, { stats: texts = [], table }: PuzzletronChoice): StatsTable {
  const { dir, stats } = directory;
  if (table !== undefined) {
    const own = stats[table];
    if (own !== undefined) return own;
    throw new InputError(`subblock_stats.json has ${stats.length} tables of costs, and none at ${table}`, dir);
  }
  const wanted = texts.map((text) => {
    const [, key, value] = /^([^=]+)=(.*)$/s.exec(text) ?? [];
    if (key === undefined || value === undefined) {
      throw new InputError(`${quote(text)} is not understood; write for example "batch_size=96"`, '--stats');
    }
    return { key, value };
  });
  const fitting = stats.filter(({ args }) => wanted.every(({ key, value }) => String(args[key]) === value));
  const [only, ...more] = fitting;
  if (only !== undefined && more.length === 0) return only;
  throw new InputError(
    `subblock_stats.json has ${fitting.length} tables of costs with these args; pick one with --stats: ${tableNames(directory).join(' | ')}`,
    dir,
  );
}

/** Costs that are known of every half, and not unknown of what is no layer's, by name. */
function costNamesOf({ subblocks, nonBlock }: StatsTable): string[] {
  const [first] = subblocks;
  return Object.keys(first?.costs ?? {}).filter(
    (name) => nonBlock[name] !== null && subblocks.every(({ costs }) => typeof costs[name] === 'number'),
  );
}

type Half = SubblockStats['half'];

function statsFinder({ subblocks }: StatsTable, dir: string) {
  const byKey = new Map<string, SubblockStats['costs']>();
  for (const { half, key, layer, costs } of subblocks) {
    byKey.set(`${half} ${key} ${layer ?? ''}`, costs);
    // Those of another layer do where the layer has none of its own: the costs are of a shape.
    if (!byKey.has(`${half} ${key}`)) byKey.set(`${half} ${key}`, costs);
  }
  return (half: Half, { layer, block }: Replacement): SubblockStats['costs'] => {
    const key = `${half} ${configKey(block[half].json)}`;
    const costs = byKey.get(`${key} ${layer}`) ?? byKey.get(key);
    if (costs !== undefined) return costs;
    if (block[half].name === 'no-op') return {};
    throw new InputError(
      `subblock_stats.json: subblocks: has no ${half} ${block[half].name}, which layer ${layer} can have`,
      dir,
    );
  };
}

/** What the pipeline counts of a block, so that it can be limited. */
function counted({ block: { attention, ffn } }: Replacement): Record<string, number> {
  const [hasAttention, hasFfn] = [attention, ffn].map(({ name }) => Number(name !== 'no-op'));
  return {
    has_attention: hasAttention ?? 0,
    has_ffn: hasFfn ?? 0,
    not_no_op: Number(hasAttention === 1 || hasFfn === 1),
    num_kv_heads: attention.kvHeads,
  };
}

/** Two blocks that differ only in what a name does not say would be one to whoever reads the answer. */
function checkNames(choices: readonly Choice[], where: string): void {
  const seen = new Set<string>();
  for (const { name } of choices) {
    if (seen.has(name)) throw new InputError(`has two blocks that are both ${quote(name)}`, where);
    seen.add(name);
  }
}
