import { costNames, LIMIT_TOLERANCE, type Choice, type Problem } from './problem.js';

/** A choice that is still in the running, with its score and its use of every row, shifted and scaled. */
export interface Candidate {
  layer: number;
  choice: number;
  score: number;
  usage: readonly number[];
}

/** Where a row comes from, in the user's words and units. */
export interface RowSource {
  /** The cost, or for a diversity row the earlier architecture it counts agreements with. */
  cost: string;
  bound: 'max' | 'min';
  kind: 'cost' | 'diversity';
  limit: number;
  /** The best total that any architecture reaches, whatever the other limits. */
  reachable: number;
  /** User's units per unit of the row. */
  unit: number;
}

/** The sum of its candidates' usages must be at most `room`. */
export interface Row {
  source: RowSource;
  room: number;
  /** The total, in the user's units, of an architecture given as a choice per layer. */
  total: (architecture: readonly number[]) => number;
}

/**
 * The problem as the search sees it. Pins and bans have left their layers, and every limit (maximum, minimum or
 * diversity) is a row "sum of usages ≤ room". Scores and usages count from the least of their layer, so that a room
 * below zero is a limit out of reach, and are scaled to be at most 1, as the rows of a problem may be bytes beside
 * seconds; by powers of two, which loses nothing.
 */
export interface Program {
  layers: readonly (readonly Candidate[])[];
  rows: readonly Row[];
  /** A sum of scores here times `scoreUnit`, plus `scoreBase`, is the user's objective. */
  scoreUnit: number;
  scoreBase: number;
}

/** What a sum over the layers may be off, relative to the sum of magnitudes: it matters where a limit is zero. */
const ROUNDING = 1e-13;

/** What one row measures before shifting and scaling: the sum must be at most `most`. */
interface Measure {
  source: Omit<RowSource, 'reachable' | 'unit'>;
  most: number;
  /** +1, or -1 where the user's limit is a minimum: usages are then negated costs. */
  sign: 1 | -1;
  nonBlock: number;
  of: (choice: Choice, layer: number, index: number) => number;
}

/** The program of a checked problem. `scored: false` leaves every score at zero: only the limits matter. */
export function toProgram(problem: Problem, scored = true): Program {
  const allowed = allowedChoices(problem);
  const measures = [...limitMeasures(problem), ...diversityMeasures(problem)];
  const scores = shiftAndScale(allowed.map((choices) => choices.map(({ choice }) => (scored ? choice.score : 0))));
  const columns = measures.map((measure) =>
    shiftAndScale(
      allowed.map((choices, layer) =>
        choices.map(({ choice, index }) => measure.sign * measure.of(choice, layer, index)),
      ),
    ),
  );
  const rows = measures.map((measure, k): Row => {
    const { least, unit, size } = columns[k] as Column;
    const reachable = measure.nonBlock + measure.sign * least;
    return {
      source: { ...measure.source, reachable, unit },
      room: (measure.most + ROUNDING * size - measure.sign * measure.nonBlock - least) / unit,
      total: (architecture) =>
        problem.layers.reduce((sum, { choices }, layer) => {
          const index = architecture[layer] as number;
          return sum + measure.of(choices[index] as Choice, layer, index);
        }, measure.nonBlock),
    };
  });
  const layers = allowed.map((choices, layer) =>
    choices.map(({ index }, position) => ({
      layer,
      choice: index,
      score: valueAt(scores, layer, position),
      usage: columns.map((column) => valueAt(column, layer, position)),
    })),
  );
  return { layers, rows, scoreUnit: scores.unit, scoreBase: scores.least };
}

/**
 * The program without the choices that can be left out of every answer: another choice of the layer scores no higher,
 * uses no more of any row, and is better somewhere or, where they are equal throughout, listed earlier.
 */
export function withoutDominated(program: Program): Program {
  const layers = program.layers.map((candidates) =>
    candidates.filter((candidate) => !candidates.some((other) => dominates(other, candidate))),
  );
  return { ...program, layers };
}

