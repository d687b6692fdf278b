import { resolve } from 'node:path';
import { chosenShapes } from '../search/chosen-shapes.js';
import { parseConstraintFlags, parseConstraints, replaceConstraints } from '../search/constraints.js';
import { type LayerReport, layerReports } from '../search/report.js';
import { parseRuleFlags, replaceRules } from '../search/rules.js';
import { type SolvedArchitecture, solveLibrary } from '../search/solve.js';
import { readStoredLibrary } from '../search/stored-library.js';
import type { Answer } from './command.js';
import { renderMap } from './render-map.js';
import { renderTable } from './render-table.js';
import { bytes, count, duration, percent, significant } from '../common/units.js';

export interface SolveFlags {
  constraint?: string[];
  pin?: string[];
  ban?: string[];
}

/**
 * `puzzle solve RUN [--constraint "memory<=60%" …] [--pin 3:attention=kv2 …] [--ban 5:ffn=no-op …]`: the best architecture
 * under the limits and rules of the spec, those replaced that a flag says otherwise about. Only an answer: the run stays
 * as it is.
 */
export async function solve(dir: string, { constraint = [], pin = [], ban = [] }: SolveFlags): Promise<Answer> {
  const replacements = parseConstraintFlags(constraint);
  const newRules = parseRuleFlags(pin, ban);
  const { spec, parent, variants, library } = await readStoredLibrary(dir);
  const constraints = replaceConstraints(parseConstraints(spec.limits), replacements);
  const rules = replaceRules(spec.rules, newRules);
  const solved = await solveLibrary(library, { constraints, margin: spec.margin, rules });
  const shapes = chosenShapes(variants, solved.architecture);
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
