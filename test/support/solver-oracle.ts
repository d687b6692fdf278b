import createGlpk from 'glpk.js/node';
import { Random } from '../../src/common/random.js';
import type { Choice, Problem } from '../../src/solver/problem.js';

/** One side of a limit, or one diversity rule, as a plain function of an architecture: `value` must be at most `most`. */
export interface Rule {
  cost: string;
  bound: 'max' | 'min';
  limit: number;
  /** The total in the user's units. */
  total: (architecture: readonly number[]) => number;
}

export function totalOf(problem: Problem, cost: string, architecture: readonly number[]): number {
  return problem.layers.reduce(
    (sum, _, layer) => sum + (choiceAt(problem, layer, architecture).costs[cost] ?? NaN),
    problem.nonBlock[cost] ?? 0,
  );
}

export function scoreOf(problem: Problem, architecture: readonly number[]): number {
  return problem.layers.reduce((sum, _, layer) => sum + choiceAt(problem, layer, architecture).score, 0);
}

function choiceAt(problem: Problem, layer: number, architecture: readonly number[]): Choice {
  const choice = problem.layers[layer]?.choices[architecture[layer] ?? -1];
  if (choice === undefined) throw new Error(`layer ${layer} has no such choice`);
  return choice;
}

/** Every rule of the problem: limits as given, diversity as a count of equal layers. */
export function rulesOf(problem: Problem): Rule[] {
  const limits = problem.limits.flatMap(({ cost, min, max }): Rule[] => {
    const total = (architecture: readonly number[]): number => totalOf(problem, cost, architecture);
    return [
      ...(max === undefined ? [] : [{ cost, bound: 'max' as const, limit: max, total }]),
      ...(min === undefined ? [] : [{ cost, bound: 'min' as const, limit: min, total }]),
    ];
  });
  const { solutions = [], maxOverlap = 1 } = problem.diversity ?? {};
  const overlaps = solutions.map((solution, index): Rule => ({
    cost: `overlap with solution ${index}`,
    bound: 'max',
    limit: Math.floor(maxOverlap * problem.layers.length + 1e-6),
    total: (architecture) => architecture.filter((choice, layer) => choice === solution[layer]).length,
  }));
  return [...limits, ...overlaps];
}

/** By how much an architecture breaks a rule, in the user's units; at most 0 where it keeps it. */
export function excessOf({ bound, limit, total }: Rule, architecture: readonly number[]): number {
  const value = total(architecture);
  return (bound === 'max' ? value - limit : limit - value) - 1e-9 * Math.abs(limit) - 1e-12;
}

/** Every architecture that pins, bans and patterns allow, in lexicographic order. */
export function architecturesOf(problem: Problem): number[][] {
  const { pins = [], bans = [], same = [], maxShapes = Infinity } = problem;
  let all: number[][] = [[]];
  for (const [layer, { choices }] of problem.layers.entries()) {
    const pin = pins.find((place) => place.layer === layer)?.choice;
    const allowed = [...choices.keys()].filter(
      (choice) => (pin ?? choice) === choice && !bans.some((place) => place.layer === layer && place.choice === choice),
    );
    all = all.flatMap((prefix) => allowed.map((choice) => [...prefix, choice]));
  }
  if (same.length === 0 && maxShapes === Infinity) return all;
  return all.filter((architecture) => {
    const names = architecture.map((_, layer) => choiceAt(problem, layer, architecture).name);
    return (
      new Set(names).size <= maxShapes && same.every(({ from, to }) => new Set(names.slice(from, to + 1)).size === 1)
    );
  });
}

/** Every architecture that meets the limits too. */
export function feasibleOf(problem: Problem): number[][] {
  const rules = rulesOf(problem);
  return architecturesOf(problem).filter((architecture) => rules.every((rule) => excessOf(rule, architecture) <= 0));
}

