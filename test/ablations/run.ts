/**
 * Compares the method's parts on real models and prints a table per question. Seeded; goes on where it was stopped. Run it
 * with nothing else running: some tables hold measured throughput.
 *
 *   npm run ablations                       every table; the results are kept in .puzzle/ablations
 *   npm run ablations -- --only NAME        one table; may be repeated
 *   npm run ablations -- --full             more seeds, tokens and settings
 *   npm run ablations -- --write            puts the tables into docs/results.md, where their marks are
 *   npm run ablations -- --processes N      at most so many task processes; as many as cores, when absent
 */
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { format, resolveConfig } from 'prettier';
import { messageOf } from '../../src/common/errors.js';
import { writeBytes } from '../../src/run/artifacts.js';
import { createExecutor } from '../../src/worker/executor.js';
import { closedForms } from './closed-form.js';
import { coupled } from './coupled.js';
import { withTable } from './document.js';
import { distillation } from './distillation.js';
import { frontier } from './frontier.js';
import { interactions } from './interactions.js';
import { iterative } from './iterative.js';
import type { Ablation, Lab } from './lab.js';
import { losses } from './losses.js';
import { memory } from './memory.js';
import { scoreKinds } from './scores.js';
import { searchMethods } from './search-methods.js';
import { Store } from './store.js';
import { subjects } from './subjects.js';
import { markdown } from './table.js';

const ROOT = path.dirname(path.dirname(import.meta.dirname));
const DOCUMENT = path.join(ROOT, 'docs/results.md');

/** Rises when the same settings would give other results. */
const VERSION = '1';

const ABLATIONS: readonly Ablation[] = [
  { name: 'search-methods', title: 'The exact program against other ways to choose', measure: searchMethods },
  { name: 'scores', title: 'What to score by', measure: scoreKinds },
  { name: 'interactions', title: 'Whole architectures against the sum of scores', measure: interactions },
  { name: 'distillation', title: 'What blockwise distillation is worth', measure: distillation },
  { name: 'closed-form', title: 'Closed forms against training', measure: closedForms },
  { name: 'coupled', title: 'Variants trained together', measure: coupled },
  { name: 'losses', title: 'What to minimise in uptraining', measure: losses },
  { name: 'iterative', title: 'At once or in steps', measure: iterative },
  { name: 'frontier', title: 'Accuracy kept against speed-up', measure: frontier },
  { name: 'memory', title: 'Fitting one device', measure: memory },
];

const EXIT = { failed: 1, badInput: 2 };

function say(line: string): void {
  process.stderr.write(`${line}\n`);
}

/** Puts a table into its place, laid out as every other document. */
async function writeTable(name: string, text: string): Promise<void> {
  const document = withTable(await readFile(DOCUMENT, 'utf8'), name, text);
  await writeBytes(DOCUMENT, await format(document, { ...(await resolveConfig(DOCUMENT)), filepath: DOCUMENT }));
}

async function main(): Promise<number> {
  const { values: flags } = parseArgs({
    options: {
      only: { type: 'string', multiple: true, default: [] },
      full: { type: 'boolean', default: false },
      write: { type: 'boolean', default: false },
      processes: { type: 'string' },
    },
  });
  const unknown = flags.only.filter((name) => !ABLATIONS.some((ablation) => ablation.name === name));
  if (unknown.length > 0) {
    say(`no table is named ${unknown.join(', ')}; there are: ${ABLATIONS.map(({ name }) => name).join(', ')}`);
    return EXIT.badInput;
  }
  const store = await Store.open(path.join(ROOT, '.puzzle/ablations'));
  const executor = createExecutor(flags.processes === undefined ? undefined : Number(flags.processes));
  const lab: Lab = { store, subjects: subjects(), executor, full: flags.full, version: VERSION, say };
  let complete = true;
  for (const { name, title, measure } of ABLATIONS) {
    if (flags.only.length > 0 && !flags.only.includes(name)) continue;
    const started = performance.now();
    try {
      const text = markdown(await measure(lab));
      console.log(`## ${title}\n\n${text}\n`);
      say(`${name}: ${((performance.now() - started) / 1000).toFixed(0)} s`);
      if (flags.write) await writeTable(name, text);
    } catch (error) {
      complete = false;
      say(`${name} could not be measured: ${messageOf(error)}`);
    }
  }
  return complete ? 0 : EXIT.failed;
}

process.exitCode = await main();
