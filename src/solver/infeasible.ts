import { withUsableRoom } from './lattice.js';
import type { Problem } from './problem.js';
import { toProgram, withoutDominated, type Program, type Row, type RowSource } from './program.js';
import { relax, relaxWithPenalties } from './relaxation.js';
import { prove } from './prove.js';

/** A limit that cannot be met, by itself or together with the others named. Units are the user's. */
export interface Conflict {
  /** The cost; for diversity "overlap with solution N", counted in layers. */
  cost: string;
  bound: 'max' | 'min';
  limit: number;
  /** The best total that any architecture reaches when this is the only limit (pins and bans hold). */
  reachable: number;
}

/** The limits to move, and an architecture that then fits. */
export interface LeastRelaxation {
  changes: { cost: string; bound: 'max' | 'min'; from: number; to: number }[];
  architecture: number[];
  /** False: a smaller one may exist, the search for it was cut short. */
  proven: boolean;
}

/** Parts and nodes for each question asked about an infeasible problem: an explanation must not take longer than the answer. */
const EXPLANATION_NODES = 200_000;

/**
 * Why no architecture meets the limits. `conflicts`: the limits out of reach by themselves or, if there are none, a set
 * of limits that together are out of reach and would not be without any one of them. `relaxation`: the change of limits
 * with the least sum of relative changes.
 */
export function explainInfeasible(problem: Problem): { conflicts: Conflict[]; relaxation: LeastRelaxation } {
  const program = toProgram(problem, false);
  const alone = program.rows.filter((row) => row.room < 0);
  const rows = alone.length > 0 ? alone : smallestConflict(program);
  return {
    conflicts: rows.map(({ source: { cost, bound, limit, reachable } }) => ({ cost, bound, limit, reachable })),
    relaxation: leastRelaxation(withoutDominated(program)),
  };
}

/** Takes every row out in turn, the last first, and puts back those whose absence lets an architecture in. */
function smallestConflict(program: Program): Row[] {
  let kept = [...program.rows];
  for (const row of program.rows.toReversed()) {
    const fewer = kept.filter((other) => other !== row);
    if (isInfeasible(withRows(program, fewer))) kept = fewer;
  }
  return kept;
}

function isInfeasible(program: Program): boolean {
  const reduced = withUsableRoom(withoutDominated(program));
  const { multipliers } = relax(reduced);
  const { best, finished } = prove(reduced, { multipliers, first: true, maxNodes: EXPLANATION_NODES });
  return best === undefined && finished;
}

function withRows(program: Program, rows: readonly Row[]): Program {
  const positions = rows.map((row) => program.rows.indexOf(row));
  const layers = program.layers.map((candidates) =>
    candidates.map((candidate) => ({ ...candidate, usage: positions.map((k) => candidate.usage[k] as number) })),
  );
  return { ...program, layers, rows };
}

function leastRelaxation(program: Program): LeastRelaxation {
  const penalties = program.rows.map(({ source }) => source.unit / magnitude(source));
  const { multipliers } = relaxWithPenalties(program, penalties);
  const { best = [], finished } = prove(program, { multipliers, penalties, maxNodes: EXPLANATION_NODES });
  const architecture = best.map(({ choice }) => choice);
  const changes = program.rows
    .filter((row, k) => best.reduce((sum, candidate) => sum + (candidate.usage[k] as number), 0) > row.room)
    .map(({ source: { cost, bound, limit }, total }) => ({ cost, bound, from: limit, to: total(architecture) }));
  return { changes, architecture, proven: finished };
}

/** What a change of a limit is relative to. */
function magnitude({ limit, reachable }: RowSource): number {
  return Math.abs(limit) || Math.abs(reachable) || 1;
}