/** The answer by trying everything, with the documented rule for ties; undefined: nothing fits. */
export function bruteForce(problem: Problem): number[] | undefined {
  const rules = rulesOf(problem);
  const all = architecturesOf(problem);
  const fit = all.filter((architecture) => rules.every((rule) => excessOf(rule, architecture) <= 0));
  const least = fit.reduce((a, b) => Math.min(a, scoreOf(problem, b)), Infinity);
  const [first] = all;
  if (first === undefined) return undefined;
  const usable = problem.layers.map((_, layer) => undominated(problem, rules, first, all, layer));
  return fit.find(
    (architecture) =>
      scoreOf(problem, architecture) <= least + 1e-9 &&
      architecture.every((choice, layer) => usable[layer]?.has(choice)),
  );
}

/** The choices of a layer that no other allowed one makes pointless, found by swapping them in any one architecture. */
function undominated(
  problem: Problem,
  rules: readonly Rule[],
  base: readonly number[],
  all: readonly number[][],
  layer: number,
): Set<number> {
  const allowed = [...new Set(all.map((architecture) => architecture[layer] ?? -1))];
  const measures = new Map(
    allowed.map((choice) => {
      const swapped = base.with(layer, choice);
      return [choice, [scoreOf(problem, swapped), ...rules.map((rule) => excessOf(rule, swapped))]];
    }),
  );
  const beats = (a: number, b: number): boolean => {
    const differences = (measures.get(a) ?? []).map((x, k) => x - (measures.get(b)?.[k] ?? NaN));
    if (differences.some((d) => d > 1e-12)) return false;
    return differences.some((d) => d < -1e-12) || a < b;
  };
  return new Set(allowed.filter((b) => !allowed.some((a) => a !== b && beats(a, b))));
}

let loading: ReturnType<typeof createGlpk> | undefined;

/**
 * GLPK's own answer for the whole program, but for `maxShapes`: the least sum of scores, or with `linear` that of mixed
 * choices. Undefined where it proves none, or the time is over.
 */
export async function glpkObjective(
  problem: Problem,
  { linear = false, seconds }: { linear?: boolean; seconds?: number } = {},
): Promise<number | undefined> {
  loading ??= createGlpk();
  const glpk = await loading;
  const { pins = [], bans = [], same = [], diversity } = problem;
  const columns = problem.layers.flatMap(({ choices }, layer) => {
    const pin = pins.find((place) => place.layer === layer)?.choice;
    return choices.flatMap((choice, index) =>
      (pin ?? index) === index && !bans.some((place) => place.layer === layer && place.choice === index)
        ? [{ choice, layer, index, name: `x${layer}_${index}` }]
        : [],
    );
  });
  const limits = problem.limits.map(({ cost, min, max }, k) => {
    const sizes = columns.map(({ choice }) => Math.abs(choice.costs[cost] ?? NaN));
    const scale = Math.max(Math.abs(max ?? 0), Math.abs(min ?? 0), ...sizes, 1e-300);
    const fixed = problem.nonBlock[cost] ?? 0;
    const sides = max === min ? glpk.GLP_FX : glpk.GLP_DB;
    const type = min === undefined ? glpk.GLP_UP : max === undefined ? glpk.GLP_LO : sides;
    return {
      name: `limit${k}`,
      vars: columns.map(({ name, choice }) => ({ name, coef: (choice.costs[cost] ?? NaN) / scale })),
      bnds: { type, lb: ((min ?? 0) - fixed) / scale, ub: ((max ?? 0) - fixed) / scale },
    };
  });
  const groups = problem.layers.map((_, layer) => ({
    name: `layer${layer}`,
    vars: columns.filter((column) => column.layer === layer).map(({ name }) => ({ name, coef: 1 })),
    bnds: { type: glpk.GLP_FX, lb: 1, ub: 1 },
  }));
  const overlaps = (diversity?.solutions ?? []).map((solution, k) => ({
    name: `overlap${k}`,
    vars: columns.filter(({ layer, index }) => solution[layer] === index).map(({ name }) => ({ name, coef: 1 })),
    bnds: { type: glpk.GLP_UP, lb: 0, ub: Math.floor((diversity?.maxOverlap ?? 1) * problem.layers.length + 1e-6) },
  }));
  // As much of a name in each layer of a range as in the layer before.
  const alike = same.flatMap(({ from, to }) =>
    Array.from({ length: to - from }, (_, i) => from + i).flatMap((layer) => {
      const pair = columns.filter((column) => column.layer === layer || column.layer === layer + 1);
      return [...new Set(pair.map(({ choice }) => choice.name))].map((shape, k) => ({
        name: `alike${layer}_${k}`,
        vars: pair
          .filter(({ choice }) => choice.name === shape)
          .map(({ name, layer: own }) => ({ name, coef: own === layer ? 1 : -1 })),
        bnds: { type: glpk.GLP_FX, lb: 0, ub: 0 },
      }));
    }),
  );
  const rows = [...groups, ...limits, ...overlaps.filter(({ vars }) => vars.length > 0), ...alike];
  const vars = columns.map(({ name, choice }) => ({ name, coef: choice.score }));
  const { status, z } = glpk.solve(
    {
      name: 'oracle',
      objective: { direction: glpk.GLP_MIN, name: 'score', vars },
      subjectTo: rows,
      ...(linear
        ? { bounds: columns.map(({ name }) => ({ name, type: glpk.GLP_LO, lb: 0, ub: 0 })) }
        : { binaries: columns.map(({ name }) => name) }),
    },
    { msglev: glpk.GLP_MSG_OFF, presol: !linear, ...(seconds === undefined ? {} : { tmlim: seconds }) },
  ).result;
  return status === glpk.GLP_OPT ? z : undefined;
}

