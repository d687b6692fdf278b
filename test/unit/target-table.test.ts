import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { InputError } from '../../src/common/errors.js';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { modelCosts } from '../../src/model/accounting.js';
import { enumerateVariants } from '../../src/model/variants.js';
import { libraryCosts, sumPartCosts } from '../../src/target/costs.js';
import type { PartTiming } from '../../src/target/onnxruntime.js';
import {
  checkCostTable,
  type CostTable,
  measuredTable,
  parseCostTable,
  readCostTables,
  tableKey,
} from '../../src/target/table.js';
import { temporaryDirectory } from '../support/run-process.js';
import { tinyConfig } from '../support/stage-context.js';

const config = tinyConfig();
const workload = { batch: 2, prefill: 8, generated: 4 };
const space = {
  attention: { kvHeads: 'divisors' as const, linear: true, noOp: true },
  ffn: { percents: [50], multiple: 8, linear: true, noOp: true },
};
const variants = enumerateVariants(config, space);
const KEYS = ['attention/kv4', 'attention/kv2', 'attention/kv1', 'attention/linear', 'ffn/ffn-100%', 'ffn/ffn-50%'];

function json(rows: Record<string, unknown> = {}, more: Record<string, unknown> = {}): unknown {
  const row = { prefillSeconds: 0.5, decodeSeconds: 0.25 };
  const all = Object.fromEntries([...KEYS, 'ffn/linear'].map((key) => [key, row]));
  return { version: 1, nonBlock: row, variants: { ...all, ...rows }, ...more };
}

function tableWithout(...keys: string[]): CostTable {
  const table = parseCostTable(json(), 't');
  return {
    ...table,
    variants: Object.fromEntries(Object.entries(table.variants).filter(([key]) => !keys.includes(key))),
  };
}

describe('a cost table', () => {
  it('is read from a file of the documented form', async (t) => {
    const file = join(await temporaryDirectory(t), 'table.json');
    await writeFile(file, JSON.stringify(json({}, { workload })));
    const [table] = await readCostTables(file);
    assert.ok(table);
    assert.deepEqual(table.variants['attention/kv2'], { prefillSeconds: 0.5, decodeSeconds: 0.25 });
    checkCostTable(table, config, variants, workload, file);
  });

  it('names the file and every field at fault', () => {
    const bad: [unknown, RegExp][] = [
      [json({ 'ffn/x': { prefillSeconds: -1, decodeSeconds: 1 } }), /^t\.json: variants\.ffn\/x\.prefillSeconds: /],
      [json({ 'ffn/x': { prefillSeconds: 1 } }), /variants\.ffn\/x\.decodeSeconds: /],
      [json({ kv4: { prefillSeconds: 1, decodeSeconds: 1 } }), /variants\.kv4: /],
      [json({}, { version: 2 }), /version: /],
      [json({}, { nonblock: 1 }), /nonblock/],
      [[], /the file: /],
    ];
    for (const [table, message] of bad) {
      assert.throws(
        () => parseCostTable(table, 't.json'),
        (error) => error instanceof InputError && message.test(error.message),
      );
    }
  });

  it('names every variant that it lacks, and does not ask for what takes nothing', () => {
    assert.throws(
      () => {
        checkCostTable(tableWithout('attention/kv2', 'ffn/linear'), config, variants, workload, 't.json');
      },
      { name: 'InputError', message: 't.json: lacks "attention/kv2", "ffn/linear"; add them to "variants"' },
    );
    assert.throws(
      () => libraryCosts(config, variants, tableWithout('ffn/ffn-50%'), workload),
      /lacks .*"ffn\/ffn-50%"/,
    );
  });

  it('must be of the workload it is used for', () => {
    const table = parseCostTable(json({}, { workload: { ...workload, batch: 3 } }), 't');
    assert.throws(() => {
      checkCostTable(table, config, variants, workload, 't');
    }, /t: workload\.batch is 3, the target of the spec has 2/);
  });

  it('calls equal shapes of unequal layers by one name', () => {
    const [first, second] = config.layers;
    assert.ok(first && second);
    const uneven: ModelConfig = { ...config, layers: [first, { ...second, ffn: { kind: 'gated', width: 16 } }] };
    const [wide, narrow] = enumerateVariants(uneven, space).map(({ ffn }) => ffn.map((v) => tableKey(uneven, v)));
    assert.deepEqual(wide?.slice(0, 2), ['ffn/ffn-100%', 'ffn/ffn-50%']);
    assert.deepEqual(narrow?.slice(0, 2), ['ffn/ffn-50%', 'ffn/ffn-25%']);
  });
});

