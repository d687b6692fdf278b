import type { GLPK, LP } from 'glpk.js/node';
import type { Joined } from './alike.js';
import { loadGlpk } from './glpk.js';
import type { Conflict, LeastRelaxation } from './infeasible.js';
import type { Choice, Problem } from './problem.js';
import type { Candidate, Program } from './program.js';
import { type SearchOptions, type SearchResult, valueOf } from './search.js';

/** GLPK lets rows be exceeded a little; where that matters, rooms smaller by this make its answers keep to them. */
const TIGHTER = 1e-6;

interface ShapeOptions extends Pick<SearchOptions, 'deadline'> {
  /** The name of a candidate: candidates of one name are one shape. */
  nameOf: (candidate: Candidate) => string;
  maxShapes: number;
  /** What has been proven without the limit on shapes. */
  bound: number;
}

/** The answer under `maxShapes`, where that says more than the other limits do. */
export async function withFewShapes(
  problem: Problem,
  raw: Program,
  free: SearchResult,
  deadline: number,
): Promise<SearchResult | undefined> {
  const { maxShapes } = problem;
  if (maxShapes === undefined || free.best === undefined) return undefined;
  const nameOf = shapeNames(problem);
  if (new Set(free.best.map(nameOf)).size <= maxShapes) return undefined;
  const { bound, nodes } = free;
  const found = searchShapes(await loadGlpk(), raw, { nameOf, maxShapes, bound, deadline });
  return { ...found, nodes: found.nodes + nodes };
}

/** Why there is no answer where there would be one with more shapes. */
export async function tooFewShapes(
  problem: Problem,
  raw: Program,
  free: SearchResult,
  expand: Joined['expand'],
): Promise<{ conflicts: Conflict[]; relaxation: LeastRelaxation }> {
  const { maxShapes: limit = 0 } = problem;
  const nameOf = shapeNames(problem);
  const best = free.best ?? [];
  const about = { cost: 'different shapes', bound: 'max' } as const;
  return {
    conflicts: [{ ...about, limit, reachable: fewestShapes(await loadGlpk(), raw, nameOf) }],
    relaxation: {
      changes: [{ ...about, from: limit, to: new Set(best.map(nameOf)).size }],
      architecture: expand(best.map(({ choice }) => choice)),
      proven: false,
    },
  };
}

function shapeNames({ layers }: Problem): (candidate: Candidate) => string {
  return ({ layer, choice }) => (layers[layer]?.choices[choice] as Choice).name;
}

/**
 * The least sum of scores with at most `maxShapes` different names, by GLPK: a binary per candidate and one per name.
 * Dominated candidates must not have left the program, as they may share their name with others.
 */
function searchShapes(glpk: GLPK, program: Program, options: ShapeOptions): SearchResult {
  const answer = solveShapes(glpk, program, options, 0);
  if (answer.best === undefined || valueOf(answer.best, roomsOf(program), undefined) !== undefined) return answer;
  const tighter = solveShapes(glpk, program, options, TIGHTER);
  return { ...tighter, bound: answer.bound, finished: false };
}

/** The fewest names that any architecture has, whatever it costs. */
function fewestShapes(glpk: GLPK, program: Program, nameOf: ShapeOptions['nameOf']): number {
  const free = { ...program, rows: [] };
  const lp = shapeProgram(glpk, free, { nameOf, room: 0, maxShapes: undefined });
  return Math.round(glpk.solve(lp, { msglev: glpk.GLP_MSG_OFF }).result.z);
}

function solveShapes(glpk: GLPK, program: Program, options: ShapeOptions, tighter: number): SearchResult {
  const lp = shapeProgram(glpk, program, { ...options, room: -tighter });
  const left = (options.deadline ?? Infinity) - performance.now();
  const limit = left === Infinity ? {} : { tmlim: Math.max(1, Math.ceil(left / 1000)) };
  const { status, vars } = glpk.solve(lp, { msglev: glpk.GLP_MSG_OFF, ...limit }).result;
  const finished = status === glpk.GLP_OPT || status === glpk.GLP_NOFEAS;
  const found = status === glpk.GLP_OPT || status === glpk.GLP_FEAS;
  const best = found
    ? program.layers.map((layer) => layer.find((candidate) => (vars[columnName(candidate)] ?? 0) > 0.5) as Candidate)
    : undefined;
  const value = best?.reduce((sum, { score }) => sum + score, 0) ?? Infinity;
  return { best, value, bound: finished ? value : options.bound, unique: true, nodes: 1, finished };
}

function shapeProgram(
  glpk: GLPK,
  program: Program,
  { nameOf, room, maxShapes }: { nameOf: ShapeOptions['nameOf']; room: number; maxShapes: number | undefined },
): LP {
  const candidates = program.layers.flat();
  const names = [...new Set(candidates.map(nameOf))];
  const shapes = names.map((_, i) => ({ name: `shape${i}`, coef: 1 }));
  const shapeOf = new Map(names.map((name, i) => [name, `shape${i}`]));
  const upTo = (ub: number) => ({ type: glpk.GLP_UP, lb: 0, ub });
  const groups = program.layers.map((layer, l) => ({
    name: `layer${l}`,
    vars: layer.map((candidate) => ({ name: columnName(candidate), coef: 1 })),
    bnds: { type: glpk.GLP_FX, lb: 1, ub: 1 },
  }));
  const rows = program.rows.map((row, k) => ({
    name: `row${k}`,
    vars: candidates.map((candidate) => ({ name: columnName(candidate), coef: candidate.usage[k] as number })),
    bnds: upTo(row.room + room),
  }));
  const links = candidates.map((candidate) => ({
    name: `link ${columnName(candidate)}`,
    vars: [
      { name: columnName(candidate), coef: 1 },
      { name: shapeOf.get(nameOf(candidate)) as string, coef: -1 },
    ],
    bnds: upTo(0),
  }));
  const counted = maxShapes === undefined ? [] : [{ name: 'shapes', vars: shapes, bnds: upTo(maxShapes) }];
  const scored = candidates.map((candidate) => ({ name: columnName(candidate), coef: candidate.score }));
  return {
    name: 'shapes',
    objective: { direction: glpk.GLP_MIN, name: 'score', vars: maxShapes === undefined ? shapes : scored },
    subjectTo: [...groups, ...rows, ...links, ...counted],
    binaries: [...scored, ...shapes].map(({ name }) => name),
  };
}

function roomsOf({ rows }: Program): number[] {
  return rows.map(({ room }) => room);
}

function columnName({ layer, choice }: Candidate): string {
  return `x${layer}_${choice}`;
}