function dominates(a: Candidate, b: Candidate): boolean {
  if (a === b || a.score > b.score) return false;
  let better = a.score < b.score;
  for (const [k, usage] of a.usage.entries()) {
    const other = b.usage[k] as number;
    if (usage > other) return false;
    if (usage < other) better = true;
  }
  return better || a.choice < b.choice;
}

function allowedChoices({ layers, pins = [], bans = [] }: Problem): { choice: Choice; index: number }[][] {
  return layers.map(({ choices }, layer) => {
    const pin = pins.find((place) => place.layer === layer);
    const banned = new Set(bans.filter((ban) => ban.layer === layer).map((ban) => ban.choice));
    return choices
      .map((choice, index) => ({ choice, index }))
      .filter(({ index }) => (pin === undefined || pin.choice === index) && !banned.has(index));
  });
}

/** One measure per side of a cost that is limited: the tightest of its limits on that side. */
function limitMeasures({ limits, nonBlock, ...problem }: Problem): Measure[] {
  return costNames({ limits, nonBlock, ...problem }).flatMap((cost) => {
    const own = limits.filter((limit) => limit.cost === cost);
    const maxima = own.flatMap(({ max }) => (max === undefined ? [] : [max]));
    const minima = own.flatMap(({ min }) => (min === undefined ? [] : [min]));
    const measure = (bound: 'max' | 'min', limit: number): Measure => {
      const sign = bound === 'max' ? 1 : -1;
      return {
        source: { cost, bound, kind: 'cost', limit },
        most: sign * limit + LIMIT_TOLERANCE * Math.abs(limit),
        sign,
        nonBlock: nonBlock[cost] ?? 0,
        of: (choice) => choice.costs[cost] as number,
      };
    };
    return [
      ...(maxima.length > 0 ? [measure('max', Math.min(...maxima))] : []),
      ...(minima.length > 0 ? [measure('min', Math.max(...minima))] : []),
    ];
  });
}

/** In how many layers an architecture may agree with each of the earlier ones. */
export function allowedOverlap({ layers, diversity }: Problem): number {
  return Math.floor((diversity?.maxOverlap ?? 1) * layers.length * (1 + LIMIT_TOLERANCE));
}

/** What the agreements with an earlier solution are called where costs have names. */
export function overlapName(solution: number): string {
  return `overlap with solution ${solution}`;
}

function diversityMeasures(problem: Problem): Measure[] {
  const allowed = allowedOverlap(problem);
  return (problem.diversity?.solutions ?? []).map((solution, index) => ({
    source: { cost: overlapName(index), bound: 'max', kind: 'diversity', limit: allowed },
    most: allowed,
    sign: 1,
    nonBlock: 0,
    of: (_, layer, choice) => (solution[layer] === choice ? 1 : 0),
  }));
}

interface Column {
  values: number[][];
  /** What was taken off: the sum over layers of the least value. */
  least: number;
  unit: number;
  /** The sum over layers of the largest magnitude. */
  size: number;
}

function shiftAndScale(raw: readonly (readonly number[])[]): Column {
  const least = raw.map((values) => values.reduce((a, b) => Math.min(a, b), Infinity));
  const spread = raw.reduce(
    (most, values, l) => values.reduce((a, b) => Math.max(a, b - (least[l] as number)), most),
    0,
  );
  const unit = spread === 0 ? 1 : 2 ** Math.ceil(Math.log2(spread));
  return {
    values: raw.map((values, l) => values.map((value) => (value - (least[l] as number)) / unit)),
    least: least.reduce((a, b) => a + b, 0),
    unit,
    size: raw.reduce((sum, values) => sum + values.reduce((a, b) => Math.max(a, Math.abs(b)), 0), 0),
  };
}

function valueAt(column: Column, layer: number, position: number): number {
  return (column.values[layer] as number[])[position] as number;
}
