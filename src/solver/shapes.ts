import type { GLPK, LP } from 'glpk.js/node';
import type { Joined } from './alike.js';
import { loadGlpk } from './glpk.js';
import type { Conflict, LeastRelaxation } from './infeasible.js';
import type { Choice, Problem } from './problem.js';
import { withUsableRoom } from './lattice.js';
import { type Candidate, type Program, withoutDominated } from './program.js';
import { prove } from './prove.js';
import { relax } from './relaxation.js';
import { type SearchOptions, type SearchResult, TIE } from './search.js';

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
 * The least sum of scores with at most `maxShapes` different names. GLPK, with a binary per candidate and one per name,
 * says which names; what can be had with these is solved for here, for GLPK takes what is nearly whole for whole, and lets
 * rows be exceeded a little. Where its bound is not met, it is asked for names that are not all among those.
 * Dominated candidates must not have left the program, as they may share their name with others.
 */
function searchShapes(
  glpk: GLPK,
  program: Program,
  { nameOf, maxShapes, bound, deadline }: ShapeOptions,
): SearchResult {
  const exhausted: ReadonlySet<string>[] = [];
  let found: SearchResult = { best: undefined, value: Infinity, bound, unique: true, nodes: 0, finished: false };
  for (;;) {
    const answer = chooseNames(glpk, program, { nameOf, maxShapes, exhausted }, deadline);
    if (answer.proven) found.bound = Math.min(found.value, Math.max(found.bound, answer.least));
    if (answer.names === undefined || answer.least >= found.value - TIE) {
      return { ...found, finished: answer.proven };
    }
    const { names } = answer;
    const layers = program.layers.map((layer) => layer.filter((candidate) => names.has(nameOf(candidate))));
    const own = withUsableRoom(withoutDominated({ ...program, layers }));
    const { multipliers } = relax(own);
    const within = prove(own, { multipliers, ...(deadline === undefined ? {} : { deadline }) });
    const better = within.value < found.value ? within : found;
    found = { ...found, best: better.best, value: better.value, nodes: found.nodes + 1 + within.nodes };
    if (!within.finished || !answer.proven || performance.now() > (deadline ?? Infinity)) return found;
    exhausted.push(names);
  }
}

interface NamesAnswer {
  /** Of the best architecture that GLPK has; undefined where it has none. */
  names: ReadonlySet<string> | undefined;
  /** What that scores, by GLPK. */
  least: number;
  /** There is nothing better, or nothing at all. */
  proven: boolean;
}

function chooseNames(glpk: GLPK, program: Program, asked: ShapeRows, deadline: number | undefined): NamesAnswer {
  const lp = shapeProgram(glpk, program, asked);
  const left = (deadline ?? Infinity) - performance.now();
  const limit = left === Infinity ? {} : { tmlim: Math.max(1, Math.ceil(left / 1000)) };
  const { status, vars, z } = glpk.solve(lp, { msglev: glpk.GLP_MSG_OFF, ...limit }).result;
  const found = status === glpk.GLP_OPT || status === glpk.GLP_FEAS;
  const chosen = program.layers.flat().filter((candidate) => (vars[columnName(candidate)] ?? 0) > 0.5);
  return {
    names: found ? new Set(chosen.map(asked.nameOf)) : undefined,
    least: found ? z : Infinity,
    proven: status === glpk.GLP_OPT || status === glpk.GLP_NOFEAS,
  };
}

/** The fewest names that any architecture has, whatever it costs. */
function fewestShapes(glpk: GLPK, program: Program, nameOf: ShapeOptions['nameOf']): number {
  const free = { ...program, rows: [] };
  const lp = shapeProgram(glpk, free, { nameOf, maxShapes: undefined, exhausted: [] });
  return Math.round(glpk.solve(lp, { msglev: glpk.GLP_MSG_OFF }).result.z);
}

interface ShapeRows {
  nameOf: ShapeOptions['nameOf'];
  /** Undefined: the fewest are asked for. */
  maxShapes: number | undefined;
  /** Sets of names of which one must have another beside it. */
  exhausted: readonly ReadonlySet<string>[];
}

function shapeProgram(glpk: GLPK, program: Program, { nameOf, maxShapes, exhausted }: ShapeRows): LP {
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
    bnds: upTo(row.room),
  }));
  const links = candidates.map((candidate) => ({
    name: `link ${columnName(candidate)}`,
    vars: [
      { name: columnName(candidate), coef: 1 },
      { name: shapeOf.get(nameOf(candidate)) as string, coef: -1 },
    ],
    bnds: upTo(0),
  }));
  // A name counts only where something has it: so one outside a set is one that is used.
  const used = names.map((name, i) => ({
    name: `used${i}`,
    vars: [
      { name: `shape${i}`, coef: 1 },
      ...candidates
        .filter((candidate) => nameOf(candidate) === name)
        .map((candidate) => ({ name: columnName(candidate), coef: -1 })),
    ],
    bnds: upTo(0),
  }));
  const others = exhausted.map((set, i) => ({
    name: `others${i}`,
    vars: shapes.filter((_, s) => !set.has(names[s] as string)),
    bnds: { type: glpk.GLP_LO, lb: 1, ub: 0 },
  }));
  const counted = maxShapes === undefined ? [] : [{ name: 'shapes', vars: shapes, bnds: upTo(maxShapes) }];
  const scored = candidates.map((candidate) => ({ name: columnName(candidate), coef: candidate.score }));
  return {
    name: 'shapes',
    objective: { direction: glpk.GLP_MIN, name: 'score', vars: maxShapes === undefined ? shapes : scored },
    subjectTo: [...groups, ...rows, ...links, ...(exhausted.length === 0 ? [] : [...used, ...others]), ...counted],
    binaries: [...scored, ...shapes].map(({ name }) => name),
  };
}

function columnName({ layer, choice }: Candidate): string {
  return `x${layer}_${choice}`;
}
