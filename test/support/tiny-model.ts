import { Random } from '../../src/common/random.js';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { modelTensors } from '../../src/model/tensors.js';

/** A model small enough to compute by hand in milliseconds: 2 layers, 4 heads over 2 KV heads, odd-ish sizes. */
export function tinyConfig(overrides: Partial<ModelConfig> = {}): ModelConfig {
  return {
    family: 'llama',
    hiddenSize: 24,
    heads: 4,
    headDim: 8,
    vocabSize: 29,
    rmsNormEps: 1e-5,
    ropeTheta: 10_000,
    ropeScaling: null,
    maxPositionEmbeddings: 64,
    tieWordEmbeddings: false,
    attentionBias: false,
    mlpBias: false,
    bosTokenId: 1,
    eosTokenIds: [2],
    dtype: 'F32',
    layers: Array.from({ length: 2 }, () => ({
      attention: { kind: 'gqa', kvHeads: 2 },
      ffn: { kind: 'gated', width: 40 },
    })),
    raw: {},
    ...overrides,
  };
}

/** Every tensor of a model, seeded normal numbers of a size that keeps activations near one. */
export function randomWeights(config: ModelConfig, seed = 1): Map<string, Float32Array> {
  return new Map(
    modelTensors(config).map(({ name, shape }) => {
      const random = Random.of(seed, name);
      const inputs = shape[1] ?? 1;
      const length = shape.reduce((total, size) => total * size, 1);
      return [name, Float32Array.from({ length }, () => (random.normal() * 0.8) / Math.sqrt(inputs))];
    }),
  );
}

/** Seeded token ids. */
export function randomIds(config: ModelConfig, count: number, seed = 1): number[] {
  const random = Random.of(seed, 'ids');
  return Array.from({ length: count }, () => random.below(config.vocabSize));
}
