import assert from 'node:assert/strict';
import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { enumerateVariants, type VariantSpace } from '../../src/model/variants.js';
import { eventsPath, readEvents } from '../../src/run/event-log.js';
import { createRun, openRun, type Run } from '../../src/run/run.js';
import { measureStage } from '../../src/search/measure.js';
import { COSTS_FILE } from '../../src/search/run-files.js';
import { checkCostTable, readCostTables } from '../../src/target/table.js';
import { temporaryDirectory } from '../support/run-process.js';
import { stageContext, tinyConfig } from '../support/stage-context.js';

const config = tinyConfig();
const workload = { batch: 2, prefill: 8, generated: 4 };
const target = { engine: 'onnxruntime', threads: 1, workload };

function variantsOf(percents: number[]): ReturnType<typeof enumerateVariants> {
  const space: VariantSpace = {
    attention: { kvHeads: 'divisors', linear: true, noOp: true },
    ffn: { percents, multiple: 8, linear: true, noOp: true },
  };
  return enumerateVariants(config, space);
}

const measure = (run: Run, percents = [75, 50]) =>
  measureStage(stageContext(run, config, { target }), variantsOf(percents));

/** Labels of the rows that were begun, and of those that were finished, in the order of the log. */
async function rows(dir: string): Promise<{ started: string[]; finished: string[] }> {
  const labels = new Map<string, string>();
  const [started, finished]: [string[], string[]] = [[], []];
  for await (const { event } of readEvents(eventsPath(dir))) {
    if (event.type === 'task-started') {
      labels.set(event.key, event.label);
      started.push(event.label);
    } else if (event.type === 'task-finished') finished.push(labels.get(event.key) ?? event.key);
  }
  return { started, finished };
}

describe('the measure stage', () => {
  it('measures every distinct variant once, what does nothing apart, and never again', async (t) => {
    const dir = await temporaryDirectory(t);
    const first = await createRun(dir, {});
    const [table] = await measure(first);
    await first.close();
    assert.ok(table);
    checkCostTable(table, config, variantsOf([75, 50]), workload, 'measured');
    assert.deepEqual(Object.keys(table.variants), [
      ...['attention/kv1', 'attention/kv2', 'attention/kv4', 'attention/linear'],
      ...['ffn/ffn-100%', 'ffn/ffn-50%', 'ffn/ffn-75%', 'ffn/linear'],
    ]);
    const written = await readFile(join(dir, COSTS_FILE), 'utf8');
    assert.deepEqual(await readCostTables(join(dir, COSTS_FILE)), [table]);
    const second = await openRun(dir);
    assert.deepEqual(await measure(second), [table]);
    await second.close();
    assert.equal(await readFile(join(dir, COSTS_FILE), 'utf8'), written);
    assert.equal((await rows(dir)).started.length, 9);
  });

  it('measures only what a larger space adds', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    await measure(run, [75]);
    const { started } = await rows(dir);
    await measure(run, [75, 50]);
    await run.close();
    assert.deepEqual((await rows(dir)).started.slice(started.length), ['ffn/ffn-50%']);
  });

  it('keeps the rows it had finished when it was interrupted', async (t) => {
    const dir = await temporaryDirectory(t);
    const run = await createRun(dir, {});
    const interrupt = setInterval(() => {
      if (run.state().tasks.finished > 0) void run.close();
    }, 0);
    await assert.rejects(measure(run), /closed/);
    clearInterval(interrupt);
    const kept = (await rows(dir)).finished;
    assert.ok(kept.length >= 1 && kept.length < 9, `${kept.length} rows were finished`);
    const resumed = await openRun(dir);
    await measure(resumed);
    await resumed.close();
    const { finished } = await rows(dir);
    assert.equal(finished.length, 9);
    assert.equal(new Set(finished).size, 9);
    assert.deepEqual(finished.slice(0, kept.length), kept);
  });

  it('imports a table instead, which a run has written or anybody else', async (t) => {
    const dir = await temporaryDirectory(t);
    const file = join(dir, 'table.json');
    const names = ['attention/kv4', 'attention/kv2', 'attention/kv1', 'attention/linear', 'ffn/ffn-100%', 'ffn/linear'];
    const row = { prefillSeconds: 1, decodeSeconds: 0.5 };
    const variants = Object.fromEntries(names.map((name) => [name, row]));
    await writeFile(file, JSON.stringify({ version: 1, nonBlock: row, variants }));
    const run = await createRun(join(dir, 'run'), {});
    const context = stageContext(run, config, { target: { engine: 'table', file, workload } });
    const tables = await measureStage(context, variantsOf([]));
    assert.deepEqual(tables[0]?.variants, variants);
    assert.deepEqual(await readCostTables(join(run.dir, COSTS_FILE)), tables);
    await assert.rejects(measureStage(context, variantsOf([50])), {
      name: 'InputError',
      message: `${file}: lacks "ffn/ffn-50%"; add it to "variants"`,
    });
    await run.close();
  });

  it('measures at every batch size and kind of request, and averages the kinds', async (t) => {
    const dir = await temporaryDirectory(t);
    const mix = [
      { weight: 3, prefill: 8, generated: 2 },
      { weight: 1, prefill: 4, generated: 6 },
    ];
    const run = await createRun(dir, {});
    const swept = { engine: 'onnxruntime', threads: 1, workload: { batch: [2, 1], mix } };
    const tables = await measureStage(stageContext(run, config, { target: swept }), variantsOf([50]));
    await run.close();
    assert.deepEqual(
      tables.map((table) => table.workload),
      [1, 2].map((batch) => ({ batch, prefill: 7, generated: 3 })),
    );
    assert.deepEqual(await readCostTables(join(dir, COSTS_FILE)), tables);
    const { started } = await rows(dir);
    assert.equal(started.length, 2 * 2 * 8);
    assert.ok(started.includes('ffn/ffn-50% at 2 × (4 + 6)'));
  });

  it('estimates a profile without a clock, and says so', async (t) => {
    const run = await createRun(await temporaryDirectory(t), {});
    const target = { engine: 'profile', hardware: 'h100-sxm', weights: 'F8', workload: { batch: [1, 64] } };
    const [one, many] = await measureStage(stageContext(run, config, { target }), variantsOf([50]));
    await run.close();
    assert.ok(one && many);
    assert.equal(one.estimated, true);
    assert.match(one.source ?? '', /^estimated for NVIDIA H100 SXM 80 GB \(weights F8, KV cache BF16\) .*data sheet/);
    const [at1, at64] = [one, many].map(({ variants }) => variants['attention/kv4']);
    assert.ok(at1 && at64 && at64.decodeSeconds > at1.decodeSeconds);
    assert.ok(at64.decodeSeconds < 64 * at1.decodeSeconds, 'weights are read once for a batch');
    assert.equal((await rows(run.dir)).started.length, 0);
  });
});
