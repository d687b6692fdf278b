/**
 * What the editor calls inside its extension host: runs the Mocha files beside this one and appends a line of JSON per
 * test to the file that PUZZLE_TEST_RESULTS names, so that what was done is known even when the host dies.
 */
import { appendFileSync, readdirSync } from 'node:fs';
import { join } from 'node:path';
import { inspect } from 'node:util';
import Mocha from 'mocha';
import { type HostTestResult, RESULTS_VARIABLE } from './results.js';
import { skipReason } from './skip.js';

/** Longer than anything that a test waits for, so that it is told what was awaited. */
const TEST_LIMIT_MS = 300_000;

export async function run(): Promise<void> {
  const results = process.env[RESULTS_VARIABLE];
  if (results === undefined) throw new Error(`${RESULTS_VARIABLE} names no file for the results`);
  const mocha = new Mocha({ ui: 'bdd', timeout: TEST_LIMIT_MS, reporter: 'min' });
  for (const name of readdirSync(__dirname).sort()) {
    if (name.endsWith('.test.cjs')) mocha.addFile(join(__dirname, name));
  }
  const report = (result: HostTestResult) => {
    appendFileSync(results, `${JSON.stringify(result)}\n`);
  };
  const failures = await new Promise<number>((done) => {
    mocha
      .run(done)
      .on('pass', (test) => {
        report({ title: test.fullTitle(), state: 'passed', seconds: (test.duration ?? 0) / 1000 });
      })
      .on('pending', (test) => {
        report({ title: test.fullTitle(), state: 'skipped', detail: skipReason(test) ?? '' });
      })
      .on('fail', (test, error: unknown) => {
        report({ title: test.fullTitle(), state: 'failed', detail: inspect(error, { depth: 6 }) });
      });
  });
  if (failures > 0) throw new Error(`${failures} tests failed`);
}
