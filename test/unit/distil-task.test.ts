import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it, type TestContext } from 'node:test';
import { Random } from '../../src/common/random.js';
import { type DistilPayload, type DistilResult, distilTask } from '../../src/search/distil.js';
import { HiddenWriter } from '../../src/search/hidden-file.js';
import { momentsTask } from '../../src/search/moments-task.js';
import { temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';
import { layerWeights, referenceFfn } from '../support/reference.js';

const TASK = { signal: new AbortController().signal, progress: () => undefined };
const [SEQUENCES, SEQUENCE_LENGTH, BATCH] = [64, 16, 4];

/** A parent whose first FFN is to become half as wide, and what enters and leaves it. */
async function setUp(test: TestContext): Promise<DistilPayload> {
  const config = tinyConfig({ vocabSize: 1024 });
  const dir = await temporaryFolder(test);
  const weights = randomWeights(config);
  await writeModelFolder(dir, config, weights);
  const random = Random.of(1, 'hidden');
  const x = Array.from({ length: SEQUENCES * SEQUENCE_LENGTH }, () =>
    Float64Array.from({ length: config.hiddenSize }, () => random.normal()),
  );
  const y = referenceFfn(config, { kind: 'gated', width: 40 }, layerWeights(weights, 0), x);
  const write = async (name: string, rows: readonly Float64Array[]) => {
    const file = join(dir, name);
    await using writer = await HiddenWriter.create(file);
    await writer.append(Float32Array.from(rows.flatMap((row) => [...row])));
    return file;
  };
  const channelsFile = join(dir, 'channels.json');
  await writeFile(channelsFile, JSON.stringify(Array.from({ length: 40 }, () => 1)));
  return {
    ...{ parentDir: dir, layer: 0, half: 'ffn', variant: 'ffn-50%', shape: { kind: 'gated', width: 24 } },
    ...{ inputFile: await write('x.f16', x), targetFile: await write('y.f16', y), channelsFile, moments: undefined },
    ...{
      sequences: SEQUENCES,
      sequenceLength: SEQUENCE_LENGTH,
      batch: BATCH,
      tokens: 1536,
      learningRate: 2e-3,
      seed: 1,
    },
    output: { file: join(dir, 'out.safetensors'), artifact: 'out.safetensors' },
  };
}

/** With the moments of the half, so that it begins at its closed form. */
async function fromClosedForm(payload: DistilPayload): Promise<DistilPayload> {
  const { inputFile, sequences, sequenceLength, parentDir, layer, half, channelsFile } = payload;
  const source = { inputFile, hiddenSize: 24, sequences, heldOut: 4, used: 60, sequenceLength };
  const dir = join(parentDir, 'moments');
  await momentsTask({ parentDir, layer, half, source, channelsFile, output: { dir, artifact: 'moments' } }, TASK);
  return { ...payload, moments: { dir, source } };
}

async function distil(payload: DistilPayload): Promise<DistilResult> {
  return (await distilTask(payload, TASK)).result as DistilResult;
}

describe('distilling a variant', () => {
  it('without tokens gives the closed form, which is nearer than the initial values', async (test) => {
    const result = await distil({ ...(await fromClosedForm(await setUp(test))), tokens: 0 });
    assert.ok((result.lossClosedForm ?? 1) < 0.9 * result.lossInitial);
    assert.deepEqual([result.lossBefore, result.lossAfter], [result.lossClosedForm, result.lossClosedForm]);
    assert.deepEqual(result.tokens, { closedForm: 0, gradient: 0 });
  });

  it('goes on from the closed form, and begins at the initial values where none is asked for', async (test) => {
    const payload = await setUp(test);
    const [closed, paper] = [await distil(await fromClosedForm(payload)), await distil(payload)];
    assert.ok(closed.lossAfter < closed.lossBefore && closed.lossBefore === closed.lossClosedForm);
    assert.ok(paper.lossAfter < paper.lossBefore && paper.lossBefore === paper.lossInitial);
    assert.equal(paper.lossClosedForm, undefined);
    assert.equal(paper.lossInitial, closed.lossInitial);
    assert.ok(closed.lossAfter < paper.lossAfter);
    assert.equal(paper.tokens.gradient, 1536);
  });

  it('at a rate that leads away keeps the start', async (test) => {
    const result = await distil({ ...(await fromClosedForm(await setUp(test))), learningRate: 3 });
    assert.equal(result.lossAfter, result.lossBefore);
    assert.equal(result.failed, undefined);
  });

  it('ends early where nothing gets better', async (test) => {
    const payload = { ...(await fromClosedForm(await setUp(test))), learningRate: 1e-12 };
    assert.equal((await distil(payload)).tokens.gradient, payload.tokens / 2);
  });

  it('gives the same numbers again', async (test) => {
    const payload = await fromClosedForm(await setUp(test));
    assert.deepEqual(await distil(payload), await distil(payload));
  });
});
