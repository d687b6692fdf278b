/**
 * Runs every suite: the static checks (each counts as one test) and the test files, one process each. The last line is
 * `N passed, N failed`, with `, N skipped` where tests were. Exit status 1 when anything failed or nothing ran.
 *
 *   npm test                      everything
 *   npm test -- solver eslint     only files and checks whose name contains one of the words
 */
import { spawn } from 'node:child_process';
import { readdir } from 'node:fs/promises';
import { availableParallelism } from 'node:os';
import { dirname, join, relative, resolve } from 'node:path';
import { run } from 'node:test';
import { fileURLToPath } from 'node:url';
import { inspect } from 'node:util';
import { preparePrograms } from './workbench/programs.js';

const ROOT = dirname(dirname(fileURLToPath(import.meta.url)));
/** Suites that drive a real editor. */
const WORKBENCH_FOLDER = 'test/workbench/suites';
const TEST_FOLDERS = ['test/unit', 'test/numerics', 'test/golden', WORKBENCH_FOLDER];
/** Name and arguments of a Node program that exits with 0 when all is well. */
const CHECKS: Record<string, string[]> = {
  'tsc --noEmit': ['node_modules/typescript/bin/tsc', '--noEmit'],
  'tsc --noEmit -p webview': ['node_modules/typescript/bin/tsc', '--noEmit', '-p', 'webview'],
  'eslint .': ['node_modules/eslint/bin/eslint.js', '--no-color', '.'],
  'prettier --check .': ['node_modules/prettier/bin/prettier.cjs', '--no-color', '--check', '.'],
};
/** A file that takes longer hangs: it is stopped and counted as failed. */
const FILE_LIMIT_MS = 15 * 60 * 1000;
const SLOWEST_SHOWN = 5;

interface Failure {
  test: string;
  /** The error with its stack. */
  detail: string;
}

interface Skip {
  test: string;
  reason: string;
}

/** What became of one check or one test file. */
interface SuiteResult {
  name: string;
  passed: number;
  failures: Failure[];
  skips: Skip[];
  /** Everything it printed; shown only when something failed. */
  output: string;
  seconds: number;
}

interface Suite {
  name: string;
  execute: () => Promise<SuiteResult>;
}

function secondsSince(started: number): number {
  return (performance.now() - started) / 1000;
}

async function runCheck(name: string, args: string[]): Promise<SuiteResult> {
  const started = performance.now();
  const child = spawn(process.execPath, args, { cwd: ROOT, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => (output += text));
  }
  const status = await new Promise<number | null>((done, failed) => child.on('close', done).on('error', failed));
  const failures = status === 0 ? [] : [{ test: name, detail: `exit status ${String(status)}` }];
  return { name, passed: status === 0 ? 1 : 0, failures, skips: [], output, seconds: secondsSince(started) };
}

/** A suite fails when one of its tests does; only what failed of itself (a hook) is news. */
function onlyBecauseOfSubtests(error: Error): boolean {
  return 'failureType' in error && error.failureType === 'subtestsFailed';
}

/** The error a test threw is the cause of the one the runner reports. */
function describeError(error: Error): string {
  return inspect(error.cause ?? error, { depth: 6 });
}

async function runTestFile(file: string): Promise<SuiteResult> {
  const started = performance.now();
  const name = relative(ROOT, file);
  const result: SuiteResult = { name, passed: 0, failures: [], skips: [], output: '', seconds: 0 };
  // The file's process inherits the loader (`--import tsx`) that this one was started with.
  const events = run({ files: [file], concurrency: 1, signal: AbortSignal.timeout(FILE_LIMIT_MS) });
  const skipReason = ({ skip, todo }: { skip?: string | boolean; todo?: string | boolean }) => skip ?? todo;
  const addSkip = (test: string, reason: string | boolean) =>
    result.skips.push({ test, reason: typeof reason === 'string' ? reason : 'no reason given' });

  events.on('test:pass', (event) => {
    const reason = skipReason(event);
    if (reason !== undefined) addSkip(event.name, reason);
    else if (event.name === file) result.failures.push({ test: name, detail: 'the file contains no test' });
    else if (event.details.type !== 'suite') result.passed++;
  });
  events.on('test:fail', (event) => {
    const reason = skipReason(event);
    const { error } = event.details;
    if (reason !== undefined) addSkip(event.name, reason);
    else if (!onlyBecauseOfSubtests(error)) {
      const test = event.name === file ? 'the file did not run to its end' : event.name;
      result.failures.push({ test, detail: describeError(error) });
    }
  });
  events.on('test:stdout', ({ message }) => (result.output += message));
  events.on('test:stderr', ({ message }) => (result.output += message));
  events.resume();
  await new Promise((done, failed) => events.on('end', done).on('error', failed));
  return { ...result, seconds: secondsSince(started) };
}

