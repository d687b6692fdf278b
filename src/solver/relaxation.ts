import type createGlpk from 'glpk.js/node';
import type { GLPK, LP } from 'glpk.js/node';
import type { Program } from './program.js';

/** What the linear relaxation, where choices may be mixed, tells the search. */
export interface Relaxation {
  feasible: boolean;
  /**
   * One per row, never negative. Feasible: what a unit more room is worth. Infeasible: prices at which no architecture
   * pays, so large that the search sees at once that there is none.
   */
  multipliers: number[];
}

let loading: Promise<GLPK> | undefined;

/**
 * GLPK. Its module looks for its .wasm file beside itself, so it is loaded from its own folder and never becomes part of
 * a bundle: hence the address that a bundler cannot follow.
 */
export function loadGlpk(): Promise<GLPK> {
  loading ??= import(import.meta.resolve('glpk.js/node')).then(async (module: { default: typeof createGlpk }) => {
    return await module.default();
  });
  return loading;
}

/** Solves the linear relaxation of `program`. */
export function relax(glpk: GLPK, program: Program): Relaxation {
  const { status, multipliers } = solveLinear(glpk, program, undefined);
  if (status === glpk.GLP_OPT) return { feasible: true, multipliers };
  const unscored = { ...program, layers: program.layers.map((layer) => layer.map((c) => ({ ...c, score: 0 }))) };
  const { value, multipliers: ray } = relaxWithPenalties(
    glpk,
    unscored,
    program.rows.map(() => 1),
  );
  // Scores are at most 1, so this much is more than any sum of them.
  const large = value > 0 ? (2 * program.layers.length + 2) / value : 0;
  return { feasible: false, multipliers: ray.map((x) => x * large) };
}

/** Solves the linear relaxation in which every row may be exceeded at a price per unit; it always has an answer. */
export function relaxWithPenalties(
  glpk: GLPK,
  program: Program,
  penalties: readonly number[],
): { value: number; multipliers: number[] } {
  return solveLinear(glpk, program, penalties);
}

function solveLinear(
  glpk: GLPK,
  program: Program,
  penalties: readonly number[] | undefined,
): { status: number; value: number; multipliers: number[] } {
  const candidates = program.layers.flat();
  const objective = candidates.map((candidate) => ({ name: columnName(candidate), coef: candidate.score }));
  const rows = program.rows.map((row, k) => ({
    name: `row${k}`,
    vars: candidates.map((candidate) => ({ name: columnName(candidate), coef: candidate.usage[k] as number })),
    bnds: { type: glpk.GLP_UP, lb: 0, ub: row.room },
  }));
  for (const [k, penalty] of (penalties ?? []).entries()) {
    rows[k]?.vars.push({ name: `excess${k}`, coef: -1 });
    objective.push({ name: `excess${k}`, coef: penalty });
  }
  const groups = program.layers.map((layer, l) => ({
    name: `layer${l}`,
    vars: layer.map((candidate) => ({ name: columnName(candidate), coef: 1 })),
    bnds: { type: glpk.GLP_FX, lb: 1, ub: 1 },
  }));
  const lp: LP = {
    name: 'relaxation',
    objective: { direction: glpk.GLP_MIN, name: 'score', vars: objective },
    subjectTo: [...groups, ...rows],
    bounds: objective.map(({ name }) => ({ name, type: glpk.GLP_LO, lb: 0, ub: 0 })),
  };
  // Without GLPK's presolver, which reports an infeasible program as "undefined".
  const { status, z, dual = {} } = glpk.solve(lp, { msglev: glpk.GLP_MSG_OFF, presol: false }).result;
  const cap = (k: number): number => penalties?.[k] ?? Infinity;
  const multipliers = rows.map(({ name }, k) => Math.min(Math.max(0, -(dual[name] ?? 0)), cap(k)));
  return { status, value: z, multipliers: multipliers.map((x) => (Number.isFinite(x) ? x : 0)) };
}

function columnName({ layer, choice }: { layer: number; choice: number }): string {
  return `x${layer}_${choice}`;
}