export interface ShapeOptions {
  layers: number;
  attentions: number;
  ffns: number;
  seed: number;
  /** Share of every limited cost that the answer may keep. */
  keep: number;
  /** Relative spread of runtimes between layers; 0: the same costs in every layer. */
  noise: number;
}

/**
 * A problem shaped like a search's: attention and FFN variants from the parent's down to none, scores that grow faster
 * than the savings and differ between layers by factors, memory in bytes beside runtime in milliseconds.
 */
export function searchLikeProblem({ layers, attentions, ffns, seed, keep, noise }: ShapeOptions): Problem {
  const random = new Random(seed);
  const problem: Problem = {
    layers: Array.from({ length: layers }, () => {
      const attentionScale = 0.01 * Math.exp(0.8 * random.normal());
      const ffnScale = 0.02 * Math.exp(0.8 * random.normal());
      const drop = (scale: number, count: number): number[] =>
        Array.from({ length: count }, (_, i) => scale * (i / (count - 1)) ** 1.5 * (1 + 0.2 * random.normal()));
      const attentionDrops = drop(attentionScale, attentions);
      const ffnDrops = drop(ffnScale, ffns);
      return {
        choices: attentionDrops.flatMap((attentionDrop, a) =>
          ffnDrops.map((ffnDrop, f) => {
            const attention = 1 - a / (attentions - 1);
            const ffn = 1 - f / (ffns - 1);
            const parameters = Math.round(1e6 * (60 * attention + 120 * ffn));
            const jitter = (): number => 1 + noise * random.normal();
            return {
              name: `attention-${a}/ffn-${f}`,
              score: attentionDrop + ffnDrop,
              costs: {
                parameters,
                memory: 2 * parameters + Math.round(2 ** 28 * attention ** 2),
                runtime: (0.3 * attention + 0.6 * attention ** 2) * jitter() + 0.8 * ffn * jitter(),
              },
            };
          }),
        ),
      };
    }),
    nonBlock: { parameters: 5e8, memory: 1e9, runtime: 2 },
    limits: [],
  };
  const parent = problem.layers.map(() => 0);
  for (const [cost, looser] of Object.entries({ parameters: 1.2, memory: 1.08, runtime: 1 })) {
    problem.limits.push({ cost, max: keep * looser * totalOf(problem, cost, parent) });
  }
  return problem;
}
