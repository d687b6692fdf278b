import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Random } from '../../src/common/random.js';
import type { AttentionShape, FfnShape, ModelConfig } from '../../src/formats/hf-config.js';
import { input } from '../../src/graph/primitives.js';
import {
  channelContributions,
  initialiseAttention,
  keptChannels,
  sliceChannels,
  type SubblockTensors,
} from '../../src/model/initialise.js';
import type { Half } from '../../src/model/names.js';
import { closedForm } from '../../src/search/closed-form.js';
import { openModel } from '../../src/search/context.js';
import { HiddenReader, HiddenWriter } from '../../src/search/hidden-file.js';
import { gatherMoments, type MomentSource, readMoments, writeMoments } from '../../src/search/moments.js';
import { momentsTask } from '../../src/search/moments-task.js';
import { refitByPanels } from '../../src/search/panel-refit.js';
import { temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { layerWeights, referenceAttention, referenceFfn, type Rows } from '../support/reference.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

const KV2: AttentionShape = { kind: 'gqa', kvHeads: 2 };
const SEQUENCE_LENGTH = 16;
const [SEQUENCES, HELD_OUT] = [150, 12];
const SIGNAL = new AbortController().signal;

/** A parent with biases everywhere, in a folder, and hidden states that enter one of its halves. */
async function setUp(test: TestContext, overrides: Partial<ModelConfig> = {}) {
  const config = tinyConfig({ vocabSize: 1024, attentionBias: true, mlpBias: true, ...overrides });
  const dir = await temporaryFolder(test);
  const weights = randomWeights(config);
  await writeModelFolder(dir, config, weights);
  const { hiddenSize } = config;
  const inputFile = join(dir, 'input.f16');
  const random = Random.of(1, 'hidden');
  {
    await using writer = await HiddenWriter.create(inputFile);
    await writer.append(Float32Array.from({ length: SEQUENCES * SEQUENCE_LENGTH * hiddenSize }, () => random.normal()));
  }
  const source: MomentSource = {
    ...{ inputFile, hiddenSize, sequences: SEQUENCES, heldOut: HELD_OUT, used: SEQUENCES - HELD_OUT },
    sequenceLength: SEQUENCE_LENGTH,
  };
  const own = new Map([...layerWeights(weights, 0)].map(([name, values]) => [name, Float32Array.from(values)]));
  return { config, dir, source, own, parent: await openModel(dir) };
}

type Setting = Awaited<ReturnType<typeof setUp>>;

async function solve({ config, dir, source, own, parent }: Setting, half: Half, shape: AttentionShape | FfnShape) {
  const channelsFile = join(dir, 'channels.json');
  await writeFile(channelsFile, JSON.stringify(Array.from({ length: 40 }, () => 1)));
  const output = { dir: join(dir, `moments-${half}`), artifact: 'moments' };
  await momentsTask(
    { parentDir: dir, layer: 0, half, source, channelsFile, output },
    { signal: SIGNAL, progress: () => undefined },
  );
  const read = (name: string) => Promise.resolve(own.get(name) ?? assert.fail(name));
  const moments = { dir: output.dir, source };
  return { config, ...(await closedForm({ parent, layer: 0, half, shape, read, moments, signal: SIGNAL })) };
}

function tensorOf({ own }: Setting, name: string): Float32Array {
  return own.get(name) ?? assert.fail(`no ${name}`);
}

/** After a change of the parent's first layer. */
async function rewritten(setting: Setting): Promise<Setting> {
  const weights = randomWeights(setting.config);
  for (const [name, values] of setting.own) weights.set(`model.layers.0.${name}`, values);
  await writeModelFolder(setting.dir, setting.config, weights);
  return { ...setting, parent: await openModel(setting.dir) };
}

/** Held-out sequences as rows. */
async function heldOut({ source }: Setting): Promise<Rows[]> {
  await using reader = await HiddenReader.open(source.inputFile, source.hiddenSize);
  const sequence = async (i: number) => {
    const values = await reader.read((SEQUENCES - HELD_OUT + i) * SEQUENCE_LENGTH, SEQUENCE_LENGTH);
    return Array.from({ length: SEQUENCE_LENGTH }, (_, t) =>
      Float64Array.from(values.subarray(t * source.hiddenSize, (t + 1) * source.hiddenSize)),
    );
  };
  return await Promise.all(Array.from({ length: HELD_OUT }, (_, i) => sequence(i)));
}

/** Held-out squared error of a variant's half, by the plain reference, relative to what the parent's half adds. */
async function errorOf(setting: Setting, half: Half, shape: AttentionShape | FfnShape, tensors: SubblockTensors) {
  const { config, own } = setting;
  const layer = config.layers[0] ?? assert.fail();
  const run = (of: AttentionShape | FfnShape, weights: ReadonlyMap<string, ArrayLike<number>>, x: Rows) =>
    half === 'attention'
      ? referenceAttention(config, of as AttentionShape, weights, x)
      : referenceFfn(config, of as FfnShape, weights, x);
  let [error, energy] = [0, 0];
  for (const x of await heldOut(setting)) {
    const wanted = run(layer[half], own, x);
    const made = run(shape, new Map(Object.entries(tensors)), x);
    wanted.forEach((row, t) => {
      row.forEach((value, i) => {
        error += (value - (made[t]?.[i] ?? Number.NaN)) ** 2;
        energy += (value - (x[t]?.[i] ?? Number.NaN)) ** 2;
      });
    });
  }
  return error / energy;
}

describe('moments', () => {
  it('are the sums of products over training and held-out rows, and survive their file', async (test) => {
    // Long enough that training takes two windows, the second one shorter.
    const { source, dir } = await setUp(test);
    const { all } = await gatherMoments({ ...source, used: 130 }, (x) => ({ all: { inputs: x, outputs: x } }), SIGNAL);
    await using reader = await HiddenReader.open(source.inputFile, source.hiddenSize);
    const parts = [
      [all.training, 0, 130],
      [all.heldOut, SEQUENCES - HELD_OUT, HELD_OUT],
    ] as const;
    for (const [moments, first, count] of parts) {
      const rows = await reader.read(first * SEQUENCE_LENGTH, count * SEQUENCE_LENGTH);
      for (const [i, j] of [
        [0, 0],
        [3, 17],
        [23, 5],
      ] as const) {
        let expected = 0;
        for (let at = 0; at < rows.length; at += source.hiddenSize) {
          expected += (rows[at + i] ?? 0) * (rows[at + j] ?? 0);
        }
        const at = i * source.hiddenSize + j;
        assert.ok(Math.abs((moments.gram[at] ?? 0) - expected) < 1e-3, `${moments.gram[at]}, expected ${expected}`);
        assert.equal(moments.gram[at], moments.cross[at]);
      }
      const energy = rows.reduce((sum, value) => sum + value * value, 0);
      assert.ok(Math.abs(moments.energy / energy - 1) < 1e-5);
    }
    await writeMoments(join(dir, 'all.f64'), all);
    assert.deepEqual(await readMoments(join(dir, 'all.f64'), source.hiddenSize, source.hiddenSize), all);
  });

  it('stop where the signal says so', async (test) => {
    const { source } = await setUp(test);
    const program = () => ({ all: { inputs: input('x', [1, 1]), outputs: input('x', [1, 1]) } });
    await assert.rejects(gatherMoments(source, program, AbortSignal.abort()), { name: 'AbortError' });
  });
});

describe('the closed form', () => {
  it('of an FFN that lost dead and doubled channels is the parent', async (test) => {
    const setting = await setUp(test);
    const matrices = ['up_proj', 'gate_proj'].map((name) => tensorOf(setting, `mlp.${name}.weight`));
    const biases = ['up_proj', 'gate_proj'].map((name) => tensorOf(setting, `mlp.${name}.bias`));
    for (let channel = 0; channel < 20; channel++) {
      // Channels 20 to 39 say what 0 to 19 do: one of each pair can carry the weights of both.
      for (const matrix of matrices) matrix.copyWithin((channel + 20) * 24, channel * 24, (channel + 1) * 24);
      for (const bias of biases) bias[channel + 20] = bias[channel] ?? 0;
    }
    const shape: FfnShape = { kind: 'gated', width: 20 };
    const { tensors } = await solve(await rewritten(setting), 'ffn', shape);
    const error = await errorOf(setting, 'ffn', shape, tensors);
    assert.ok(error < 1e-5, `relative error ${error}`);
  });

  it('of an FFN with fewer channels beats the slice by contribution', async (test) => {
    const setting = await setUp(test);
    const shape: FfnShape = { kind: 'gated', width: 24 };
    const { tensors, tokens } = await solve(setting, 'ffn', shape);
    const contributions = channelContributions(new Float64Array(40).fill(1), tensorOf(setting, 'mlp.down_proj.weight'));
    const kept = keptChannels(contributions, 24);
    const sliced = sliceChannels(setting.config, 40, kept, Object.fromEntries(setting.own));
    const [solved, plain] = [
      await errorOf(setting, 'ffn', shape, tensors),
      await errorOf(setting, 'ffn', shape, sliced),
    ];
    assert.ok(solved < 0.9 * plain, `${solved}, sliced ${plain}`);
    assert.equal(tokens, 0, 'the shared pass is enough');
  });

  it('panel by panel comes to that of all channels at once, and no round is worse than the one before', async (test) => {
    const setting = await setUp(test);
    const shape: FfnShape = { kind: 'gated', width: 24 };
    const whole = await solve(setting, 'ffn', shape);
    const kept = whole.tensors;
    // The same channels with the parent's weights.
    const gate = tensorOf(setting, 'mlp.gate_proj.weight');
    const channelOf = (row: number) =>
      Array.from({ length: 40 }, (_, i) => i).find((i) => gate[i * 24] === kept['mlp.gate_proj.weight']?.[row * 24]) ??
      assert.fail();
    const channels = Array.from({ length: 24 }, (_, row) => channelOf(row));
    const start = sliceChannels(setting.config, 40, channels, Object.fromEntries(setting.own));
    const request = { ...setting, layer: 0, moments: { dir: '', source: setting.source }, signal: SIGNAL };
    const errors = [await errorOf(setting, 'ffn', shape, start)];
    for (const rounds of [1, 2, 8]) {
      const { tensors, tokens } = await refitByPanels(request, start, { width: 24, panel: 7, rounds });
      assert.equal(tokens, rounds * 4 * (SEQUENCES - HELD_OUT) * SEQUENCE_LENGTH, 'four panels a round');
      errors.push(await errorOf(setting, 'ffn', shape, tensors));
    }
    const all = await errorOf(setting, 'ffn', shape, whole.tensors);
    const [none = 0, once = 0, twice = 0, often = 0] = errors;
    assert.ok(once < none && twice < once * 1.001 && often < twice * 1.001, errors.join(' '));
    assert.ok(Math.abs(often / all - 1) < 0.01, `${often}, at once ${all}`);
  });

  it('of a linear FFN is the parent where its gate lets everything through', async (test) => {
    const setting = await setUp(test, { attentionBias: false });
    const change = (name: string, value: number) => setting.own.get(`mlp.${name}`)?.fill(value);
    change('gate_proj.weight', 0);
    change('gate_proj.bias', 1.27846454276107); // silu of this is 1
    for (const name of ['up_proj.bias', 'down_proj.bias']) change(name, 0);
    const { tensors } = await solve(await rewritten(setting), 'ffn', { kind: 'linear' });
    const error = await errorOf(setting, 'ffn', { kind: 'linear' }, tensors);
    assert.ok(error < 1e-5, `relative error ${error}`);
  });

  it('of linear attention is nearer than the product of its matrices', async (test) => {
    const setting = await setUp(test, { attentionBias: false });
    const { tensors } = await solve(setting, 'attention', { kind: 'linear' });
    const product = initialiseAttention(setting.config, KV2, { kind: 'linear' }, Object.fromEntries(setting.own));
    const [solved, plain] = [
      await errorOf(setting, 'attention', { kind: 'linear' }, tensors),
      await errorOf(setting, 'attention', { kind: 'linear' }, product),
    ];
    assert.ok(solved < 0.8 * Math.min(plain, 1), `${solved}, the product ${plain}`);
  });

  it('of attention with fewer KV heads is nearer than their means, biases and all', async (test) => {
    const setting = await setUp(test);
    const shape: AttentionShape = { kind: 'gqa', kvHeads: 1 };
    const { tensors, tokens } = await solve(setting, 'attention', shape);
    assert.equal(tokens, (SEQUENCES - HELD_OUT) * SEQUENCE_LENGTH);
    assert.ok(tensors['self_attn.k_proj.bias']?.length === 8 && tensors['self_attn.o_proj.bias']?.length === 24);
    const pooled = initialiseAttention(setting.config, KV2, shape, Object.fromEntries(setting.own));
    const [solved, means] = [
      await errorOf(setting, 'attention', shape, tensors),
      await errorOf(setting, 'attention', shape, pooled),
    ];
    assert.ok(solved < 0.8 * means, `${solved}, means ${means}`);
  });
});
