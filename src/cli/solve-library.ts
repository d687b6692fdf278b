import { significant } from '../common/units.js';
import { conflictText } from '../search/library-conflict.js';
import { type LibraryFile, readLibraryFile } from '../search/library-file.js';
import { parseLayerRanges, parseLibraryLimits, parsePlaces } from '../search/library-limits.js';
import { type Explanation, explain } from '../solver/explain.js';
import { type Axis, diverse, front } from '../solver/front.js';
import type { Problem } from '../solver/problem.js';
import { type Infeasible, solve, type Solution, type SolveOptions, type Undecided } from '../solver/solve.js';
import { type Answer, EXIT } from './command.js';
import { renderTable } from './render-table.js';
import { atLeast, type SolveFlags, wholeNumber } from './solve-flags.js';

/**
 * `puzzle solve --library FILE [--constraint "memory_mib<=80000" …]`: the best architecture of a library in the neutral
 * format, as `docs/library-file.md` describes it. A proven "there is none" is an answer, with exit status 1.
 */
export async function solveLibraryFile(path: string, flags: SolveFlags): Promise<Answer> {
  return solveAsLibrary(await readLibraryFile(path), flags);
}

/** What is known of solutions beside their totals, and where they were written to. */
interface Beside {
  json: object;
  /** In place of a name per layer. */
  map: string;
  note: string;
}

/**
 * The best architecture of anything that is a library, or several.
 *
 * @param beside is told of the solutions, each a choice per layer, the best first
 */
export async function solveAsLibrary(
  library: LibraryFile,
  flags: SolveFlags,
  beside?: (problem: Problem, solutions: readonly (readonly number[])[]) => Promise<Beside>,
): Promise<Answer> {
  const limits = parseLibraryLimits(flags.constraint ?? [], library);
  const same = parseLayerRanges(flags.same ?? [], '--same');
  const problem: Problem = {
    ...{ layers: library.layers, nonBlock: library.nonBlock },
    limits,
    pins: parsePlaces(flags.pin ?? [], library, '--pin'),
    bans: parsePlaces(flags.ban ?? [], library, '--ban'),
    ...(same.length === 0 ? {} : { same }),
    ...(flags.maxShapes === undefined ? {} : { maxShapes: wholeNumber(flags.maxShapes, 1, '--max-shapes') }),
  };
  const options: SolveOptions = {
    ...(flags.gap === undefined ? {} : { gap: atLeast(flags.gap, 0, '--gap') }),
    ...(flags.maxMilliseconds === undefined
      ? {}
      : { maxMilliseconds: atLeast(flags.maxMilliseconds, 0, '--max-milliseconds') }),
  };
  const found = await solve(problem, options);
  if (found.status === 'infeasible' || found.status === 'undecided') return noSolution(problem, found);
  if (flags.front !== undefined) return frontAnswer(problem, flags, options);
  if (flags.diverse !== undefined) return diverseAnswer(problem, flags, options, beside);
  const also = await beside?.(problem, [found.choices]);
  const explanation = flags.explain === true ? await explain(problem, found) : undefined;
  return {
    json: { ...also?.json, ...solutionJson(problem, found), ...(explanation === undefined ? {} : { explanation }) },
    text: [...solutionText(problem, found, also), ...explanationText(problem, explanation)].join('\n'),
  };
}

function noSolution(problem: Problem, found: Infeasible | Undecided): Answer {
  const { milliseconds } = found;
  if (found.status === 'undecided') {
    const { status, bound } = found;
    const text = `The limit of time was reached before any architecture was found; none scores less than ${significant(bound)}.`;
    return { json: { status, bound, milliseconds }, text, status: EXIT.failed };
  }
  const { status, conflicts, relaxation } = found;
  const message = conflictText(found);
  const { architecture, ...least } = relaxation;
  const relaxed = { ...least, choices: namesOf(problem, architecture) };
  const json = { status, milliseconds, conflicts, relaxation: relaxed, error: { message, where: 'limits' } };
  return { json, text: `Infeasible: ${message}`, status: EXIT.failed };
}

function solutionJson(problem: Problem, { totals, choices, ...solution }: Solution) {
  const { status, objective, bound, gap, milliseconds, binding, shadowPrices } = solution;
  const names = namesOf(problem, choices);
  return { status, objective, bound, gap, milliseconds, costs: totals, choices: names, binding, shadowPrices };
}

function namesOf({ layers }: Problem, choices: readonly number[]): string[] {
  return layers.map((layer, l) => layer.choices[choices[l] ?? -1]?.name ?? '');
}