async function testFiles(): Promise<string[]> {
  const perFolder = await Promise.all(
    TEST_FOLDERS.map(async (folder) => {
      const names = await readdir(join(ROOT, folder), { recursive: true });
      return names.filter((name) => name.endsWith('.test.ts')).map((name) => resolve(ROOT, folder, name));
    }),
  );
  return perFolder.flat().sort();
}

function indent(text: string): string {
  return text.trimEnd().replaceAll(/^/gm, '    ');
}

function print({ name, passed, failures, skips, output, seconds }: SuiteResult): void {
  const counts = [`${passed} passed`, `${failures.length} failed`, `${skips.length} skipped`];
  const shown = counts.filter((count) => !count.startsWith('0 ')).join(', ');
  console.log(`${failures.length === 0 ? 'ok  ' : 'FAIL'}  ${name}  ${shown}  ${seconds.toFixed(1)} s`);
  for (const { test, reason } of skips) console.log(`  skipped: ${test} (${reason})`);
  for (const { test, detail } of failures) console.log(`  failed: ${test}\n${indent(detail)}`);
  if (failures.length > 0 && output.trim() !== '') console.log(`  output:\n${indent(output)}`);
}

/** Runs the suites, as many at a time as there are processors, and prints each as it ends. */
async function runSuites(suites: readonly Suite[]): Promise<SuiteResult[]> {
  const waiting = [...suites];
  const results: SuiteResult[] = [];
  const worker = async () => {
    for (let suite = waiting.shift(); suite !== undefined; suite = waiting.shift()) {
      const result = await suite.execute();
      print(result);
      results.push(result);
    }
  };
  await Promise.all(Array.from({ length: availableParallelism() }, worker));
  return results;
}

const words = process.argv.slice(2);
const wanted = ({ name }: Suite) => words.length === 0 || words.some((word) => name.includes(word));
const checks = Object.entries(CHECKS).map(([name, args]) => ({ name, execute: () => runCheck(name, args) }));
const files = (await testFiles()).map((file) => ({ name: relative(ROOT, file), execute: () => runTestFile(file) }));
const suites = [...checks, ...files].filter(wanted);
if (suites.some(({ name }) => name.startsWith(WORKBENCH_FOLDER))) {
  // What has to be installed comes while the processors do something else. The suites ask again, and tell of failures.
  preparePrograms().catch(() => undefined);
}
const results = await runSuites(suites);

const count = (of: (result: SuiteResult) => number) => results.reduce((sum, result) => sum + of(result), 0);
const passed = count((result) => result.passed);
const failed = count((result) => result.failures.length);
const skipped = count((result) => result.skips.length);

const slowest = results.toSorted((a, b) => b.seconds - a.seconds).slice(0, SLOWEST_SHOWN);
console.log(`\nslowest: ${slowest.map(({ name, seconds }) => `${name} ${seconds.toFixed(1)} s`).join(', ')}`);
for (const { name, failures } of results) {
  for (const { test } of failures) console.log(`failed: ${name}: ${test}`);
}
if (passed + failed === 0) console.log('No test ran: no file or check has that in its name.');
console.log(`${passed} passed, ${failed} failed${skipped > 0 ? `, ${skipped} skipped` : ''}`);
process.exitCode = failed > 0 || passed === 0 ? 1 : 0;
