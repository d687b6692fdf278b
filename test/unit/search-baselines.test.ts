import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import fc from 'fast-check';
import type { LayerShape, ModelConfig } from '../../src/formats/hf-config.js';
import { readTensor, tensorEntry } from '../../src/formats/safetensors.js';
import { parameterCount } from '../../src/model/accounting.js';
import { channelContributions, keptChannels } from '../../src/model/initialise.js';
import { modelTensors } from '../../src/model/tensors.js';
import { enumerateVariants, type LayerVariants, type VariantSpace } from '../../src/model/variants.js';
import { createRun, openRun, readRun, type Run } from '../../src/run/run.js';
import type { RunEvent } from '../../src/run/events.js';
import { Activations } from '../../src/search/activations.js';
import { droppedLayers, uniformPruning } from '../../src/search/baseline-shapes.js';
import { type BaselineInputs, BASELINES_DIR, buildBaselines } from '../../src/search/baselines.js';
import { parseConstraints } from '../../src/search/constraints.js';
import { createContext, openModel } from '../../src/search/context.js';
import { packData } from '../../src/search/data.js';
import { evaluateStage } from '../../src/search/evaluate/stage.js';
import { exportStage, publishReport } from '../../src/search/export.js';
import { type LayerScores, solveLibrary } from '../../src/search/solve.js';
import { parseSpec } from '../../src/search/spec.js';
import { type LibraryCosts, libraryCosts } from '../../src/target/costs.js';
import { type CostRow, type CostTable, tableKey } from '../../src/target/table.js';
import { createExecutor } from '../../src/worker/executor.js';
import { EXAMPLE_VOCABULARY, temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

const WORKLOAD = { batch: 2, prefill: 8, generated: 4 };
const SPACE: VariantSpace = {
  attention: { kvHeads: 'divisors', linear: false, noOp: true },
  ffn: { percents: [50, 20], multiple: 4, linear: false, noOp: true },
};

/** Layers of 2 KV heads and 40 channels. */
function configOf(layers: number): ModelConfig {
  const [layer] = tinyConfig().layers;
  assert.ok(layer);
  return tinyConfig({ vocabSize: EXAMPLE_VOCABULARY, layers: Array.from({ length: layers }, () => layer) });
}

/** A made-up engine: a KV head takes 1 s, a channel 0.1 s and every FFN another 0.5 s, all of it prefill. */
function madeUpCosts(config: ModelConfig, variants: readonly LayerVariants[]): LibraryCosts {
  const row = (prefillSeconds: number): CostRow => ({ prefillSeconds, decodeSeconds: 0 });
  const rows = variants
    .flatMap(({ attention, ffn }) => [...attention, ...ffn])
    .flatMap((variant): [string, CostRow][] => {
      const { shape } = variant;
      if (shape.kind === 'gqa') return [[tableKey(config, variant), row(shape.kvHeads)]];
      return shape.kind === 'gated' ? [[tableKey(config, variant), row(0.5 + 0.1 * shape.width)]] : [];
    });
  const table: CostTable = {
    ...{ version: 1, weights: 'F32', kvCache: 'F32', nonBlock: row(1) },
    variants: Object.fromEntries(rows),
  };
  return libraryCosts(config, variants, table, WORKLOAD);
}

/** Seconds by the made-up engine, at any width. */
function secondsOf(layers: readonly LayerShape[]): number {
  return layers.reduce((total, { attention, ffn }) => {
    const heads = attention.kind === 'gqa' ? attention.kvHeads : 0;
    return total + heads + (ffn.kind === 'gated' ? 0.5 + 0.1 * ffn.width : 0);
  }, 1);
}

/** Scores of no-ops alone: `importance` of a layer, unevenly divided between its halves. */
function noOpScores(importances: readonly (number | null)[]): LayerScores[] {
  return importances.map((importance) => ({
    attention: { kv2: 0, 'no-op': importance === null ? null : 0.75 * importance },
    ffn: { 'ffn-100%': 0, 'no-op': importance === null ? 0 : 0.25 * importance },
  }));
}

const gated = (kvHeads: number, width: number): LayerShape => ({
  attention: { kind: 'gqa', kvHeads },
  ffn: { kind: 'gated', width },
});
const NONE: LayerShape = { attention: { kind: 'no-op' }, ffn: { kind: 'no-op' } };

describe('uniform width pruning', () => {
  const config = configOf(3);
  const costs = madeUpCosts(config, enumerateVariants(config, SPACE));
  const slowest = secondsOf(config.layers);
  const fastest = secondsOf(config.layers.map(() => gated(1, 8)));

  it('leaves most parameters of all uniform shapes within the time', () => {
    const shapes = [1, 2].flatMap((kvHeads) =>
      Array.from({ length: 9 }, (_, i) => config.layers.map(() => gated(kvHeads, 8 + 4 * i))),
    );
    const parameters = (layers: LayerShape[]) => parameterCount(modelTensors({ ...config, layers }));
    fc.assert(
      fc.property(fc.double({ min: fastest, max: slowest * 1.1, noNaN: true }), (limit) => {
        const { layers, seconds } = uniformPruning(config, costs, 4, limit);
        assert.ok(seconds <= limit * (1 + 1e-9));
        assert.ok(Math.abs(seconds - secondsOf(layers)) < 1e-9);
        const possible = shapes.filter((shape) => secondsOf(shape) <= limit);
        assert.equal(parameters(layers), Math.max(...possible.map(parameters)));
      }),
    );
  });

  it('takes the narrowest of the cost table where nothing is fast enough', () => {
    const { layers, seconds } = uniformPruning(config, costs, 4, fastest - 0.1);
    assert.deepEqual(
      layers,
      config.layers.map(() => gated(1, 8)),
    );
    assert.ok(Math.abs(seconds - fastest) < 1e-9);
  });

  it('leaves halves without heads and channels, and what is narrower already, as they are', () => {
    const mixed = { ...config, layers: [gated(2, 40), gated(1, 16), { ...NONE, ffn: { kind: 'linear' as const } }] };
    const variants = enumerateVariants(mixed, SPACE);
    const priced = madeUpCosts(mixed, variants.slice(0, 2));
    const last = { attention: [{ name: 'no-op' }], ffn: [{ name: 'linear' }] };
    const part = { parameters: 0, memory: 0, kvCache: 0, seconds: 0.25, prefillSeconds: 0.05, stepSeconds: 0.05 };
    const lastPriced = {
      attention: last.attention.map((v) => ({ ...part, ...v })),
      ffn: last.ffn.map((v) => ({ ...part, ...v })),
    };
    const { layers, seconds } = uniformPruning(mixed, { ...priced, layers: [...priced.layers, lastPriced] }, 4, 8.5);
    assert.deepEqual(layers, [gated(1, 24), gated(1, 16), mixed.layers[2]]);
    assert.ok(Math.abs(seconds - (1 + 1 + 2.9 + 1 + 2.1 + 0.5)) < 1e-9);
  });
});

describe('layer dropping', () => {
  const config = configOf(4);
  const costs = madeUpCosts(config, enumerateVariants(config, SPACE));
  // Each layer takes 6.5 s, the rest 1 s.
  const dropped = (limit: number, importances: (number | null)[]) => {
    const { layers, seconds } = droppedLayers(config, costs, noOpScores(importances), limit);
    return {
      layers: layers.flatMap(({ ffn }, layer) => (ffn.kind === 'no-op' ? [layer] : [])),
      seconds,
      shapes: layers,
    };
  };

  it('drops as few as needed, the least important first, whole', () => {
    const { layers, seconds, shapes } = dropped(15, [0.4, 0.1, 0.3, 0.2]);
    assert.deepEqual({ layers, seconds }, { layers: [1, 3], seconds: 14 });
    assert.deepEqual(shapes, [gated(2, 40), NONE, gated(2, 40), NONE]);
    assert.deepEqual(dropped(14, [0.4, 0.1, 0.3, 0.2]).layers, [1, 3]);
    assert.deepEqual(dropped(13.9, [0.4, 0.1, 0.3, 0.2]).layers, [1, 2, 3]);
    assert.deepEqual(dropped(27, [0.4, 0.1, 0.3, 0.2]).layers, []);
  });

  it('keeps a layer that was not scored without both halves, and so may stay slower', () => {
    assert.deepEqual(dropped(2, [0.4, null, 0.3, 0.2]), { ...dropped(7.5, [0.4, 9, 0.3, 0.2]) });
    assert.deepEqual(dropped(2, [0.4, null, 0.3, 0.2]).seconds, 7.5);
  });
});

const ITEMS = [
  { context: 'Tim had a', choices: [' cat', ' dog', ' bird'], answer: 0 },
  { context: 'They went to the', choices: [' shop', ' sun'], answer: 0 },
];

/** A parent of three layers with text and a task, searched up to the solution, its scores and costs made up. */
async function setUp(test: Parameters<typeof temporaryFolder>[0], limits: Record<string, string>, space = SPACE) {
  const dir = await temporaryFolder(test);
  const config = configOf(3);
  await mkdir(join(dir, 'parent'));
  await writeModelFolder(join(dir, 'parent'), config, randomWeights(config));
  const text = Array.from({ length: 60 }, (_, i) => `One day, Tim had ${i} cats and Lily went to the market.`);
  await writeFile(join(dir, 'text.txt'), text.join('\n\n'));
  await writeFile(join(dir, 'task.jsonl'), ITEMS.map((item) => JSON.stringify(item)).join('\n'));
  const json = {
    parent: join(dir, 'parent'),
    data: { text: join(dir, 'text.txt'), sequenceLength: 16 },
    tasks: [join(dir, 'task.jsonl')],
    space: { ...space, ffn: { ...space.ffn } },
    target: { engine: 'onnxruntime', threads: 1, workload: WORKLOAD },
    distil: { tokens: 128 },
    score: { tokens: 64 },
    uptrain: { tokens: 128, batch: 2, validateEvery: 2 },
    evaluate: { tokens: 64, pairs: 3 },
    threads: 1,
  };
  const spec = parseSpec(JSON.stringify(json), 'test');
  const contextOf = (run: Run) => createContext(run, spec, createExecutor(1));
  const inputsOf = async (context: Awaited<ReturnType<typeof contextOf>>): Promise<BaselineInputs> => {
    const data = await packData(context);
    const variants = enumerateVariants(config, space);
    const costs = madeUpCosts(config, variants);
    const scores = variants.map(({ attention, ffn }, layer): LayerScores => {
      const scored = (names: { name: string }[]) =>
        Object.fromEntries(names.map(({ name }, i) => [name, i * (layer + 1)]));
      return { attention: scored(attention), ffn: scored(ffn) };
    });
    const solution = await solveLibrary({ scores, costs }, { constraints: parseConstraints(limits), margin: 0 });
    const calibration = new Activations(context, data, 'train', 64);
    await calibration.need({ first: 0, end: config.layers.length });
    return { calibration, data, scores, costs, solution };
  };
  const runDir = join(dir, 'run');
  return { config, runDir, run: await createRun(runDir, {}), contextOf, inputsOf };
}

async function eventsOf(runDir: string): Promise<RunEvent[]> {
  const lines = (await readFile(join(runDir, 'events.jsonl'), 'utf8')).trim().split('\n');
  return lines.map((line) => JSON.parse(line) as RunEvent);
}

describe('the baselines of a run', () => {
  it('are as fast as the child by prediction, trained as long, and evaluated beside it', async (test) => {
    const { config, runDir, run, contextOf, inputsOf } = await setUp(test, { throughput: '>= 1.5x' });
    const context = await contextOf(run);
    const inputs = await inputsOf(context);
    const baselines = await buildBaselines(context, inputs);
    await run.close();
    const { throughput } = inputs.solution.totals;
    assert.deepEqual(
      baselines.map(({ name }) => name),
      ['uniform width pruning', 'layer dropping'],
    );
    const [uniform, dropping] = baselines;
    assert.ok(uniform && dropping);
    for (const { dir, config: own, evaluation, uptrainTokens, predictedThroughput } of baselines) {
      assert.ok(predictedThroughput >= throughput * (1 - 1e-9));
      assert.equal(uptrainTokens, 128);
      assert.ok(evaluation.text.kl > 0 && evaluation.speedup.n === 3 && evaluation.tasks.length === 1);
      // As read back from the folder, which is in the run directory.
      assert.deepEqual(own.layers, (await openModel(dir)).config.layers);
      assert.ok(dir.startsWith(join(runDir, BASELINES_DIR)));
    }
    assert.equal(new Set(uniform.config.layers.map((layer) => JSON.stringify(layer))).size, 1);
    // 20.5 s, less 6.5 s for each layer, to reach 1.5x.
    assert.deepEqual(dropping.config.layers, [NONE, NONE, config.layers[2]]);
    assert.deepEqual((await readRun(runDir)).state().warnings, []);
  });

  it('start from the channels that contribute most and the means of the KV heads', async (test) => {
    const { runDir, run, contextOf, inputsOf } = await setUp(test, { throughput: '>= 2x' });
    const context = await contextOf(run);
    const inputs = await inputsOf(context);
    await buildBaselines(context, inputs);
    await run.close();
    const assembled = (await eventsOf(runDir)).flatMap((event) =>
      event.type === 'task-finished' && event.artifact?.includes('uniform-width-pruning/assembled')
        ? [event.artifact]
        : [],
    );
    const [artifact] = assembled;
    assert.ok(artifact !== undefined && assembled.length === 1);
    const { config, checkpoint } = await openModel(join(runDir, artifact));
    const [shape] = config.layers;
    assert.ok(shape?.attention.kind === 'gqa' && shape.ffn.kind === 'gated');
    assert.ok(shape.attention.kvHeads === 1 && shape.ffn.width < 40);
    const read = (of: typeof checkpoint, name: string) => readTensor(tensorEntry(of, `model.layers.2.${name}.weight`));
    const parent = context.parent.checkpoint;

    const channels = JSON.parse(await readFile(inputs.calibration.channels[2] ?? '', 'utf8')) as number[];
    const contributions = channelContributions(channels, await read(parent, 'mlp.down_proj'));
    const kept = keptChannels(contributions, shape.ffn.width);
    const [own, up] = [await read(parent, 'mlp.up_proj'), await read(checkpoint, 'mlp.up_proj')];
    const rows = kept.flatMap((channel) => [...own.subarray(channel * 24, (channel + 1) * 24)]);
    assert.deepEqual([...up], rows);

    const [heads, pooled] = [await read(parent, 'self_attn.k_proj'), await read(checkpoint, 'self_attn.k_proj')];
    const [size] = [8 * 24];
    assert.deepEqual(
      pooled,
      Float32Array.from({ length: size }, (_, i) => ((heads[i] ?? 0) + (heads[size + i] ?? 0)) / 2),
    );
  });

  it('are made once, and leave the stages of the run as they were', async (test) => {
    const { runDir, run, contextOf, inputsOf } = await setUp(test, { throughput: '>= 1.5x' });
    const context = await contextOf(run);
    const inputs = await inputsOf(context);
    await evaluateStage(context, context.parent.dir, inputs.data);
    const before = run.state().stages;
    const baselines = await buildBaselines(context, inputs);
    const after = run.state().stages;
    assert.deepEqual(after, before);
    await run.close();
    const keys = (events: RunEvent[]) => events.flatMap((event) => (event.type === 'task-started' ? [event.key] : []));
    const started = keys(await eventsOf(runDir));
    assert.equal(new Set(started).size, started.length);

    const resumed = await openRun(runDir);
    const again = await contextOf(resumed);
    assert.deepEqual(await buildBaselines(again, await inputsOf(again)), baselines);
    await resumed.close();
    assert.deepEqual(keys(await eventsOf(runDir)), started);
  });

  it('say once that they are slower where nothing is as fast, and are left out where nothing can change', async (test) => {
    const only = { attention: { ...SPACE.attention, kvHeads: [1], noOp: false }, ffn: { ...SPACE.ffn, noOp: false } };
    const { runDir, run, contextOf, inputsOf } = await setUp(test, { throughput: '>= 2x' }, only);
    const context = await contextOf(run);
    const inputs = await inputsOf(context);
    const { solution } = inputs;
    const faster = { ...inputs, solution: { ...solution, totals: { ...solution.totals, latency: 5 } } };
    const baselines = await buildBaselines(context, faster);
    await buildBaselines(context, faster);
    await run.close();
    assert.deepEqual(
      baselines.map(({ config }) => config.layers),
      [[gated(1, 8), gated(1, 8), gated(1, 8)]],
    );
    // 20.5 s, of which 7.9 s are left at the least.
    assert.deepEqual((await readRun(runDir)).state().warnings, [
      "uniform width pruning gets to 2.59x of the parent's predicted throughput at most, the child to 4.10x; it is compared at that",
      'layer dropping is left out: this space has no variants that it could use',
    ]);
  });

  it('stand in the report beside the child, whose search took no longer for them', async (test) => {
    const { run, contextOf, inputsOf } = await setUp(test, { throughput: '>= 1.5x' });
    const context = await contextOf(run);
    const inputs = await inputsOf(context);
    const { scores, solution, data } = inputs;
    const costs: CostTable = {
      ...{ version: 1, weights: 'F32', kvCache: 'F32', variants: {} },
      nonBlock: { prefillSeconds: 0, decodeSeconds: 0 },
    };
    const evaluation = await evaluateStage(context, context.parent.dir, data);
    const result = {
      steps: 0,
      tokens: 0,
      klBefore: 0,
      klBest: 0,
      bestStep: 0,
      curve: { steps: [], values: [] },
      stoppedEarly: false,
    };
    const findings = { data, costs, scores, solution, child: { dir: context.parent.dir, result }, evaluation };
    const without = await exportStage(context, findings);
    const baselines = await buildBaselines(context, inputs);
    const report = await publishReport(context, { ...findings, baselines });
    const { apartSeconds } = run.state();
    await run.close();
    assert.deepEqual(without.baselines, []);
    assert.deepEqual(report.stages, without.stages);
    assert.equal(report.tokens, without.tokens);
    assert.ok(Math.abs(report.seconds - without.seconds) < 1e-6);
    assert.ok(apartSeconds > 0);
    assert.deepEqual(
      report.baselines.map(({ model, uptrainTokens }) => [model.name, uptrainTokens]),
      [
        ['uniform width pruning', 128],
        ['layer dropping', 128],
      ],
    );
  });
});
