/**
 * Measures what the project promises and prints a row per figure: the median, the quartiles, the number of measurements.
 * Run it with nothing else running.
 *
 *   npm run bench                          everything, as a table
 *   npm run bench -- --json                one JSON object a line: {"name","value","unit","n","low","high"}
 *   npm run bench -- --only NAME           one row; may be repeated
 */
import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, loadavg, tmpdir } from 'node:os';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { messageOf } from '../../src/common/errors.js';
import { distilBenchmarks } from './distil.js';
import { depthBenchmarks } from './depth.js';
import { exampleBenchmarks } from './example.js';
import { KERNEL_BENCHMARKS } from './kernels.js';
import { PREDICTION_BENCHMARKS } from './prediction.js';
import type { Benchmark, BenchRow } from './row.js';
import { scalingBenchmarks } from './scaling.js';
import { solverBenchmarks } from './solver.js';
import { workbenchBenchmarks } from './workbench.js';

const EXIT = { failed: 1, badInput: 2 };
const NAME_WIDTH = 32;
const NUMBER_WIDTH = 10;

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

function columns(name: string, numbers: readonly string[], unit: string): string {
  return `${name.padEnd(NAME_WIDTH)}${numbers.map((number) => number.padStart(NUMBER_WIDTH)).join('')}  ${unit}`;
}

function tableLine({ name, value, low, high, n, unit }: BenchRow): string {
  return columns(name, [...[value, low, high].map((number) => number.toPrecision(4)), String(n)], unit);
}

interface Options {
  json: boolean;
  only: string[];
}

/** Undefined, after a message, where the arguments cannot be used. */
function parseOptions(names: readonly string[]): Options | undefined {
  try {
    const { values } = parseArgs({
      options: { json: { type: 'boolean', default: false }, only: { type: 'string', multiple: true, default: [] } },
    });
    const unknown = values.only.filter((name) => !names.includes(name));
    if (unknown.length === 0) return values;
    say(`no row is named ${unknown.join(', ')}; there are: ${names.join(', ')}`);
  } catch (error) {
    say(messageOf(error));
  }
  return undefined;
}

/** Measures the rows that are wanted, one after the other; false when one of them could not be. */
async function measureRows(benchmarks: readonly Benchmark[], { json, only }: Options): Promise<boolean> {
  say(`load average ${loadavg()[0]?.toFixed(1) ?? '?'} on ${availableParallelism()} cores before the first row`);
  if (!json) console.log(columns('name', ['value', 'low', 'high', 'n'], 'unit'));
  let complete = true;
  for (const { name, unit, what, measure } of benchmarks) {
    if (only.length > 0 && !only.includes(name)) continue;
    say(`\n${name}: ${what}`);
    try {
      const { value, n, low, high } = await measure();
      const row: BenchRow = { name, value, unit, n, low, high };
      console.log(json ? JSON.stringify(row) : tableLine(row));
    } catch (error) {
      complete = false;
      say(`${name} could not be measured: ${messageOf(error)}`);
    }
  }
  return complete;
}

async function main(): Promise<number> {
  const scratch = await mkdtemp(path.join(tmpdir(), 'puzzle-bench-'));
  try {
    const benchmarks = [
      ...KERNEL_BENCHMARKS,
      ...distilBenchmarks(scratch),
      ...scalingBenchmarks(scratch),
      ...depthBenchmarks(scratch),
      ...exampleBenchmarks(scratch),
      ...PREDICTION_BENCHMARKS,
      ...solverBenchmarks(scratch),
      ...workbenchBenchmarks(scratch),
    ];
    const options = parseOptions(benchmarks.map(({ name }) => name));
    if (options === undefined) return EXIT.badInput;
    return (await measureRows(benchmarks, options)) ? 0 : EXIT.failed;
  } finally {
    await rm(scratch, { recursive: true, force: true });
  }
}

process.exitCode = await main();