describe('a measured table', () => {
  const timing = (ratio: number, drift: number): PartTiming => {
    const around = { low: 0.9 * ratio, median: ratio, high: 1.1 * ratio };
    return {
      ...{ prefill: around, decode: around, rounds: 21 },
      reference: { prefillSeconds: 0.1 * drift, decodeSeconds: 0.01 * drift },
    };
  };

  it('compares rows by their ratio to the reference, whatever the machine did meanwhile', () => {
    const rows = new Map([
      ['ffn/a', timing(0.5, 1)],
      ['ffn/b', timing(0.25, 3)],
    ]);
    const { variants: measured, nonBlock } = measuredTable(timing(1, 1), rows, { workload, source: 'here' });
    const [a, b] = [measured['ffn/a'], measured['ffn/b']];
    assert.ok(a && b);
    assert.equal(a.prefillSeconds / b.prefillSeconds, 2);
    assert.equal(a.decodeSeconds / b.decodeSeconds, 2);
    assert.equal(nonBlock.prefillSeconds, 0.1);
    assert.deepEqual(a.decodeQuartiles, [0.9 * 0.5 * 0.01, 1.1 * 0.5 * 0.01]);
  });

  it('can be imported as it is', () => {
    const rows = new Map([['ffn/a', timing(0.5, 1)]]);
    const table = measuredTable(timing(1, 1), rows, { workload, source: 'here' });
    assert.deepEqual(parseCostTable(JSON.parse(JSON.stringify(table)), 't'), table);
  });
});

describe('library costs', () => {
  it('of the parent add up to the whole model, exactly', () => {
    const costs = libraryCosts(config, variants, parseCostTable(json(), 't'), workload);
    const own = costs.layers.flatMap(({ attention: [a], ffn: [f] }) => [a, f].flatMap((part) => part ?? []));
    const total = sumPartCosts([costs.nonBlock, ...own]);
    const whole = modelCosts(config, { weights: 'F32', context: 12 });
    assert.equal(total.parameters, whole.parameters);
    assert.equal(total.kvCache, 2 * (8 + 4) * whole.kvBytesPerToken);
    assert.equal(total.memory, whole.weightBytes + total.kvCache);
    assert.equal(total.seconds, 5 * (0.5 + 4 * 0.25));
  });

  it('of a no-op are zero', () => {
    const costs = libraryCosts(config, variants, parseCostTable(json(), 't'), workload);
    const none = { parameters: 0, memory: 0, kvCache: 0, seconds: 0, prefillSeconds: 0, stepSeconds: 0 };
    const last = costs.layers.flatMap(({ attention, ffn }) => [attention.at(-1), ffn.at(-1)]);
    assert.deepEqual(last, Array(4).fill({ name: 'no-op', ...none }));
  });

  it('count memory at the precision of the table', () => {
    const half = parseCostTable(json({}, { weights: 'BF16', kvCache: 'F16' }), 't');
    const [full, less] = [parseCostTable(json(), 't'), half].map((table) =>
      libraryCosts(config, variants, table, workload),
    );
    assert.equal(less?.layers[0]?.attention[0]?.memory, (full?.layers[0]?.attention[0]?.memory ?? NaN) / 2);
  });
});
