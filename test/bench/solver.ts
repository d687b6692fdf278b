// The solver, warm, against what it promises and against GLPK and CBC.
import { execFile } from 'node:child_process';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import type { Problem } from '../../src/solver/problem.js';
import { solve } from '../../src/solver/solve.js';
import { diverse, front } from '../../src/solver/front.js';
import { type InstanceSize, puzzleInstance, SIZE_126_120, SIZE_80_54, TIGHTNESS } from '../support/solver-instances.js';
import { glpkObjective } from '../support/solver-oracle.js';
import { secondsOf } from './pairs.js';
import { type Benchmark, type Measurement, ofSample } from './row.js';

const SEEDS = 20;
/** Relative spread of measured times: odd seeds have it, even seeds the same costs in every layer. */
const NOISE = 0.02;
/** Seeds at each tightness for the comparisons, which take long. */
const COMPARED_SEEDS = 4;
/** Another solver is stopped then; its ratio is then a lower bound, which a median among larger ones does not show. */
const OTHER_SECONDS = 10;
const FRONT_POINTS = 50;
const DIVERSE = 10;

const GENERATOR = `${TIGHTNESS.length} tightness levels x ${SEEDS} seeds, half of the instances with the same costs in every layer, half with ${100 * NOISE}% of measurement noise (test/support/solver-instances.ts)`;

function instances(size: InstanceSize, seeds: number): Problem[] {
  return TIGHTNESS.flatMap((tightness) =>
    Array.from({ length: seeds }, (_, seed) => puzzleInstance(size, seed, tightness, seed % 2 === 0 ? 0 : NOISE)),
  );
}

/** Milliseconds of a proven optimum. */
async function solveMilliseconds(problem: Problem): Promise<number> {
  const found = await solve(problem);
  if (found.status !== 'optimal') throw new Error(`an instance ended as ${found.status}`);
  return found.milliseconds;
}

const samples = new Map<InstanceSize, Promise<number[]>>();

/** Times of all instances in ascending order, after one round that is not counted; measured once for all rows. */
function solveTimes(size: InstanceSize): Promise<number[]> {
  const measure = async () => {
    const problems = instances(size, SEEDS);
    for (const problem of problems.filter((_, i) => i % 5 === 0)) await solveMilliseconds(problem);
    const times: number[] = [];
    for (const problem of problems) times.push(await solveMilliseconds(problem));
    return times.sort((a, b) => a - b);
  };
  const known = samples.get(size) ?? measure();
  samples.set(size, known);
  return known;
}

async function quantile(size: InstanceSize, share: number): Promise<Measurement> {
  const times = await solveTimes(size);
  const value = times[Math.min(times.length - 1, Math.floor(share * times.length))] ?? NaN;
  return { value, n: times.length, low: times[0] ?? NaN, high: times.at(-1) ?? NaN };
}

/** The time of another solver over ours, instance by instance, one right after the other. */
async function ratios(other: (problem: Problem) => Promise<number>): Promise<Measurement> {
  const problems = instances(SIZE_80_54, COMPARED_SEEDS);
  for (const problem of problems) await solveMilliseconds(problem);
  const found: number[] = [];
  for (const problem of problems) found.push((await other(problem)) / (await solveMilliseconds(problem)));
  return ofSample(found);
}

async function glpkMilliseconds(problem: Problem): Promise<number> {
  return 1000 * (await secondsOf(() => glpkObjective(problem, { seconds: OTHER_SECONDS })));
}

