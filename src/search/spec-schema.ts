import * as z from 'zod';
import { BYTES_PATTERN } from '../common/units.js';
import { PRECISION_NAMES } from '../formats/gguf-tensor.js';
import { DEVICES } from '../common/devices.js';
import { PRECISIONS } from '../model/accounting.js';
import { HALVES } from '../model/names.js';
import { HARDWARE_NAMES } from '../target/hardware.js';
import { limitHelp, limitPattern, type Metric, METRICS } from './constraints.js';

const positive = z.int().positive();
const rate = z.number().positive();

/** As many as make one model of several devices anywhere. */
const MAX_DEVICES = 1024;

const dataSchema = z
  .strictObject({
    text: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .describe(
        'Text to train on, or several: .txt files (a blank line between documents), .jsonl files ("text"), folders.',
      )
      .meta({ examples: ['stories.txt', ['stories.txt', 'notes/']] }),
    sequenceLength: z
      .int()
      .min(2)
      .optional()
      .describe('Tokens of a training sequence. Default: 256, or as many as the parent was made for.'),
  })
  .describe('What is trained on. It is split into texts for training, validation and test.');

const prefill = positive.describe('Prompt tokens of each sequence.');
const generated = z.int().nonnegative().describe('Generated tokens of each sequence.');

const workloadSchema = z
  .strictObject({
    batch: z
      .union([positive, z.array(positive).min(1)])
      .default(32)
      .describe('Sequences served together; of several numbers, the best is found.')
      .meta({ examples: [32, [8, 16, 32, 64]] }),
    prefill: prefill.default(128),
    generated: generated.default(128),
    mix: z
      .array(z.strictObject({ weight: rate.describe('How common it is beside the others.'), prefill, generated }))
      .min(1)
      .optional()
      .describe('Several kinds of requests, in place of `prefill` and `generated`.')
      .meta({
        examples: [
          [
            { weight: 3, prefill: 128, generated: 128 },
            { weight: 1, prefill: 1024, generated: 64 },
          ],
        ],
      }),
  })
  .prefault({})
  .describe('What the child will have to do at once: its throughput, latency and memory are meant for this.');

const llamaCppSchema = z.strictObject({
  engine: z
    .literal('llama.cpp')
    .describe('Runtimes are measured here, with llama.cpp on the CPU; it runs the GGUF export.'),
  threads: positive.optional().describe('Threads inside an operator. Default: all cores.'),
  precision: z.enum(PRECISION_NAMES).default('f32').describe('What the matrices of the GGUF are kept as.'),
  workload: workloadSchema,
});

export const targetSchema = z
  .discriminatedUnion('engine', [
    z.strictObject({
      engine: z.literal('onnxruntime').describe('Runtimes are measured here, with ONNX Runtime.'),
      device: z
        .enum(DEVICES)
        .default('cpu')
        .describe('What ONNX Runtime computes on; `puzzle devices` tells which work here. Training stays on the CPU.'),
      threads: positive.optional().describe('Threads inside an operator. Default: all cores.'),
      workload: workloadSchema,
    }),
    llamaCppSchema,
    z.strictObject({
      engine: z.literal('profile').describe('Runtimes are estimated from what the maker of the hardware publishes.'),
      hardware: z.enum(HARDWARE_NAMES).describe('The device that the child is for; it need not be here.'),
      devices: positive.max(MAX_DEVICES).default(1).describe('Devices that share every layer (tensor parallel).'),
      weights: z.enum(PRECISIONS).default('BF16').describe('What weights are kept and multiplied as.'),
      kvCache: z.enum(PRECISIONS).default('BF16').describe('What the KV cache is kept as.'),
      workload: workloadSchema,
    }),
    z.strictObject({
      engine: z.literal('table').describe('Runtimes come from a file.'),
      file: z.string().min(1).describe('Cost table measured elsewhere, relative to the spec.'),
      workload: workloadSchema,
    }),
  ])
  .prefault({ engine: 'onnxruntime' })
  .describe('Where the child will run, and what costs are measured with.');

const spaceSchema = z
  .strictObject({
    attention: z
      .strictObject({
        kvHeads: z
          .union([z.literal('divisors'), z.array(positive)])
          .default('divisors')
          .describe("Numbers of KV heads, or every divisor of the parent's.")
          .meta({ examples: ['divisors', [4, 2, 1]] }),
        linear: z.boolean().default(true).describe('A matrix in place of attention.'),
        noOp: z.boolean().default(true).describe('No attention at all.'),
      })
      .prefault({})
      .describe('What attention may be replaced by.'),
    ffn: z
      .strictObject({
        percents: z
          .array(z.number().positive().max(100))
          .default([75, 50, 25, 10])
          .describe("Numbers of channels, in % of the parent's."),
        multiple: positive.default(8).describe('Numbers of channels are rounded to a multiple of this.'),
        linear: z.boolean().default(true).describe('A matrix in place of the FFN.'),
        noOp: z.boolean().default(true).describe('No FFN at all.'),
      })
      .prefault({})
      .describe('What the FFN may be replaced by.'),
  })
  .prefault({})
  .describe('The variants of every layer.');