function solutionText(problem: Problem, solution: Solution, beside: Beside | undefined): string[] {
  const { objective, gap, milliseconds, totals, binding, shadowPrices } = solution;
  const proof =
    solution.status === 'optimal' ? 'proven to be the least' : `at most ${significant(gap)} above the least`;
  const parent = (cost: string) =>
    problem.layers.reduce((sum, { choices }) => sum + (choices[0]?.costs[cost] ?? 0), problem.nonBlock[cost] ?? 0);
  const rows = Object.entries(totals).map(([cost, total]) => [
    cost,
    String(parent(cost)),
    String(total),
    binding.includes(cost) ? `${significant(shadowPrices[cost] ?? 0)} per unit` : '',
  ]);
  return [
    ...(beside === undefined
      ? namesOf(problem, solution.choices).map((name, layer) => `${String(layer).padStart(4)}  ${name}`)
      : [beside.map, '', beside.note]),
    '',
    `Sum of scores ${significant(objective)}, ${proof} (${milliseconds.toFixed(1)} ms)`,
    '',
    renderTable(['cost', 'parent', 'child', 'binding, worth'], rows),
  ];
}

function explanationText(problem: Problem, explanation: Explanation | undefined): string[] {
  if (explanation === undefined) return [];
  const limits = explanation.limits.map(({ cost, bound, limit, price, from, to, more }) => [
    `${cost} ${bound === 'max' ? '<=' : '>='} ${limit}`,
    price === 0 ? 'nothing' : significant(price),
    `${significant(from)} to ${Number.isFinite(to) ? significant(to) : 'any'}`,
    more === undefined ? 'no better' : `${significant(more.objective)} at ${significant(more.limit)}`,
  ]);
  const layers = explanation.layers.map(({ layer, choice, second, otherwise, exact }) => {
    const name = (index: number | undefined) => problem.layers[layer]?.choices[index ?? -1]?.name ?? '';
    const cost = otherwise === undefined ? 'not possible' : `${exact ? '' : 'at least '}${significant(otherwise)}`;
    return [String(layer), name(choice), name(second), cost];
  });
  return [
    '',
    renderTable(['limit', 'a unit is worth', 'while between', 'a little more'], limits),
    '',
    renderTable(['layer', 'has', 'second best', 'would cost'], layers, { textColumns: 3 }),
  ];
}

async function frontAnswer(problem: Problem, flags: SolveFlags, options: SolveOptions): Promise<Answer> {
  const axes = (flags.front ?? []).map((cost): Axis => {
    const isMinimum = problem.limits.some(
      (limit) => limit.cost === cost && limit.min !== undefined && limit.max === undefined,
    );
    return { cost, bound: isMinimum ? 'min' : 'max' };
  });
  const start = performance.now();
  const points = await front(problem, axes, wholeNumber(flags.points ?? '20', 2, '--points'), options);
  const milliseconds = performance.now() - start;
  const json = points.map(({ limits, solution }) => ({
    limits: Object.fromEntries(axes.map(({ cost }, i) => [cost, limits[i]])),
    ...solutionJson(problem, solution),
  }));
  const rows = points.map(({ limits, solution }) => [
    ...limits.map(String),
    significant(solution.objective),
    solution.status,
  ]);
  const head = [...axes.map(({ cost, bound }) => `${cost} ${bound === 'max' ? '<=' : '>='}`), 'sum of scores', 'proof'];
  return { json: { axes, milliseconds, points: json }, text: renderTable(head, rows) };
}

async function diverseAnswer(
  problem: Problem,
  flags: SolveFlags,
  options: SolveOptions,
  beside: Parameters<typeof solveAsLibrary>[2],
): Promise<Answer> {
  const count = wholeNumber(flags.diverse ?? '', 1, '--diverse');
  const overlap = atLeast(flags.overlap ?? '0.8', 0, '--overlap');
  const start = performance.now();
  const solutions = await diverse(problem, count, overlap, Object.keys(options).length === 0 ? undefined : options);
  const milliseconds = performance.now() - start;
  const also = await beside?.(
    problem,
    solutions.map(({ choices }) => choices),
  );
  const first = solutions[0]?.choices ?? [];
  const rows = solutions.map(({ objective, gap, choices }, i) => [
    String(i + 1),
    significant(objective),
    significant(gap),
    String(choices.filter((choice, layer) => choice !== first[layer]).length),
  ]);
  return {
    json: { ...also?.json, milliseconds, solutions: solutions.map((solution) => solutionJson(problem, solution)) },
    text: renderTable(['solution', 'sum of scores', 'gap', 'layers unlike the first'], rows),
  };
}
