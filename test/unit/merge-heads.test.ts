import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { Random } from '../../src/common/random.js';
import type { AttentionShape } from '../../src/formats/hf-config.js';
import { groupHeads } from '../../src/model/head-groups.js';
import { initialiseAttention, type SubblockTensors } from '../../src/model/initialise.js';
import { HeadMerger } from '../../src/model/merge-heads.js';
import { layerWeights, referenceAttention, type Rows } from '../support/reference.js';
import { randomWeights, tinyConfig } from '../support/tiny-model.js';

const KV4: AttentionShape = { kind: 'gqa', kvHeads: 4 };
const KV2: AttentionShape = { kind: 'gqa', kvHeads: 2 };
const LAYER = { attention: KV4, ffn: { kind: 'gated', width: 8 } } as const;
/** Eight query heads over four KV heads, all projections with biases. */
const CONFIG = tinyConfig({ heads: 8, layers: [LAYER], attentionBias: true });
const { headDim, hiddenSize } = CONFIG;
const HALF = headDim / 2;

function parentTensors(seed = 1): SubblockTensors {
  return Object.fromEntries([...layerWeights(randomWeights(CONFIG, seed), 0)]) as SubblockTensors;
}

function tokens(count: number, seed = 1): Rows {
  const random = Random.of(seed, 'rows');
  return Array.from({ length: count }, () => Float64Array.from({ length: hiddenSize }, () => random.normal()));
}

/** Σ x xᵀ of the normed tokens, with a constant 1 behind them. */
function gramOf(rows: Rows, norm: Float32Array): Float64Array {
  const width = hiddenSize + 1;
  const gram = new Float64Array(width * width);
  for (const row of rows) {
    const size = Math.sqrt(row.reduce((sum, value) => sum + value * value, 0) / hiddenSize + CONFIG.rmsNormEps);
    const x = [...[...row].map((value, i) => (value / size) * (norm[i] ?? 0)), 1];
    for (let i = 0; i < width; i++) {
      for (let j = 0; j < width; j++) gram[i * width + j] = (gram[i * width + j] ?? 0) + (x[i] ?? 0) * (x[j] ?? 0);
    }
  }
  return gram;
}

/** Makes the keys of `to` those of `from`, each rotary pair turned and stretched; its values a linear map of those of `from`. */
function makeRelative(tensors: SubblockTensors, from: number, to: number, seed: number): void {
  const random = Random.of(seed, 'relative');
  for (const [suffix, columns] of [
    ['weight', hiddenSize],
    ['bias', 1],
  ] as const) {
    const key = tensors[`self_attn.k_proj.${suffix}`] ?? new Float32Array();
    const value = tensors[`self_attn.v_proj.${suffix}`] ?? new Float32Array();
    const draws = Random.of(seed, 'phases');
    for (let i = 0; i < HALF; i++) {
      const [angle, stretch] = [draws.normal(), 0.5 + Math.abs(draws.normal())];
      const [re, im] = [stretch * Math.cos(angle), stretch * Math.sin(angle)];
      for (let c = 0; c < columns; c++) {
        const at = (head: number, row: number) => (head * headDim + row) * columns + c;
        const [a, b] = [key[at(from, i)] ?? 0, key[at(from, i + HALF)] ?? 0];
        key[at(to, i)] = re * a - im * b;
        key[at(to, i + HALF)] = im * a + re * b;
      }
    }
    const map = Random.of(seed, 'map');
    const entries = Float64Array.from({ length: headDim * headDim }, () => map.normal() / 3);
    for (let row = 0; row < headDim; row++) {
      for (let c = 0; c < columns; c++) {
        let total = 0;
        for (let k = 0; k < headDim; k++) {
          total += (entries[row * headDim + k] ?? 0) * (value[(from * headDim + k) * columns + c] ?? 0);
        }
        value[(to * headDim + row) * columns + c] = total;
      }
    }
  }
  assert.ok(random.normal() !== 0);
}

function meanSquare(a: Rows, b: Rows): number {
  let total = 0;
  for (const [t, row] of a.entries()) for (const [i, value] of row.entries()) total += (value - (b[t]?.[i] ?? 0)) ** 2;
  return total / a.length / hiddenSize;
}