/** What a metric is, and texts of limits on it. */
const LIMITS: Record<Metric, { what: string; examples: string[] }> = {
  throughput: {
    what: 'Tokens of the workload, read and generated, per second.',
    examples: ['>= 2x', '>= 150%', '>= 6000 tokens/s'],
  },
  generatedThroughput: {
    what: 'Generated tokens of the workload per second.',
    examples: ['>= 2x', '>= 150%', '>= 3000 tokens/s'],
  },
  memory: {
    what: 'Bytes of the weights and of the KV cache of the whole workload.',
    examples: ['<= 60%', '<= 200 MiB', '<= 0.5x'],
  },
  latency: { what: 'Seconds that the whole workload takes.', examples: ['<= 1.5 s', '<= 800 ms', '<= 50%'] },
  timeToFirstToken: {
    what: 'Seconds until every sequence of the batch has its first token: one prefill.',
    examples: ['<= 200 ms', '<= 50%', '<= 0.5 s'],
  },
  timePerOutputToken: {
    what: 'Seconds of one decode step of the batch.',
    examples: ['<= 20 ms', '<= 50%', '<= 0.01 s'],
  },
  parameters: { what: 'Parameters of the whole model.', examples: ['<= 3M', '<= 50%', '<= 2500000'] },
  kvCache: { what: 'Bytes of the KV cache of the whole workload.', examples: ['<= 50%', '<= 32 MiB', '<= 0.25x'] },
};

/** For editors. Names in other letters, and `kv`, are understood as well: `parseConstraints` checks them all. */
const limitProperties = Object.fromEntries(
  METRICS.map((metric) => {
    const { what, examples } = LIMITS[metric];
    const [help, pattern] = [limitHelp(metric), limitPattern(metric)];
    return [
      metric,
      { type: 'string', description: `${what} A limit: ${help}.`, pattern, patternErrorMessage: help, examples },
    ];
  }),
);

const limitsSchema = z
  .record(z.string(), z.string())
  .default({})
  .describe(`What the child must meet, relative to the parent (2x, 60%) or absolute: ${METRICS.join(', ')}.`)
  .meta({ properties: limitProperties, examples: [{ throughput: '>= 2x' }, { memory: '<= 60%' }] });

const VARIANT_EXAMPLES = ['kv1', 'ffn-50%', 'linear', 'no-op'];

const ruleSchema = z
  .strictObject({
    layer: z.int().nonnegative().describe('The layer, counted from 0.'),
    half: z.enum(HALVES).describe('The half of the layer.'),
    pin: z
      .string()
      .min(1)
      .optional()
      .describe("The variant that it must have, by its name; the parent's own is one too.")
      .meta({ examples: VARIANT_EXAMPLES }),
    ban: z
      .array(z.string().min(1))
      .optional()
      .describe('Variants that it must not have, by their names.')
      .meta({ examples: VARIANT_EXAMPLES.map((name) => [name]) }),
  })
  .refine(({ pin, ban = [] }) => pin !== undefined || ban.length > 0, { error: 'a variant to pin or to ban' })
  .describe('What is decided about one half of one layer.')
  .meta({ anyOf: [{ required: ['pin'] }, { required: ['ban'] }] });

const distilSchema = z
  .strictObject({
    start: z
      .enum(['closed-form', 'paper'])
      .default('closed-form')
      .describe(
        "Where training begins: at the least-squares solution, or at the paper's training-free initial values.",
      ),
    closedFormTokens: positive
      .optional()
      .describe('Tokens that the least-squares solution is fitted to. Default: 16,384.'),
    tokens: z
      .int()
      .nonnegative()
      .optional()
      .describe(
        'Training tokens of each variant at most; 0: no training by gradient. Default: 24,576, or 65,536 from `paper`.',
      ),
    distinctTokens: positive
      .optional()
      .describe('Calibration tokens that are kept, passed over as often as `tokens` needs. Default: 49,152.'),
    coupled: z
      .boolean()
      .default(false)
      .describe(
        'Once scored, the two variants of a layer that near-optimal solutions use are trained together as well, and scored as a pair.',
      ),
    coupledTokens: z
      .int()
      .nonnegative()
      .optional()
      .describe('Training tokens of each such pair at most; 0: only least squares. Default: as many as of a variant.'),
    learningRate: rate.default(2e-3).describe('Highest learning rate of AdamW.'),
    batch: positive.optional().describe('Sequences of a step. Default: as many as make 1,024 tokens.'),
  })
  .prefault({})
  .describe("Blockwise distillation: each variant alone learns its layer's output in the parent.");

/** How the score of a pair (attention variant, FFN variant) of one layer is found. */
export const PAIRS = ['sum', 'near-optimal', 'all'] as const;

