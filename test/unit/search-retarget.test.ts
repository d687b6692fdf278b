import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { enumerateVariants } from '../../src/model/variants.js';
import { type OnTimed } from '../../src/search/measure-here.js';
import { measuredWith } from '../../src/search/measure-rows.js';
import { measuringEngine } from '../../src/search/measuring-engine.js';
import { retarget } from '../../src/search/retarget.js';
import { parseSpec } from '../../src/search/spec.js';
import { isMeasured } from '../../src/search/stored-as.js';
import type { StoredLibrary } from '../../src/search/stored-library.js';
import { libraryCosts } from '../../src/target/costs.js';
import { type CostTable, parseCostTable, tableKey } from '../../src/target/table.js';
import { temporaryDirectory } from '../support/run-process.js';
import { tinyConfig } from '../support/tiny-model.js';

const parent = tinyConfig();
const workload = { batch: 1, prefill: 4, generated: 1 };
const variants = enumerateVariants(parent, {
  attention: { kvHeads: [2], linear: false, noOp: true },
  ffn: { percents: [], multiple: 8, linear: false, noOp: true },
});

function tableOf(seconds: number, source?: string): CostTable {
  const row = { prefillSeconds: seconds, decodeSeconds: seconds };
  const all = variants.flatMap(({ attention, ffn }) => [...attention, ...ffn]);
  const rows = Object.fromEntries(all.map((variant) => [tableKey(parent, variant), row]));
  return parseCostTable({ version: 1, source, workload, nonBlock: row, variants: rows }, 'test');
}

/** A run whose own costs are these. */
function stored(dir: string, target: object, table: CostTable): StoredLibrary {
  const spec = parseSpec(JSON.stringify({ parent: 'p', data: { text: 't' }, target }), 'spec');
  const costs = libraryCosts(parent, variants, table, workload);
  const library = { scores: [], costs };
  const sweep = [{ table, ...costs }];
  return {
    dir,
    spec,
    parent,
    variants,
    trained: undefined,
    scores: [],
    costs: sweep[0],
    sweep,
    library,
    libraries: [library],
  };
}

describe("a run's own target", () => {
  it('keeps its costs where they were measured on this machine, and is measured where they were not', async (t) => {
    const dir = await temporaryDirectory(t);
    const target = { engine: 'onnxruntime', threads: 1, workload };
    let told = 0;
    const onTimed: OnTimed = () => told++;
    const solved = async (source: string) => {
      const run = stored(dir, target, tableOf(1000, source));
      const [{ costs } = { costs: undefined }] = await retarget(run, run.spec.target, onTimed);
      return costs?.nonBlock;
    };
    const { spec } = stored(dir, target, tableOf(1000));
    assert.ok(isMeasured(spec.target));
    const here = measuredWith(measuringEngine(spec.target).engine);
    const kept = await solved(here);
    assert.equal(told, 0);
    const measured = await solved(here.replace('1 threads of', '1 threads of another'));
    assert.equal(told, 3);
    assert.notDeepEqual(measured, kept);
  });

  it('is read again where it is a table', async (t) => {
    const dir = await temporaryDirectory(t);
    const file = join(dir, 'costs.json');
    await writeFile(file, JSON.stringify(tableOf(2)));
    const run = stored(dir, { engine: 'table', file, workload }, tableOf(1));
    const [found] = await retarget(run, run.spec.target);
    assert.deepEqual(found?.costs, libraryCosts(parent, variants, tableOf(2), workload));
  });
});
