import assert from 'node:assert/strict';
import { mkdtemp, rm, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { isLocked } from '../../src/run/lock-state.js';
import { openRun } from '../../src/run/run.js';
import type { Report } from '../../src/search/report.js';
import type { SweptArchitecture } from '../../src/search/sweep.js';
import { type CostTable, readCostTables } from '../../src/target/table.js';
import { puzzle, puzzleJson } from '../support/cli.js';
import { missingDevice } from '../support/devices.js';
import { writeTinySearch } from '../support/tiny-search.js';

const BATCHES = [1, 4, 16];
const PROFILE = {
  ...{ engine: 'profile', hardware: 'generic-cpu', weights: 'F32', kvCache: 'F32' },
  workload: { batch: BATCHES, prefill: 8, generated: 8 },
};

interface Targets {
  targets: (Omit<SweptArchitecture, 'status'> & {
    status: string;
    target: string;
    excluded?: string[];
    message?: string;
  })[];
}

describe('a target that is planned for without the device', () => {
  let dir = '';
  let run = '';
  let report: Report;
  before(async () => {
    dir = await mkdtemp(join(tmpdir(), 'puzzle-targets-'));
    run = join(dir, 'run');
    const limits = { memory: '<= 97%', timePerOutputToken: '<= 90%' };
    const spec = await writeTinySearch(dir, { target: PROFILE, limits });
    const searched = await puzzleJson('search', spec, '--run', run);
    assert.equal(searched.status, 0, searched.stderr);
    report = searched.answer as Report;
  });

  after(() => rm(dir, { recursive: true, force: true }));

  it('has its costs, solution and report marked as estimated', async () => {
    const costs = await readCostTables(join(run, 'costs.json'));
    assert.deepEqual(
      costs.map(({ estimated, workload }) => [estimated, workload?.batch]),
      BATCHES.map((batch) => [true, batch]),
    );
    assert.match(report.solution.estimated ?? '', /^estimated for a desktop CPU .* DDR5/);
    assert.equal(report.solution.workload.batch, report.evaluation.speedup.workload.batch);
    const { stdout } = await puzzle('resume', run);
    assert.match(stdout, /^estimated throughput, tokens\/s/m);
    assert.match(stdout.replaceAll(/\s+/g, ' '), /Estimated: not for this machine, and not measured/);
  });

  it('is solved at every batch size, and the best is told', async () => {
    const { answer } = await puzzleJson('solve', run, '--constraint', 'memory<=60%');
    const { batches = [], objective, workload } = answer as SweptArchitecture;
    assert.deepEqual(
      batches.map(({ batch }) => batch),
      BATCHES,
    );
    const reached = batches.flatMap((outcome) => outcome.objective ?? []);
    assert.equal(objective, Math.min(...reached));
    assert.equal(batches.find(({ batch }) => batch === workload.batch)?.objective, objective);
    const { stdout } = await puzzle('solve', run);
    assert.match(stdout, /the best batch is \d+ \(1: .*; 4: .*; 16: .*\)\./);
    assert.match(stdout, /^estimated +parent +child +kept$/m);
  });

  it('can be another than that of the run: a profile, a table, a target of its own', async () => {
    const [table] = await readCostTables(join(run, 'costs.json'));
    const measured: CostTable = { ...(table as CostTable), source: 'elsewhere' };
    delete measured.estimated;
    await writeFile(join(dir, 'elsewhere.json'), JSON.stringify(measured));
    await writeFile(join(dir, 'pair.json'), JSON.stringify({ ...PROFILE, hardware: 'l40s', devices: 2 }));
    const names = ['rtx-4090', join(dir, 'elsewhere.json'), join(dir, 'pair.json')];
    const { answer, status } = await puzzleJson('solve', run, '--target', ...names);
    assert.equal(status, 0);
    const [profile, elsewhere, pair] = (answer as Targets).targets;
    assert.match(profile?.estimated ?? '', /RTX 4090/);
    assert.equal(elsewhere?.estimated, undefined);
    assert.equal(elsewhere?.workload.batch, 1);
    assert.match(pair?.estimated ?? '', /^estimated for 2 x NVIDIA L40S/);
    const { stdout } = await puzzle('solve', run, '--target', ...names);
    assert.match(stdout, /^rtx-4090: times and throughput are estimated for .*; nothing was measured\.$/m);
  });

  it('that cannot run every variant is told with why', async () => {
    const [table] = await readCostTables(join(run, 'costs.json'));
    const choosy = join(dir, 'choosy.json');
    await writeFile(choosy, JSON.stringify({ ...table, engine: 'llama.cpp' }));
    const { answer } = await puzzleJson('solve', run, '--target', choosy, 'h100-sxm');
    const [some, any] = (answer as Targets).targets;
    assert.deepEqual(some?.excluded, ['llama.cpp has no linear FFN']);
    assert.equal(any?.excluded, undefined);
    const { stdout } = await puzzle('solve', run, '--target', choosy);
    assert.match(stdout, /choosy\.json: left out of the solution: llama\.cpp has no linear FFN\.$/m);
  });

  it('that nothing fits does not keep the others from being told', async () => {
    const [table] = await readCostTables(join(run, 'costs.json'));
    const slow = join(dir, 'slow.json');
    const nonBlock = { prefillSeconds: 1, decodeSeconds: 1 };
    await writeFile(slow, JSON.stringify({ ...table, nonBlock }));
    const limit = ['--constraint', 'tpot<=100ms'];
    const { answer, status } = await puzzleJson('solve', run, '--target', slow, 'h100-sxm', ...limit);
    assert.equal(status, 0);
    const [none, some] = (answer as Targets).targets;
    assert.equal(none?.status, 'infeasible');
    assert.match(none.message ?? '', /timePerOutputToken <= 100 ms/);
    assert.equal(some?.status, 'optimal');
    assert.equal((await puzzleJson('solve', run, '--target', slow, ...limit)).status, 1);
  });

  it('that is neither is refused with what there is', async () => {
    const { answer, status } = await puzzleJson('solve', run, '--target', 'abacus');
    assert.equal(status, 2);
    assert.match(JSON.stringify(answer), /abacus.*h100-sxm.*generic-cpu|h100-sxm.*generic-cpu.*abacus/);
    await writeFile(join(dir, 'bad.json'), JSON.stringify({ engine: 'profile', hardware: 'pdp-11' }));
    const bad = await puzzleJson('solve', run, '--target', join(dir, 'bad.json'));
    assert.equal(bad.status, 2);
    assert.match(bad.stderr, /bad\.json: hardware: /);
  });

  it('can be an engine of this machine, which is measured once, and while nobody else is at work', async () => {
    const file = join(dir, 'engine.json');
    const workload = { batch: 1, prefill: 8, generated: 4 };
    await writeFile(file, JSON.stringify({ engine: 'onnxruntime', threads: 1, workload }));
    const searching = await openRun(run);
    const refused = await puzzleJson('solve', run, '--target', file);
    await searching.close();
    assert.equal(refused.status, 2);
    assert.match(refused.stderr, new RegExp(`this run is in use by process ${process.pid} on .*; stop it first`));
    const first = await puzzleJson('solve', run, '--target', file, 'h100-sxm');
    assert.equal(first.status, 0, first.stderr);
    assert.match(first.stderr, /engine\.json: measured 6 of 6 rows/);
    const [here, planned] = (first.answer as Targets).targets;
    assert.equal(here?.estimated, undefined);
    assert.deepEqual(here?.workload, workload);
    assert.match(planned?.estimated ?? '', /H100/);
    assert.equal(await isLocked(run), false);
    // What is known already can be asked for while a search is at work.
    const resumed = await openRun(run);
    const again = await puzzleJson('solve', run, '--target', file);
    await resumed.close();
    assert.equal(again.status, 0, again.stderr);
    assert.doesNotMatch(again.stderr, /measured/);
    const [same] = (again.answer as Targets).targets;
    assert.deepEqual([same?.architecture, same?.totals], [here.architecture, here.totals]);
  });

  it('can be a device, if it works here', async () => {
    const file = join(dir, 'device.json');
    const device = missingDevice();
    await writeFile(file, JSON.stringify({ engine: 'onnxruntime', device }));
    const { status, stderr } = await puzzleJson('solve', run, '--target', file);
    assert.equal(status, 2);
    assert.match(stderr, new RegExp(`target\\.device: "${device}" does not work here: .*; it needs `));
    const { answer } = await puzzleJson('devices');
    const { devices } = answer as { devices: { device: string; works: boolean; reason: string | null }[] };
    assert.deepEqual(devices[0], { device: 'cpu', works: true, reason: null });
    assert.deepEqual(
      devices.map(({ reason }) => reason === null),
      devices.map(({ works }) => works),
    );
    assert.equal(devices.find((one) => one.device === device)?.works, false);
    assert.match((await puzzle('devices')).stdout, /^cpu +works$/m);
  });
});
