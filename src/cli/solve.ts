import { resolve } from 'node:path';
import { parseConstraintFlags, parseConstraints, replaceConstraints } from '../search/constraints.js';
import { chosenLayers } from '../search/pipeline.js';
import { type LayerReport, layerReports } from '../search/report.js';
import { type SolvedArchitecture, solveLibrary } from '../search/solve.js';
import type { Answer } from './command.js';
import { renderMap } from './render-map.js';
import { renderTable } from './render-table.js';
import { readStoredLibrary } from './stored-library.js';
import { bytes, count, duration, percent, significant } from './units.js';

export interface SolveFlags {
  constraint?: string[];
}

/**
 * `puzzle solve RUN [--constraint "memory<=60%" …]`: the best architecture under the limits of the spec, those replaced
 * that a constraint says otherwise about. Only an answer: the run stays as it is.
 */
export async function solve(dir: string, { constraint = [] }: SolveFlags): Promise<Answer> {
  const replacements = parseConstraintFlags(constraint);
  const { spec, parent, variants, library } = await readStoredLibrary(dir);
  const constraints = replaceConstraints(parseConstraints(spec.limits), replacements);
  const solved = await solveLibrary(library, { constraints, margin: spec.margin });
  const shapes = chosenLayers(variants, [], solved.architecture).map(({ shape }) => shape);
  const layers = layerReports(parent, shapes, library.scores);
  return { json: { run: resolve(dir), ...solved }, text: renderSolved(solved, layers) };
}

function renderSolved({ totals, parent, limits, ...solved }: SolvedArchitecture, layers: LayerReport[]): string {
  const row = (title: string, metric: keyof typeof totals, text: (value: number) => string) => [
    title,
    ...[text(parent[metric]), text(totals[metric]), percent(totals[metric] / parent[metric])],
  ];
  const rows = [
    row('throughput, tokens/s', 'throughput', count),
    row('latency of the workload', 'latency', duration),
    row('memory', 'memory', bytes),
    row('KV cache', 'kvCache', bytes),
    row('parameters', 'parameters', count),
  ];
  const met = limits.map(({ text, binding }) => `${text}${binding ? ' (binding)' : ''}`);
  const proof =
    solved.status === 'optimal' ? 'proven to be the least' : `at most ${significant(solved.gap)} above the least`;
  const effort = `${count(solved.nodes)} nodes, ${solved.milliseconds.toFixed(1)} ms`;
  return [
    renderMap(layers),
    '',
    `Sum of scores ${significant(solved.objective)} nats/token, ${proof} (${effort})`,
    met.length === 0 ? 'without limits.' : `within ${met.join(', ')}.`,
    '',
    renderTable(['predicted', 'parent', 'child', 'kept'], rows),
    '',
  ].join('\n');
}
