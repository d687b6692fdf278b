/**
 * Trains the example's parent from nothing with the project's own trainer, and writes it to examples/stories/model as
 * f16 safetensors. Everything is seeded: the same machine gives the same bytes.
 */
import { writeFile } from 'node:fs/promises';
import path from 'node:path';
import { parseArgs } from 'node:util';
import { Random } from '../../src/common/random.js';
import { parseModelConfig } from '../../src/formats/hf-config.js';
import { writeSafetensors } from '../../src/formats/safetensors-write.js';
import { loadTokenizer, type Tokenizer } from '../../src/formats/tokenizer.js';
import { input, mean, reshape } from '../../src/graph/primitives.js';
import { warmupCosine } from '../../src/graph/schedule.js';
import { int64 } from '../../src/graph/session.js';
import { type Parameter, Trainer } from '../../src/graph/trainer.js';
import { forward } from '../../src/model/forward.js';
import { tokenNll } from '../../src/model/losses.js';
import { modelTensors } from '../../src/model/tensors.js';
import { stories } from '../text/grammar.js';

const MODEL_DIR = path.join(import.meta.dirname, '../stories/model');

/** As written to config.json. */
const CONFIG = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  hidden_size: 192,
  intermediate_size: 384,
  num_hidden_layers: 10,
  num_attention_heads: 6,
  num_key_value_heads: 6,
  vocab_size: 1024,
  max_position_embeddings: 2048,
  rms_norm_eps: 1e-5,
  rope_theta: 10000,
  hidden_act: 'silu',
  tie_word_embeddings: true,
  attention_bias: false,
  mlp_bias: false,
  bos_token_id: 0,
  eos_token_id: 1,
  torch_dtype: 'float16',
};

const { values: flags } = parseArgs({
  options: {
    tokens: { type: 'string', default: '6500000' },
    seed: { type: 'string', default: '1' },
    threads: { type: 'string', default: '2' },
    out: { type: 'string', default: MODEL_DIR },
  },
});

const SEQUENCE = 256;
const BATCH = 8;
const PEAK_RATE = 2.5e-3;
const WARMUP_STEPS = 150;
const WEIGHT_DECAY = 0.05;
const STEPS_PER_REPORT = 50;
const STEPS_PER_SAVE = 500;

/** Standard deviation of the initial weights; projections into the residual stream are scaled down with the depth. */
const INITIAL_DEVIATION = 0.03;

function initialParameters(seed: number, config: ReturnType<typeof parseModelConfig>): Record<string, Parameter> {
  const random = Random.of(seed, 'weights');
  return Object.fromEntries(
    modelTensors(config).map(({ name, shape }) => {
      const residual = /(o_proj|down_proj)\.weight$/.test(name);
      const deviation = INITIAL_DEVIATION * (residual ? (2 * config.layers.length) ** -0.5 : 1);
      const size = shape.reduce((a, b) => a * b, 1);
      const data = name.endsWith('norm.weight')
        ? new Float32Array(size).fill(1)
        : Float32Array.from({ length: size }, () => random.normal() * deviation);
      return [name, { shape, data }];
    }),
  );
}

/** The endless stream of stories as token ids, each story after a BOS. */
function* tokenStream(tokenizer: Tokenizer, seed: number): Generator<number> {
  for (const story of stories(seed)) yield* tokenizer.encode(story, { bos: true });
}

async function save(dir: string, parameters: Record<string, Parameter>): Promise<void> {
  const tensors = Object.entries(parameters).map(([name, { shape, data }]) => ({
    name,
    dtype: 'F16' as const,
    shape: [...shape],
    data: () => data,
  }));
  await writeSafetensors(path.join(dir, 'model.safetensors'), tensors, { format: 'pt' });
}

const config = parseModelConfig(CONFIG, 'examples/train/main.ts');
const seed = Number(flags.seed);
const tokenizer = await loadTokenizer(MODEL_DIR);
const stream = tokenStream(tokenizer, seed);
const ids = input('ids', [BATCH * SEQUENCE], 'int64');
const targets = input('targets', [BATCH * SEQUENCE], 'int64');
const trainer = await Trainer.create(
  initialParameters(seed, config),
  (weights) => {
    const lookup = (name: string) => {
      const weight = weights[name];
      if (weight === undefined) throw new Error(`no weight ${name}`);
      return weight;
    };
    const { logits } = forward({ config, batch: BATCH, sequence: SEQUENCE }, lookup, ids);
    return { loss: reshape(mean(tokenNll(logits, targets)), []) };
  },
  { threads: Number(flags.threads), weightDecay: WEIGHT_DECAY },
);

function nextBatch(): { ids: ReturnType<typeof int64>; targets: ReturnType<typeof int64> } {
  const inputs: number[] = [];
  const shifted: number[] = [];
  for (let row = 0; row < BATCH; row++) {
    const tokens = Array.from({ length: SEQUENCE + 1 }, () => {
      const next = stream.next();
      return next.done === true ? 0 : next.value;
    });
    inputs.push(...tokens.slice(0, -1));
    shifted.push(...tokens.slice(1));
  }
  return { ids: int64(inputs, [inputs.length]), targets: int64(shifted, [shifted.length]) };
}

const steps = Math.ceil(Number(flags.tokens) / (BATCH * SEQUENCE));
const start = performance.now();
let recent = 0;
for (let step = 1; step <= steps; step++) {
  const { loss } = await trainer.step(nextBatch(), warmupCosine(step, steps, PEAK_RATE, WARMUP_STEPS));
  if (!Number.isFinite(loss)) throw new Error(`the loss is ${loss} at step ${step}`);
  recent += loss;
  if (step % STEPS_PER_REPORT === 0) {
    const seconds = (performance.now() - start) / 1000;
    const left = (seconds / step) * (steps - step);
    console.log(
      `step ${step}/${steps}  loss ${(recent / STEPS_PER_REPORT).toFixed(4)}  ${((step * BATCH * SEQUENCE) / seconds).toFixed(0)} tokens/s  ${(left / 60).toFixed(1)} min left`,
    );
    recent = 0;
  }
  if (step % STEPS_PER_SAVE === 0) await save(flags.out, trainer.parameters());
}
await save(flags.out, trainer.parameters());
await writeFile(path.join(flags.out, 'config.json'), `${JSON.stringify(CONFIG, null, 2)}\n`);
await writeFile(
  path.join(flags.out, 'generation_config.json'),
  `${JSON.stringify({ bos_token_id: 0, eos_token_id: 1 }, null, 2)}\n`,
);
await trainer.release();
console.log(
  `trained ${steps * BATCH * SEQUENCE} tokens in ${((performance.now() - start) / 60000).toFixed(1)} min; saved to ${flags.out}`,
);