function run(shape: AttentionShape, tensors: SubblockTensors, x: Rows): Rows {
  return referenceAttention(CONFIG, shape, new Map(Object.entries(tensors)), x);
}

describe('merged heads', () => {
  it('are the parent where heads differ by a turn of each rotary pair and a map of their values, wherever they stand', () => {
    const parent = parentTensors();
    makeRelative(parent, 0, 3, 5);
    makeRelative(parent, 2, 1, 6);
    const gram = gramOf(tokens(200, 2), parent['input_layernorm.weight'] ?? new Float32Array());
    const merger = HeadMerger.of(CONFIG, 4, parent, gram);
    const groupings = merger.groupings(2);
    assert.deepEqual(
      groupings,
      [
        [
          [0, 1],
          [2, 3],
        ],
        [
          [0, 3],
          [1, 2],
        ],
      ],
      'neighbours, and those that are alike',
    );
    const merged = merger.merged([
      [0, 3],
      [1, 2],
    ]);
    const x = tokens(9, 3);
    const error = meanSquare(run(KV2, merged, x), run(KV4, parent, x));
    assert.ok(error < 1e-8, `mean squared error ${error}`);
    const pooled = initialiseAttention(CONFIG, KV4, KV2, parent);
    assert.ok(meanSquare(run(KV2, pooled, x), run(KV4, parent, x)) > 1e-3, 'their means are not');
  });

  it('are nearer to a parent of unrelated heads than the means of neighbours', () => {
    for (const seed of [1, 2, 3]) {
      const parent = parentTensors(seed);
      const gram = gramOf(tokens(200, 2), parent['input_layernorm.weight'] ?? new Float32Array());
      const x = tokens(16, 3);
      const wanted = run(KV4, parent, x);
      const errorOf = (tensors: SubblockTensors) => meanSquare(run(KV2, tensors, x), wanted);
      const [merged, pooled] = [
        errorOf(
          HeadMerger.of(CONFIG, 4, parent, gram).merged([
            [0, 1],
            [2, 3],
          ]),
        ),
        errorOf(initialiseAttention(CONFIG, KV4, KV2, parent)),
      ];
      assert.ok(merged < pooled, `seed ${seed}: ${merged}, pooled ${pooled}`);
    }
  });

  it('leave the parent as it was', () => {
    const parent = parentTensors();
    const gram = gramOf(tokens(50), parent['input_layernorm.weight'] ?? new Float32Array());
    HeadMerger.of(CONFIG, 4, parent, gram).merged([[0, 1, 2, 3]]);
    assert.deepEqual(parent, parentTensors());
  });
});

describe('groups of heads', () => {
  it('bring together what loses least, in groups of one size', () => {
    const kinds = [0, 1, 2, 0, 1, 2, 0, 1, 2];
    assert.deepEqual(
      groupHeads(9, 3, (a, b) => (kinds[a] === kinds[b] ? 0 : 1)),
      [
        [0, 3, 6],
        [1, 4, 7],
        [2, 5, 8],
      ],
    );
  });

  it('are consecutive where nothing tells heads apart', () => {
    assert.deepEqual(
      groupHeads(4, 2, () => 1),
      [
        [0, 1],
        [2, 3],
      ],
    );
  });

  it('cost no more than any change of places between two heads would make them', () => {
    const random = Random.of(1, 'costs');
    const costs = Array.from({ length: 64 }, () => random.next());
    const costOf = (a: number, b: number) => costs[Math.min(a, b) * 8 + Math.max(a, b)] ?? 0;
    const total = (groups: readonly (readonly number[])[]) =>
      groups.reduce(
        (sum, group) => sum + group.reduce((s, a) => s + group.reduce((t, b) => t + (a < b ? costOf(a, b) : 0), 0), 0),
        0,
      );
    const groups = groupHeads(8, 2, costOf);
    const [first = [], second = []] = groups;
    for (const a of first) {
      for (const b of second) {
        const exchanged = [first.map((head) => (head === a ? b : head)), second.map((head) => (head === b ? a : head))];
        assert.ok(total(exchanged) >= total(groups) - 1e-9);
      }
    }
  });
});
