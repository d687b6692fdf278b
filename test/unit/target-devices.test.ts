import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type Device, DEVICES } from '../../src/common/devices.js';
import { constant, input, logSoftmax } from '../../src/graph/primitives.js';
import { int64, Session } from '../../src/graph/session.js';
import { forward } from '../../src/model/forward.js';
import { modelTensors } from '../../src/model/tensors.js';
import { openModel } from '../../src/search/context.js';
import { parseSpec } from '../../src/search/spec.js';
import { probeDevice, requireDevice } from '../../src/target/device-probe.js';
import { DEVICE_FACTS, withNeeds } from '../../src/target/devices.js';
import { onnxruntimeEngine, timeParts, timingInputs } from '../../src/target/onnxruntime.js';
import { measureSpeedup } from '../../src/target/speedup.js';
import { missingDevice, skipWithoutDevice } from '../support/devices.js';
import { temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

const workload = { batch: 2, prefill: 4, generated: 2 };

describe('a device', () => {
  it('is the CPU where a spec says nothing, and one of a closed set', () => {
    const target = (fields: object) =>
      parseSpec(
        JSON.stringify({ parent: 'p', data: { text: 't' }, target: { engine: 'onnxruntime', ...fields } }),
        'spec',
      ).target;
    assert.equal((target({}) as { device: Device }).device, 'cpu');
    for (const device of DEVICES) assert.equal((target({ device }) as { device: Device }).device, device);
    assert.throws(() => target({ device: 'abacus' }), /target\.device.*"cpu".*"coreml"|cpu.*coreml/s);
  });

  it('works where a small model, served on it, gives the logits that the CPU gives', async () => {
    assert.deepEqual(await probeDevice('cpu'), { reason: null });
  });

  it('that the runtime has not here is refused with what it has, and what it would need', async () => {
    const missing = missingDevice();
    const { reason } = await probeDevice(missing);
    assert.match(reason ?? '', /^ONNX Runtime \d\S* for \S+ has cpu.* only$/);
    await assert.rejects(requireDevice(missing, 'target.device'), {
      name: 'InputError',
      message: `target.device: "${missing}" does not work here: ${reason ?? ''}; it needs ${DEVICE_FACTS[missing].needs ?? 'nothing'}`,
    });
  });

  it('that needs nothing is not said to', () => {
    assert.equal(withNeeds('cpu', 'it broke'), 'it broke');
    assert.equal(withNeeds('coreml', 'it broke'), 'it broke; it needs macOS');
  });

  it('that takes too long does not work', async () => {
    assert.deepEqual(await probeDevice('cpu', 0.05), { reason: 'nothing came of it within 0.05 s' });
  });

  it('that takes its process down does not work, and the process is quoted', async (t) => {
    const before = process.env['NODE_OPTIONS'];
    t.after(() => {
      if (before === undefined) delete process.env['NODE_OPTIONS'];
      else process.env['NODE_OPTIONS'] = before;
    });
    process.env['NODE_OPTIONS'] = '--require ./gone-with-its-driver.cjs';
    const { reason } = await probeDevice('cpu');
    assert.match(reason ?? '', /^its process died \(exit code 1\): .*gone-with-its-driver/s);
  });

  it('is part of what a timing depends on, and the CPU is so silently, as it was', () => {
    const config = tinyConfig();
    const inputs = (device?: Device) =>
      timingInputs(config, { half: 'non-block' }, workload, onnxruntimeEngine(1, device));
    assert.deepEqual(inputs('cpu'), inputs());
    assert.equal(Object.hasOwn(onnxruntimeEngine(1), 'device'), false);
    assert.notDeepEqual(inputs('webgpu'), inputs('cpu'));
    assert.notDeepEqual(inputs('webgpu'), inputs('cuda'));
  });
});

describe('WebGPU', { skip: await skipWithoutDevice('webgpu') }, () => {
  it('gives the logits of the CPU', async () => {
    const config = tinyConfig();
    const weights = randomWeights(config);
    const shapes = new Map(modelTensors(config).map(({ name, shape }) => [name, shape]));
    const ids = randomIds(config, 12);
    const logits = async (device: Device) => {
      const batch = { config, batch: 2, sequence: 6 };
      const value = (name: string) => constant(weights.get(name) ?? new Float32Array(), shapes.get(name) ?? []);
      const outputs = { logits: forward(batch, value, input('ids', [12], 'int64')).logits };
      const session = await Session.create(outputs, { device });
      const { logits: found } = await session.run({ ids: int64(ids, [12]) });
      await session.release();
      return Array.from(found?.data ?? [], Number);
    };
    const [cpu, gpu] = [await logits('cpu'), await logits('webgpu')];
    assert.equal(gpu.length, 12 * config.vocabSize);
    gpu.forEach((value, i) => {
      assert.ok(Math.abs(value - (cpu[i] ?? NaN)) < 1e-4, `${i}: ${value} and ${cpu[i] ?? NaN}`);
    });
  });

  it('refuses what it cannot compute itself: nothing falls back to the CPU unseen', async () => {
    const outputs = { y: logSoftmax(input('x', [2, 3])) };
    await (await Session.create(outputs)).release();
    await assert.rejects(Session.create(outputs, { device: 'webgpu' }), /CPU EP/);
  });

  it('is timed, parts and whole models', async (t) => {
    const config = tinyConfig();
    const [timing] = await timeParts(config, [{ half: 'ffn', shape: { kind: 'gated', width: 8 } }], {
      ...{ workload, threads: 1, seconds: 0.1, device: 'webgpu' },
    });
    assert.ok(timing && timing.reference.prefillSeconds > 0 && timing.rounds >= 5);
    const dir = await temporaryFolder(t);
    await writeModelFolder(dir, config, randomWeights(config));
    const model = await openModel(dir);
    const { device, parentTokensPerSecond } = await measureSpeedup(model, model, workload, {
      ...{ threads: 1, device: 'webgpu', pairs: 1 },
    });
    assert.equal(device, 'webgpu');
    assert.ok(parentTokensPerSecond.median > 0);
  });
});
