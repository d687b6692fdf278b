import type { Replacement } from '../formats/puzzletron.js';
import { blockRepr } from '../formats/puzzletron-block.js';
import type { Limit } from '../solver/problem.js';
import type { PuzzletronLibrary } from './puzzletron-library.js';

/**
 * Solutions in the form that Puzzletron's solver writes and its realise step reads (`solutions.json`): per solution the
 * replacement of every layer, what they come to, and the block configs of the child.
 *
 * @param solutions the choice of each layer
 */
export function puzzletronSolutions(
  library: PuzzletronLibrary,
  limits: readonly Limit[],
  solutions: readonly (readonly number[])[],
): unknown[] {
  const { metric, table, layers, nonBlock } = library;
  return solutions.map((choices) => {
    const chosen = choices.map((choice, layer) => {
      const [replacement, priced] = [library.replacements[layer]?.[choice], layers[layer]?.choices[choice]];
      if (replacement === undefined || priced === undefined) throw new Error(`layer ${layer} has no choice ${choice}`);
      return { replacement, costs: priced.costs };
    });
    const [first] = chosen;
    const costs = Object.keys(first?.costs ?? {}).map((name): [string, number] => [
      `stats.${name}`,
      chosen.reduce((sum, one) => sum + (one.costs[name] ?? 0), nonBlock[name] ?? 0),
    ]);
    const value = chosen.reduce((sum, { replacement }) => sum + (replacement.metrics[metric] ?? 0), 0);
    return {
      chosen_replacements: chosen.map(({ replacement, costs: stats }) => ({
        block_config: replacement.block.json,
        parent_layer_indices: [replacement.layer],
        metrics: bothWays(replacement),
        layer_replacement: replacement.entry,
        is_teacher: replacement.isTeacher,
        stats,
        block_repr: blockRepr(replacement.block),
        child_block_configs: [replacement.block.json],
      })),
      total_value: { [`metrics.${metric}`]: value },
      total_costs: Object.fromEntries(costs),
      puzzle_args: { objective: `metrics.${metric}`, bigger_is_better: false, mip_constraints: constraintsOf(limits) },
      subblock_stats: table.args,
      chosen_block_configs: chosen.map(({ replacement }) => replacement.block.json),
      solution_repr: chosen
        .map(({ replacement }, layer) => `block_${layer}:  ${blockRepr(replacement.block)}\n`)
        .join(''),
    };
  });
}

/** Every metric, and one minus it. */
function bothWays({ metrics }: Replacement): Record<string, number> {
  return Object.fromEntries(
    Object.entries(metrics).flatMap(([name, value]) => [
      [name, value],
      [`one_minus_${name}`, 1 - value],
    ]),
  );
}

/** `{"stats.memory_mib": [null, 78000]}`: the least and the most of each cost. */
function constraintsOf(limits: readonly Limit[]): Record<string, [number | null, number | null]> {
  const bounds: Record<string, [number | null, number | null]> = {};
  for (const { cost, min, max } of limits) {
    const [least, most] = bounds[`stats.${cost}`] ?? [null, null];
    bounds[`stats.${cost}`] = [min ?? least, max ?? most];
  }
  return bounds;
}
