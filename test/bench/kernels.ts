// Training steps against a bare MatMul.
import { Random } from '../../src/common/random.js';
import type { ModelConfig } from '../../src/formats/hf-config.js';
import { input, matmul } from '../../src/graph/primitives.js';
import { float32, Session, type Tensor, zeros } from '../../src/graph/session.js';
import { type Parameters, Trainer } from '../../src/graph/trainer.js';
import { type Shape, sizeOf, type Value } from '../../src/graph/value.js';
import { attentionHalf, causalAttention, ffnHalf, type Weights } from '../../src/model/blocks.js';
import { normalisedMse } from '../../src/model/losses.js';
import type { Half } from '../../src/model/names.js';
import { subblockTensors } from '../../src/model/tensors.js';
import { relativeRate, type Timed } from './pairs.js';
import type { Benchmark } from './row.js';

const THREADS = 2;
const LEARNING_RATE = 1e-3;
/** Rows, columns and inner dimension of the bare MatMul: large enough to reach what the machine can do. */
const MATMUL_SIZE = 2048;

const SEQUENCES = 4;
const SEQUENCE_LENGTH = 512;
const TOKENS = SEQUENCES * SEQUENCE_LENGTH;
const HIDDEN = 768;
const FFN_WIDTH = 2048;
const HEADS = 12;
const KV_HEADS = 4;
const HEAD_DIM = 64;

const ATTENTION = { kind: 'gqa', kvHeads: KV_HEADS } as const;
const FFN = { kind: 'gated', width: FFN_WIDTH } as const;
const CONFIG: ModelConfig = {
  family: 'llama',
  hiddenSize: HIDDEN,
  heads: HEADS,
  headDim: HEAD_DIM,
  vocabSize: 1,
  rmsNormEps: 1e-5,
  ropeTheta: 10_000,
  ropeScaling: null,
  maxPositionEmbeddings: SEQUENCE_LENGTH,
  tieWordEmbeddings: true,
  attentionBias: false,
  mlpBias: false,
  bosTokenId: null,
  eosTokenIds: [],
  dtype: 'F32',
  layers: [{ attention: ATTENTION, ffn: FFN }],
  raw: {},
};

/** Each weight is in one product forward and in two backward; a product of m x k by k x n is 2mkn. */
const FFN_FLOPS = 3 * 2 * TOKENS * (3 * HIDDEN * FFN_WIDTH);
const PROJECTION_FLOPS = 3 * 2 * TOKENS * (2 * HIDDEN * HEADS * HEAD_DIM + 2 * HIDDEN * KV_HEADS * HEAD_DIM);
/** Scores and mixing: two products forward, four backward. */
const SCORE_FLOPS = 6 * 2 * SEQUENCES * HEADS * SEQUENCE_LENGTH ** 2 * HEAD_DIM;

const giga = (flops: number) => (flops / 1e9).toFixed(1);

function randomTensor(name: string, shape: Shape, scale: number): Tensor {
  const random = Random.of(1, name);
  return float32(
    Float32Array.from({ length: sizeOf(shape) }, () => scale * random.normal()),
    shape,
  );
}

async function bareMatmul(): Promise<Timed & { release: () => Promise<void> }> {
  const shape = [MATMUL_SIZE, MATMUL_SIZE];
  const session = await Session.create({ c: matmul(input('a', shape), input('b', shape)) }, { threads: THREADS });
  const feeds = { a: randomTensor('a', shape, 1), b: randomTensor('b', shape, 1) };
  const into = { c: zeros(shape) };
  return { amount: 2 * MATMUL_SIZE ** 3, run: () => session.run(feeds, into), release: () => session.release() };
}

function parameters(half: Half): Parameters {
  const tensors = half === 'attention' ? subblockTensors(CONFIG, half, ATTENTION) : subblockTensors(CONFIG, half, FFN);
  return Object.fromEntries(
    tensors.map(({ name, shape }) => [
      name,
      { shape, data: randomTensor(name, shape, HIDDEN ** -0.5).data as Float32Array },
    ]),
  );
}

/** Rate of training steps of one subblock, loss at its own output, over the rate of the bare MatMul. */
async function stepAgainstMatmul(half: Half, flops: number, subblock: (weights: Weights, x: Value) => Value) {
  const size = [TOKENS, HIDDEN];
  const trainer = await Trainer.create(
    parameters(half),
    (values) => {
      const weights = (name: string) => {
        const value = values[name];
        if (value === undefined) throw new Error(`no weight ${name}`);
        return value;
      };
      return { loss: normalisedMse(input('target', size), subblock(weights, input('x', size))) };
    },
    { threads: THREADS },
  );
  const batch = { x: randomTensor('x', size, 1), target: randomTensor('target', size, 1) };
  const matmuls = await bareMatmul();
  try {
    return await relativeRate(matmuls, { amount: flops, run: () => trainer.step(batch, LEARNING_RATE) });
  } finally {
    await trainer.release();
    await matmuls.release();
  }
}

const AGAINST = `over those of a bare ${MATMUL_SIZE}x${MATMUL_SIZE}x${MATMUL_SIZE} MatMul; ${THREADS} threads; the optimiser is timed, not counted`;

export const KERNEL_BENCHMARKS: Benchmark[] = [
  {
    name: 'ffn-step-vs-matmul',
    unit: 'ratio',
    what:
      `FLOP/s of an AdamW step of a SwiGLU FFN (T=${TOKENS}, d=${HIDDEN}, f=${FFN_WIDTH}) ${AGAINST}. ` +
      `FLOPs = 3 (forward, gradient of inputs, gradient of weights) * 2T * 3df = ${giga(FFN_FLOPS)}e9`,
    measure: () => stepAgainstMatmul('ffn', FFN_FLOPS, (weights, x) => ffnHalf(CONFIG, FFN, weights, x)),
  },
  {
    name: 'attention-step-vs-matmul',
    unit: 'ratio',
    what:
      `FLOP/s of an AdamW step of attention alone (B=${SEQUENCES}, S=${SEQUENCE_LENGTH}, T=BS, d=${HIDDEN}, ` +
      `h=${HEADS}, g=${KV_HEADS} KV heads of e=${HEAD_DIM}), loss at its own output, ${AGAINST}. ` +
      `FLOPs = 3 * 2T * (2dhe + 2dge) + 6 * 2 * B * h * S² * e = ${giga(PROJECTION_FLOPS + SCORE_FLOPS)}e9, ` +
      `the full S² counted although blocks of scores that the causal mask hides are not computed`,
    measure: () => {
      const core = causalAttention({ config: CONFIG, batch: SEQUENCES, sequence: SEQUENCE_LENGTH });
      return stepAgainstMatmul('attention', PROJECTION_FLOPS + SCORE_FLOPS, (weights, x) =>
        attentionHalf(CONFIG, ATTENTION, weights, core, x),
      );
    },
  },
];
