import { resolve } from 'node:path';
import { chosenShapes } from '../search/chosen-shapes.js';
import { InputError } from '../common/errors.js';
import { isPuzzletronDirectory } from '../formats/puzzletron.js';
import { parseConstraintFlags, parseConstraints, replaceConstraints, requireMetric } from '../search/constraints.js';
import { explainLibrary, libraryDiverse, libraryFront } from '../search/explore.js';
import { type LayerReport, layerReports } from '../search/report.js';
import { parseRuleFlags, replaceRules } from '../search/rules.js';
import { readStoredLibrary } from '../search/stored-library.js';
import { requirementsOf, solveSweep, type SweptArchitecture } from '../search/sweep.js';
import type { Answer } from './command.js';
import { renderDiverse, renderExplanation, renderFront } from './render-explored.js';
import { renderMap } from './render-map.js';
import { renderTable } from './render-table.js';
import { atLeast, type SolveFlags, wholeNumber } from './solve-flags.js';
import { solveLibraryFile } from './solve-library.js';
import { solvePuzzletron } from './solve-puzzletron.js';
import { solveTargets } from './solve-targets.js';
import { targetNotes } from './target-notes.js';
import { bytes, count, duration, percent, significant } from '../common/units.js';

/**
 * `puzzle solve RUN [--constraint "memory<=60%" …] [--pin 3:attention=kv2 …] [--ban 5:ffn=no-op …]`: the best architecture
 * under the limits and rules of the spec, those replaced that a flag says otherwise about. Only an answer: the run stays
 * as it is. `--front` and `--diverse` ask for several architectures, `--explain` for reasons, `--library` about a file.
 */
export async function solve(dir: string | undefined, flags: SolveFlags): Promise<Answer> {
  if ((dir === undefined) === (flags.library === undefined)) {
    throw new InputError('give a run, or a library file with --library, and not both');
  }
  if (flags.front !== undefined && flags.diverse !== undefined) {
    throw new InputError('--front and --diverse are two questions; ask one');
  }
  if (dir === undefined) return solveLibraryFile(flags.library ?? '', flags);
  return (await isPuzzletronDirectory(dir)) ? solvePuzzletron(dir, flags) : solveRun(dir, flags);
}

async function solveRun(dir: string, flags: SolveFlags): Promise<Answer> {
  const ofFile = (['same', 'maxShapes', 'gap', 'maxMilliseconds', 'metric', 'stats', 'out'] as const).find(
    (name) => flags[name] !== undefined,
  );
  if (ofFile !== undefined) throw new InputError(`${FLAG_NAMES[ofFile]} is not for runs`);
  const replacements = parseConstraintFlags(flags.constraint ?? []);
  const newRules = parseRuleFlags(flags.pin ?? [], flags.ban ?? []);
  const stored = await readStoredLibrary(dir);
  const { spec, parent, variants, libraries, sweep } = stored;
  const constraints = replaceConstraints(parseConstraints(spec.limits), replacements);
  const rules = replaceRules(spec.rules, newRules);
  if (flags.target !== undefined) return solveTargets(dir, stored, flags.target, { constraints, rules });
  const requirements = requirementsOf({ ...spec, rules }, constraints, sweep);
  const solved = await solveSweep(libraries, requirements);
  // Further questions are about the batch size that is best.
  const library = libraries.find(({ costs }) => costs.workload.batch === solved.workload.batch) ?? stored.library;
  const run = resolve(dir);
  if (flags.front !== undefined) {
    const metrics = flags.front.map((name) => requireMetric(name, '--front'));
    const points = await libraryFront(library, requirements, metrics, wholeNumber(flags.points ?? '20', 2, '--points'));
    return { json: { run, metrics, points }, text: renderFront(metrics, points) };
  }
  if (flags.diverse !== undefined) {
    const count = wholeNumber(flags.diverse, 1, '--diverse');
    const solutions = await libraryDiverse(
      library,
      requirements,
      count,
      atLeast(flags.overlap ?? '0.8', 0, '--overlap'),
    );
    return { json: { run, solutions }, text: renderDiverse(solutions) };
  }
  const layers = layerReports(parent, chosenShapes(variants, solved.architecture), library.scores);
  const explanation = flags.explain === true ? await explainLibrary(library, requirements) : undefined;
  return {
    json: { run, ...solved, ...(explanation === undefined ? {} : { explanation }) },
    text: renderSolved(solved, layers) + (explanation === undefined ? '' : renderExplanation(explanation)),
  };
}

const FLAG_NAMES = {
  same: '--same',
  maxShapes: '--max-shapes',
  gap: '--gap',
  maxMilliseconds: '--max-milliseconds',
  metric: '--metric',
  stats: '--stats',
  out: '--out',
} as const;

function renderSolved(solution: SweptArchitecture, layers: LayerReport[]): string {
  const { totals, parent, limits, ...solved } = solution;
  const row = (title: string, metric: keyof typeof totals, text: (value: number) => string) => [
    title,
    ...[
      text(parent[metric]),
      text(totals[metric]),
      parent[metric] === 0 ? '' : percent(totals[metric] / parent[metric]),
    ],
  ];
  const rows = [
    row('throughput, tokens/s', 'throughput', count),
    row('generated tokens/s', 'generatedThroughput', count),
    row('latency of the workload', 'latency', duration),
    row('time to first token', 'timeToFirstToken', duration),
    row('time per output token', 'timePerOutputToken', duration),
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
    renderTable([solution.estimated === undefined ? 'predicted' : 'estimated', 'parent', 'child', 'kept'], rows),
    ...targetNotes(solution),
    '',
  ].join('\n');
}
