import type { GLPK, LP } from 'glpk.js/node';
import { price } from './lagrangian.js';
import type { Program } from './program.js';

/** Reduced costs, and multipliers, below this are zero. */
const ZERO = 1e-9;

/** By how much the room of a row may change, others as they are, before its multiplier changes; in units of the row. */
export interface PriceRange {
  from: number;
  to: number;
}

/**
 * How far the multipliers of the linear relaxation hold: they do as long as candidates without reduced cost can be mixed
 * so that rows with a multiplier are used up and the others hold. The least and the most change of each row's room with
 * that property are two small linear programs.
 */
export function priceRanges(glpk: GLPK, program: Program, multipliers: readonly number[]): PriceRange[] {
  const layers = program.layers.map((candidates) => {
    const priced = candidates.map((candidate) => ({ candidate, at: price(candidate, multipliers) }));
    const least = priced.reduce((a, { at }) => Math.min(a, at), Infinity);
    return priced.filter(({ at }) => at <= least + ZERO).map(({ candidate }) => candidate);
  });
  const free = { ...program, layers };
  return program.rows.map((_, k) => ({
    from: furthestChange(glpk, free, multipliers, k, -1),
    to: furthestChange(glpk, free, multipliers, k, 1),
  }));
}

function furthestChange(
  glpk: GLPK,
  { layers, rows }: Program,
  multipliers: readonly number[],
  row: number,
  sign: 1 | -1,
): number {
  const columns = layers.flat().map((candidate, i) => ({ candidate, name: `x${i}` }));
  const lp: LP = {
    name: 'range',
    objective: {
      direction: sign > 0 ? glpk.GLP_MAX : glpk.GLP_MIN,
      name: 'change',
      vars: [{ name: 'change', coef: 1 }],
    },
    subjectTo: [
      ...layers.map((_, layer) => ({
        name: `layer${layer}`,
        vars: columns.filter(({ candidate }) => candidate.layer === layer).map(({ name }) => ({ name, coef: 1 })),
        bnds: { type: glpk.GLP_FX, lb: 1, ub: 1 },
      })),
      ...rows.map(({ room }, k) => ({
        name: `row${k}`,
        vars: [
          ...columns.map(({ name, candidate }) => ({ name, coef: candidate.usage[k] as number })),
          ...(k === row ? [{ name: 'change', coef: -1 }] : []),
        ],
        bnds: { type: (multipliers[k] as number) > ZERO ? glpk.GLP_FX : glpk.GLP_UP, lb: room, ub: room },
      })),
    ],
    bounds: [
      ...columns.map(({ name }) => ({ name, type: glpk.GLP_LO, lb: 0, ub: 0 })),
      { name: 'change', type: glpk.GLP_FR, lb: 0, ub: 0 },
    ],
  };
  const { status, z } = glpk.solve(lp, { msglev: glpk.GLP_MSG_OFF, presol: false }).result;
  if (status === glpk.GLP_UNBND) return sign * Infinity;
  return status === glpk.GLP_OPT ? sign * Math.max(0, sign * z) : 0;
}