const scoreSchema = z
  .strictObject({
    tokens: positive.optional().describe('Validation tokens. Default: 8,192.'),
    pairs: z
      .enum(PAIRS)
      .default('sum')
      .describe(
        'What two variants of one layer lose: the sum of their scores, or scored together, those that near-optimal solutions use or all.',
      ),
  })
  .prefault({})
  .describe('Scoring: what the parent loses with one variant swapped in.');

const searchSchema = z
  .strictObject({
    interactions: z
      .boolean()
      .default(true)
      .describe('Whole architectures are measured too: what variants lose together is not the sum of what each loses.'),
    evaluations: positive
      .default(40)
      .describe('Architectures measured, the one with the least sum of scores among them.'),
  })
  .prefault({})
  .describe('The search for an architecture around the one with the least sum of scores.');

/** What the loss of the uptraining may be the sum of. */
export const UPTRAIN_LOSSES = ['kl', 'cosine', 'lm'] as const;
export type UptrainLoss = (typeof UPTRAIN_LOSSES)[number];

const uptrainSchema = z
  .strictObject({
    tokens: z.int().nonnegative().optional().describe('Training tokens; 0 skips the stage. Default: 1,000,000.'),
    learningRate: rate.default(1e-3).describe('Highest learning rate of AdamW.'),
    batch: positive.optional().describe('Sequences of a step. Default: as many as make 1,024 tokens.'),
    loss: z
      .array(z.enum(UPTRAIN_LOSSES))
      .min(1)
      .refine((names) => new Set(names).size === names.length, { error: 'each at most once' })
      .default(['kl', 'cosine'])
      .describe(
        "What is minimised, added up: KL to the parent's tokens, cosine distance to its hidden states, the text itself (lm).",
      )
      .meta({ examples: [['kl', 'cosine'], ['kl'], ['lm', 'kl', 'cosine']] }),
    topK: positive
      .optional()
      .describe(
        "Tells only the parent's likeliest tokens apart in the loss, so many; the others count as one. Default: all.",
      ),
    memory: z
      .string()
      .regex(BYTES_PATTERN, { error: 'a size with a unit, as "2 GiB"' })
      .optional()
      .describe(
        'Memory to stay within, as far as it can be estimated: fewer sequences at a time, then layers computed twice. Default: no bound.',
      )
      .meta({ examples: ['2 GiB', '800 MiB'] }),
    validateEvery: positive.default(100).describe('Steps between validations.'),
    patience: positive.default(6).describe('Validations without improvement before an early stop.'),
  })
  .prefault({})
  .describe('Global knowledge distillation: the whole child learns from the parent.');

const evaluateSchema = z
  .strictObject({
    tokens: positive.optional().describe('Test tokens. Default: 16,384.'),
    pairs: positive.default(7).describe('Interleaved timings of parent and child; odd is best.'),
  })
  .prefault({})
  .describe('The comparison of parent and child.');

/**
 * A `*.puzzle.json` file: JSON with comments. Only `parent` and `data` are required; paths are relative to the file, and
 * budgets that are absent follow from the parent's size.
 */
export const specSchema = z
  .strictObject({
    $schema: z.string().optional().describe('Address of the schema of this file, for editors.'),
    parent: z
      .string()
      .min(1)
      .describe('Folder of the trained parent: config.json, *.safetensors, tokenizer.json.')
      .meta({ examples: ['my-model'] }),
    data: dataSchema,
    tasks: z
      .array(z.string().min(1))
      .default([])
      .describe('Multiple-choice tasks to compare parent and child on: .jsonl files or folders of them.')
      .meta({ examples: [['tasks/']] }),
    space: spaceSchema,
    target: targetSchema,
    limits: limitsSchema,
    margin: z
      .number()
      .min(0)
      .max(0.9)
      .default(0)
      .describe('Share by which limits on throughput and latency are tightened, for the error of predictions.'),
    rules: z
      .array(ruleSchema)
      .default([])
      .describe('What is decided about single layers: variants that they must have, or must not.')
      .meta({ examples: [[{ layer: 0, half: 'attention', pin: 'kv1' }], [{ layer: 0, half: 'ffn', ban: ['no-op'] }]] }),
    distil: distilSchema,
    score: scoreSchema,
    search: searchSchema,
    uptrain: uptrainSchema,
    evaluate: evaluateSchema,
    seed: z.int().nonnegative().default(1).describe('Seed of every random number. Same spec, same seed: same child.'),
    cacheMiB: z
      .number()
      .positive()
      .optional()
      .describe(
        "Most MiB of the parent's activations on disk; what does not fit is computed again when needed. Default: no limit.",
      ),
    processes: positive.optional().describe('Single-threaded processes for small tasks. Default: as many as cores.'),
    threads: positive
      .optional()
      .describe('Threads of whole-model stages. Default: all cores; 1 for byte-identical repeats.'),
  })
  .describe('What the search needs to know: a parent, a text, a machine, and limits that the child must meet.');
