import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { LayerShape, ModelConfig } from '../../src/formats/hf-config.js';
import { ggufModel } from '../../src/model/gguf.js';
import { openModel } from '../../src/search/context.js';
import { saying } from '../support/errors.js';
import { inLlamaCpp, largestDifference, logProbabilities, skipWithoutLlamaCpp } from '../support/llama-cpp.js';
import { EXAMPLE_VOCABULARY, temporaryFolder, writeModelFolder } from '../support/model-folder.js';
import { randomIds, randomWeights, tinyConfig } from '../support/tiny-model.js';

const FULL: LayerShape = { attention: { kind: 'gqa', kvHeads: 2 }, ffn: { kind: 'gated', width: 40 } };
const NOTHING = { kind: 'no-op' } as const;
const TOLERANCE = 1e-4;

function headOf(changes: Partial<ModelConfig>): Map<string, unknown> {
  const config = tinyConfig(changes);
  const options = { name: 'tiny', precision: 'f32', where: 'tiny' } as const;
  const { entries } = ggufModel(config, () => new Float32Array(), options);
  return new Map(entries.map(([key, { value }]) => [key, value]));
}

describe('a model as GGUF', () => {
  it('is a llama where all layers are alike, else a deci with numbers for every layer', () => {
    assert.equal(headOf({}).get('general.architecture'), 'llama');
    assert.equal(headOf({}).get('llama.attention.head_count_kv'), 2);
    const layers: LayerShape[] = [
      FULL,
      { ...FULL, attention: NOTHING },
      { attention: { kind: 'linear' }, ffn: FULL.ffn },
    ];
    const deci = headOf({ layers });
    assert.deepEqual(deci.get('deci.attention.head_count'), [4, 0, 4]);
    assert.deepEqual(deci.get('deci.attention.head_count_kv'), [2, 0, 0]);
    assert.deepEqual(deci.get('deci.feed_forward_length'), [40, 40, 40]);
  });

  it('leaves out layers that do nothing', () => {
    const layers: LayerShape[] = [FULL, { attention: NOTHING, ffn: NOTHING }, FULL];
    assert.equal(headOf({ layers }).get('llama.block_count'), 2);
  });

  it('is refused with layer and reason for what llama.cpp cannot compute', () => {
    const layers: LayerShape[] = [FULL, { ...FULL, ffn: NOTHING }, { ...FULL, ffn: { kind: 'linear' } }];
    assert.throws(
      () => headOf({ layers }),
      saying(/layer 1: llama.cpp loses the attention of a layer that has no FFN; layer 2: llama.cpp has no linear FFN/),
    );
    assert.throws(() => headOf({ attentionBias: true }), saying(/attention_bias is true; biases are not written/));
    const without = { ...FULL, attention: NOTHING };
    assert.throws(() => headOf({ layers: [without, without] }), saying(/no layer has attention with keys and values/));
  });

  const scalings: Record<string, Partial<ModelConfig>> = {
    'no scaling': {},
    'another base frequency': { ropeTheta: 500_000 },
    'linear scaling': { ropeScaling: { type: 'linear', factor: 4 } },
    'Llama 3 scaling': {
      ropeScaling: {
        ...{ type: 'llama3', factor: 8, lowFreqFactor: 1, highFreqFactor: 4, originalMaxPositionEmbeddings: 32 },
      },
    },
    'a tied head': { tieWordEmbeddings: true },
    'heads wider than their share': { headDim: 16 },
    'heads wider than their share, unlike layers': {
      ...{ headDim: 16, layers: [{ ...FULL, attention: { kind: 'gqa', kvHeads: 1 } }, FULL] },
    },
  };
  for (const [what, changes] of Object.entries(scalings)) {
    it(`${what}: llama.cpp computes what we compute`, { skip: skipWithoutLlamaCpp() }, async (test) => {
      const config = tinyConfig({ vocabSize: EXAMPLE_VOCABULARY, hiddenSize: 32, ...changes });
      const dir = await temporaryFolder(test);
      await writeModelFolder(dir, config, randomWeights(config));
      const model = await openModel(dir);
      const { llama, model: loaded } = await inLlamaCpp(test, model);
      const ids = randomIds(config, 60);
      const theirs = await llama.ask('logProbabilities', { model: loaded, ids });
      const difference = largestDifference(await logProbabilities(model, ids), theirs);
      assert.ok(difference < TOLERANCE, `log-probabilities differ by ${difference}`);
    });
  }
});
