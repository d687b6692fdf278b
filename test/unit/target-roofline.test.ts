import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { PRECISIONS } from '../../src/model/accounting.js';
import { enumerateVariants } from '../../src/model/variants.js';
import { libraryCosts, sumPartCosts } from '../../src/target/costs.js';
import { flopsAt, HARDWARE, HARDWARE_NAMES } from '../../src/target/hardware.js';
import type { Part } from '../../src/target/onnxruntime.js';
import { machineOf, profileSeconds, profileTable, type ProfileTarget } from '../../src/target/profile.js';
import { rooflineRuntime } from '../../src/target/roofline.js';
import { parseCostTable } from '../../src/target/table.js';
import { tinyConfig } from '../support/stage-context.js';

/** Large enough that overhead does not hide the rest. */
const config = { ...tinyConfig(), hiddenSize: 8192, heads: 64, headDim: 128, vocabSize: 128_256 };
const h100: ProfileTarget = { hardware: 'h100-sxm', devices: 1, weights: 'F8', kvCache: 'F8' };
const exact = { compute: 1, bandwidth: 1, overheadSeconds: 0 };
const ffn = (width: number): Part => ({ half: 'ffn', shape: { kind: 'gated', width } });
const kv8: Part = { half: 'attention', shape: { kind: 'gqa', kvHeads: 8 } };
const close = (a: number, b: number) => {
  assert.ok(Math.abs(a / b - 1) < 1e-3, `${a} and ${b}`);
};

describe('the roofline', () => {
  it('has decoding of few sequences read the weights once, and prefill do the arithmetic', () => {
    const workload = { batch: 1, prefill: 4096, generated: 16 };
    const runtime = rooflineRuntime(config, ffn(28_672), machineOf(h100), workload, exact);
    const parameters = 3 * 8192 * 28_672;
    close(runtime.decodeSeconds, parameters / 3.35e12);
    close(runtime.prefillSeconds, (2 * parameters * 4096) / 1979e12);
  });

  it('has attention read the KV cache of every sequence, half of what is generated on average', () => {
    const at = (batch: number) =>
      rooflineRuntime(config, kv8, machineOf(h100), { batch, prefill: 1024, generated: 512 }, exact).decodeSeconds;
    // 64 query heads share 8 KV heads: 2 * 8 * 128 bytes a token.
    close(at(64) - at(32), (32 * (1024 + 256) * 2 * 8 * 128) / 3.35e12);
  });

  it('shares the work of several devices, which then exchange activations', () => {
    const workload = { batch: 64, prefill: 128, generated: 128 };
    const one = rooflineRuntime(config, ffn(28_672), machineOf(h100), workload, exact).decodeSeconds;
    const four = rooflineRuntime(
      config,
      ffn(28_672),
      machineOf({ ...h100, devices: 4 }),
      workload,
      exact,
    ).decodeSeconds;
    close(four - one / 4, (1.5 * 64 * 8192 * 2) / 450e9);
  });

  it('adds an overhead to every subblock, but to none that does nothing', () => {
    const workload = { batch: 1, prefill: 8, generated: 8 };
    const slow = { ...exact, overheadSeconds: 1 };
    const { decodeSeconds } = rooflineRuntime(config, ffn(256), machineOf(h100), workload, slow);
    assert.ok(decodeSeconds > 1 && decodeSeconds < 1.01);
    const none = rooflineRuntime(config, { half: 'ffn', shape: { kind: 'no-op' } }, machineOf(h100), workload, slow);
    assert.deepEqual(none, { prefillSeconds: 0, decodeSeconds: 0 });
  });

  it('takes nothing for decoding where nothing is generated', () => {
    const workload = { batch: 1, prefill: 8, generated: 0 };
    assert.equal(rooflineRuntime(config, kv8, machineOf(h100), workload).decodeSeconds, 0);
  });
});

describe('a hardware profile', () => {
  it('computes in the next wider precision where it has not the one of the weights', () => {
    assert.equal(flopsAt(HARDWARE['a100-80gb'], 'F8'), 312e12);
    assert.equal(flopsAt(HARDWARE['generic-cpu'], 'BF16'), 0.896e12);
    assert.equal(flopsAt(HARDWARE['h100-sxm'], 'F8'), 1979e12);
  });

  it('of every device and precision is a table that can be stored and imported, marked as estimated', () => {
    const space = {
      attention: { kvHeads: 'divisors' as const, linear: true, noOp: true },
      ffn: { percents: [50], multiple: 8, linear: true, noOp: true },
    };
    const small = tinyConfig();
    const variants = enumerateVariants(small, space);
    const workload = { batch: 4, prefill: 16, generated: 8 };
    for (const hardware of HARDWARE_NAMES) {
      for (const weights of PRECISIONS) {
        const target = { hardware, devices: 1, weights, kvCache: weights };
        const table = profileTable(small, variants, target, workload);
        assert.deepEqual(parseCostTable(JSON.parse(JSON.stringify(table)), 't'), table);
        const costs = libraryCosts(small, variants, table, workload);
        assert.match(costs.estimated ?? '', /^estimated for /);
        const own = costs.layers.flatMap(({ attention: [a], ffn: [f] }) => [a, f].flatMap((part) => part ?? []));
        close(sumPartCosts([costs.nonBlock, ...own]).seconds, profileSeconds(small, machineOf(target), workload));
      }
    }
  });
});
