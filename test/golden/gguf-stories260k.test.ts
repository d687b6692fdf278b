import assert from 'node:assert/strict';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import type { LayerShape } from '../../src/formats/hf-config.js';
import { loadTokenizer } from '../../src/formats/tokenizer.js';
import { generate } from '../../src/model/generate.js';
import { assembleUntrained } from '../../src/search/assemble-untrained.js';
import { type Model, openModel } from '../../src/search/context.js';
import { inLlamaCpp, largestDifference, logProbabilities, skipWithoutLlamaCpp } from '../support/llama-cpp.js';
import { temporaryFolder } from '../support/model-folder.js';
import { sharedDir, skipWithoutShared } from '../support/shared.js';

const DIR = join(sharedDir() ?? '', 'models', 'stories260K');
const TEXT = join(sharedDir() ?? '', 'text', 'tinystories.txt');
const PROMPT = 'Once upon a time, there was a little girl';
/** Nats, on any token of the vocabulary; both sides in single precision. */
const TOLERANCE = 2e-3;

const gqa = (kvHeads: number): LayerShape['attention'] => ({ kind: 'gqa', kvHeads });
const gated = (width: number): LayerShape['ffn'] => ({ kind: 'gated', width });
const NOTHING = { kind: 'no-op' } as const;
const LINEAR = { kind: 'linear' } as const;

/** Children of the parent's five layers, each with 4 KV heads and 172 channels. */
const CHILDREN: Record<string, LayerShape[]> = {
  'KV heads': [4, 2, 1, 1, 4].map((kvHeads) => ({ attention: gqa(kvHeads), ffn: gated(172) })),
  'FFN widths': [172, 96, 8, 33, 128].map((width) => ({ attention: gqa(4), ffn: gated(width) })),
  'removed attention': [gqa(4), NOTHING, gqa(4), NOTHING, NOTHING].map((attention) => ({ attention, ffn: gated(172) })),
  'no attention in the first layer': [NOTHING, gqa(4), gqa(2), gqa(4), gqa(4)].map((attention) => ({
    ...{ attention, ffn: gated(172) },
  })),
  'linear attention, an empty layer, all at once': [
    { attention: gqa(2), ffn: gated(172) },
    { attention: NOTHING, ffn: NOTHING },
    { attention: LINEAR, ffn: gated(64) },
    { attention: gqa(1), ffn: gated(96) },
    { attention: NOTHING, ffn: NOTHING },
  ],
};

async function storyIds(model: Model, count: number): Promise<number[]> {
  const text = (await readFile(TEXT, 'utf8')).slice(0, 4 * count);
  return (await loadTokenizer(model.dir)).encode(text, { bos: true }).slice(0, count);
}

describe(
  'stories260K and its children as GGUF, in llama.cpp',
  { skip: skipWithoutShared() || skipWithoutLlamaCpp() },
  () => {
    const agrees = async (test: Parameters<typeof inLlamaCpp>[0], model: Model) => {
      const { llama, model: loaded } = await inLlamaCpp(test, model);
      const ids = await storyIds(model, 128);
      const theirs = await llama.ask('logProbabilities', { model: loaded, ids });
      const difference = largestDifference(await logProbabilities(model, ids), theirs);
      const tokenizer = await loadTokenizer(model.dir);
      const ours = await generate(model, tokenizer, PROMPT, 64);
      const prompt = tokenizer.encode(PROMPT, { bos: true });
      const greedy = await llama.ask('greedy', { model: loaded, ids: prompt, count: 64 });
      assert.ok(difference <= TOLERANCE, `log-probabilities differ by ${difference}`);
      assert.deepEqual(greedy, ours.ids);
      assert.equal(greedy.length, 64);
      return difference;
    };

    it('the parent: the same log-probabilities and the same 64 tokens', async (test) => {
      test.diagnostic(`largest difference ${await agrees(test, await openModel(DIR))}`);
    });

    for (const [what, layers] of Object.entries(CHILDREN)) {
      it(`${what}: the same log-probabilities and the same 64 tokens`, async (test) => {
        const folder = await temporaryFolder(test);
        const channels = join(folder, 'channels.json');
        await writeFile(channels, JSON.stringify(Array.from({ length: 172 }, (_, i) => 1 + ((i * 37) % 172))));
        const child = join(folder, 'child');
        await mkdir(child);
        await assembleUntrained(
          await openModel(DIR),
          layers,
          layers.map(() => channels),
          child,
        );
        test.diagnostic(`largest difference ${await agrees(test, await openModel(child))}`);
      });
    }

    it('gives real text the same token ids', async (test) => {
      const model = await openModel(DIR);
      const { llama, model: loaded } = await inLlamaCpp(test, model);
      const text = (await readFile(TEXT, 'utf8')).slice(0, 40_000);
      const ours = (await loadTokenizer(DIR)).encode(text);
      assert.ok(ours.length > 10_000, `${ours.length} tokens`);
      assert.deepEqual(await llama.ask('tokenize', { model: loaded, text }), ours);
    });

    for (const [precision, nats] of [
      ['f16', 1e-3],
      ['q8_0', 2e-2],
    ] as const) {
      it(`${precision}: the likelihood of a text within ${nats} nats per token`, async (test) => {
        const model = await openModel(DIR);
        const { llama, model: loaded } = await inLlamaCpp(test, model, { precision });
        const ids = await storyIds(model, 256);
        const nll = (rows: readonly number[][]) =>
          -ids.slice(1).reduce((sum, id, i) => sum + (rows[i]?.[id] ?? NaN), 0) / (ids.length - 1);
        const theirs = nll(await llama.ask('logProbabilities', { model: loaded, ids }));
        const ours = nll(await logProbabilities(model, ids));
        test.diagnostic(`ours ${ours}, llama.cpp ${theirs}`);
        assert.notEqual(theirs, ours);
        assert.ok(Math.abs(theirs - ours) < nats, `${theirs}, ours ${ours}`);
      });
    }
  },
);