/** The program in CPLEX LP format, names without meaning. */
function lpText({ layers, nonBlock, limits }: Problem): string {
  const columns = layers.flatMap(({ choices }, l) =>
    choices.map((choice, c) => ({ choice, layer: l, name: `x${l}_${c}` })),
  );
  const sum = (terms: readonly [number, string][]) =>
    terms.map(([x, name]) => `${x < 0 ? '-' : '+'} ${Math.abs(x)} ${name}`).join('\n ');
  const rows = limits.map(({ cost, max = 0 }, k) => {
    const terms = columns.map(({ choice, name }): [number, string] => [choice.costs[cost] ?? 0, name]);
    return ` limit${k}: ${sum(terms)}\n <= ${max - (nonBlock[cost] ?? 0)}`;
  });
  const groups = layers.map((_, l) => {
    const terms = columns.filter(({ layer }) => layer === l).map(({ name }): [number, string] => [1, name]);
    return ` layer${l}: ${sum(terms)}\n = 1`;
  });
  const objective = sum(columns.map(({ choice, name }) => [choice.score, name]));
  const binaries = columns.map(({ name }) => ` ${name}`).join('\n');
  return `Minimize\n score: ${objective}\nSubject To\n${[...rows, ...groups].join('\n')}\nBinaries\n${binaries}\nEnd\n`;
}

/** CBC's own reported time, with its gap set to none. */
async function cbcMilliseconds(problem: Problem, scratch: string): Promise<number> {
  const file = join(scratch, 'program.lp');
  await writeFile(file, lpText(problem));
  const options = ['-ratioGap', '0', '-allowableGap', '0', '-sec', String(OTHER_SECONDS), '-solve'];
  const { stdout } = await promisify(execFile)('cbc', [file, ...options], { maxBuffer: 2 ** 26 }).catch(
    (error: unknown) => {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') {
        throw new Error('cbc is not here; it comes with the package coinor-cbc');
      }
      throw error;
    },
  );
  const seconds = /Total time \(CPU seconds\):\s*([\d.]+)/.exec(stdout)?.[1];
  if (seconds === undefined) throw new Error('cbc reported no time');
  return 1000 * Number(seconds);
}

async function repeated(work: (problem: Problem) => Promise<unknown>): Promise<Measurement> {
  const problems = TIGHTNESS.map((tightness, i) => puzzleInstance(SIZE_80_54, i, tightness, i % 2 === 0 ? 0 : NOISE));
  const seconds: number[] = [];
  for (const problem of problems) {
    await solveMilliseconds(problem);
    seconds.push(await secondsOf(() => work(problem)));
  }
  return ofSample(seconds);
}

export function solverBenchmarks(scratch: string): Benchmark[] {
  const sizes = { '80x54': SIZE_80_54, '126x120': SIZE_126_120 };
  const shares = { p50: 0.5, p95: 0.95 };
  const stopped = `ended after ${OTHER_SECONDS} s, so that the ratio is at least that; ${TIGHTNESS.length * COMPARED_SEEDS} instances of 80 x 54`;
  return [
    ...Object.entries(sizes).flatMap(([name, size]) =>
      Object.entries(shares).map(([quantileName, share]) => ({
        name: `solve-${name}-${quantileName}-ms`,
        unit: 'ms',
        what: `time of a proven optimum, ${name.replace('x', ' layers x ')} choices, three limits, warm; ${GENERATOR}; low and high are the extremes`,
        measure: () => quantile(size, share),
      })),
    ),
    {
      name: 'solve-vs-glpk',
      unit: 'ratio',
      what: `time of GLPK on the unreduced program over ours, both to the proven optimum, in pairs; GLPK ${stopped}`,
      measure: () => ratios(glpkMilliseconds),
    },
    {
      name: 'solve-vs-cbc',
      unit: 'ratio',
      what: `CBC's own reported time on the same program over ours, both to the proven optimum, in pairs; CBC ${stopped}`,
      measure: () => ratios((problem) => cbcMilliseconds(problem, scratch)),
    },
    {
      name: 'front-50-s',
      unit: 's',
      what: `${FRONT_POINTS} exact points of a front over memory, 80 x 54; one instance at each tightness`,
      measure: () => repeated((problem) => front(problem, [{ cost: 'memory_mib', bound: 'max' }], FRONT_POINTS)),
    },
    {
      name: 'diverse-10-s',
      unit: 's',
      what: `${DIVERSE} solutions that agree in at most 80% of the layers, 80 x 54; one instance at each tightness`,
      measure: () => repeated((problem) => diverse(problem, DIVERSE, 0.8)),
    },
  ];
}
