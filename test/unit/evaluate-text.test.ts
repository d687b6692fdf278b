import assert from 'node:assert/strict';
import { mkdir, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { type Model, openModel } from '../../src/search/context.js';
import type { TokenFile } from '../../src/search/data.js';
import { compareOnText } from '../../src/search/evaluate/text.js';
import { temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { referenceForward, referenceKl, referenceNll } from '../support/reference.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

const PARENT = tinyConfig();
const CHILD = tinyConfig({
  layers: [
    { attention: { kind: 'no-op' }, ffn: { kind: 'gated', width: 40 } },
    { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'linear' } },
  ],
});

type Test = Parameters<typeof temporaryFolder>[0];

async function open(dir: string, config: ModelConfig): Promise<Model> {
  await mkdir(dir);
  await writeModelFolder(dir, config, randomWeights(config));
  return openModel(dir);
}

async function setUp(test: Test, sequences: number, sequenceLength: number) {
  const dir = await temporaryFolder(test);
  const ids = randomIds(PARENT, sequences * sequenceLength);
  const file: TokenFile = { file: join(dir, 'test.i32'), sequences, sequenceLength };
  await writeFile(file.file, new Uint8Array(Int32Array.from(ids).buffer));
  return { parent: await open(join(dir, 'parent'), PARENT), child: await open(join(dir, 'child'), CHILD), file, ids };
}

function mean(values: readonly number[]): number {
  return values.reduce((a, b) => a + b, 0) / values.length;
}

function likeliest(scores: Float64Array): number {
  return scores.indexOf(Math.max(...scores));
}

/** Everything by the reference, sequence by sequence. */
function reference(ids: readonly number[], sequenceLength: number) {
  const parts = Array.from({ length: ids.length / sequenceLength }, (_, i) => {
    const sequence = ids.slice(i * sequenceLength, (i + 1) * sequenceLength);
    const logits = [PARENT, CHILD].map((config) => referenceForward(config, randomWeights(config), sequence).logits);
    const [parent = [], child = []] = logits;
    return {
      parent: referenceNll(parent, sequence),
      child: referenceNll(child, sequence),
      kl: referenceKl(parent, child).slice(0, -1),
      same: parent.map((row, t) => Number(likeliest(row) === likeliest(child[t] ?? row))).slice(0, -1),
    };
  });
  return {
    parentPerplexity: Math.exp(mean(parts.flatMap((part) => part.parent))),
    childPerplexity: Math.exp(mean(parts.flatMap((part) => part.child))),
    kl: mean(parts.flatMap((part) => part.kl)),
    topOneAgreement: mean(parts.flatMap((part) => part.same)),
  };
}

describe('parent and child on text', () => {
  it('have the perplexities, divergence and agreement of the reference', async (test) => {
    const { parent, child, file, ids } = await setUp(test, 3, 16);
    const { tokens, ...figures } = await compareOnText(parent, child, file, 48, { threads: 1 });
    assert.equal(tokens, 45);
    const expected = reference(ids, 16);
    for (const [name, value] of Object.entries(expected)) {
      const actual = figures[name as keyof typeof expected];
      assert.ok(Math.abs(actual / value - 1) < 1e-4, `${name}: ${actual}, expected ${value}`);
    }
    assert.ok(figures.topOneAgreement < 1, 'the models must differ for this test to mean anything');
  });

  it('are compared on as many whole sequences as make up the tokens asked for', async (test) => {
    const { parent, child, file, ids } = await setUp(test, 4, 16);
    const few = await compareOnText(parent, child, file, 17, { threads: 1 });
    assert.equal(few.tokens, 2 * 15);
    assert.ok(Math.abs(few.kl / reference(ids.slice(0, 32), 16).kl - 1) < 1e-4);
    const all = await compareOnText(parent, child, file, 1_000_000, { threads: 1 });
    assert.equal(all.tokens, 4 * 15);
  });

  it('give the same figures in windows and chunks of rows', async (test) => {
    // 9 sequences of 300: windows of 6 and 3, and per sequence 299 rows, more than the head takes at once.
    const { parent, child, file, ids } = await setUp(test, 9, 300);
    const shares: number[] = [];
    const beforeWindow = (done: number) => void shares.push(done);
    const { kl, tokens } = await compareOnText(parent, child, file, ids.length, { threads: 1, beforeWindow });
    assert.equal(tokens, 9 * 299);
    assert.deepEqual(shares, [0, 6 / 9]);
    const last = await compareOnText(parent, child, { ...file, sequences: 8 }, ids.length, { threads: 1 });
    const ninth = reference(ids.slice(8 * 300), 300).kl;
    assert.ok(Math.abs((9 * kl - 8 * last.kl) / ninth - 1) < 1e-3, `${9 * kl - 8 * last.kl}, expected ${ninth}`);
  });

  it('agree with themselves', async (test) => {
    const { parent, file } = await setUp(test, 2, 16);
    const figures = await compareOnText(parent, parent, file, 32, { threads: 1 });
    assert.ok(Math.abs(figures.kl) < 1e-7);
    assert.equal(figures.topOneAgreement, 1);
    assert.equal(figures.parentPerplexity, figures.childPerplexity);
  });
});
