import { readFile } from 'node:fs/promises';
import path from 'node:path';
import { type ParseError, parse, printParseErrorCode } from 'jsonc-parser';
import { z } from 'zod';
import { InputError } from '../common/errors.js';
import { describeProblems } from './spec-problems.js';

const positive = z.int().positive();
const rate = z.number().positive();

const workloadSchema = z
  .strictObject({
    batch: positive.default(32).describe('Sequences served together.'),
    prefill: positive.default(128).describe('Prompt tokens of each sequence.'),
    generated: z.int().nonnegative().default(128).describe('Generated tokens of each sequence.'),
  })
  .prefault({});

const targetSchema = z
  .discriminatedUnion('engine', [
    z.strictObject({
      engine: z.literal('onnxruntime'),
      threads: positive.optional().describe('Threads inside an operator; all cores by default.'),
      workload: workloadSchema,
    }),
    z.strictObject({
      engine: z.literal('table'),
      file: z.string().min(1).describe('Cost table measured elsewhere, relative to the spec.'),
      workload: workloadSchema,
    }),
  ])
  .prefault({ engine: 'onnxruntime' });

const spaceSchema = z
  .strictObject({
    attention: z
      .strictObject({
        kvHeads: z.union([z.literal('divisors'), z.array(positive)]).default('divisors'),
        linear: z.boolean().default(true),
        noOp: z.boolean().default(true),
      })
      .prefault({}),
    ffn: z
      .strictObject({
        percents: z
          .array(z.number().positive().max(100))
          .default([75, 50, 25, 10])
          .describe('Widths, % of the parent.'),
        multiple: positive.default(8).describe('Widths are rounded to a multiple of this.'),
        linear: z.boolean().default(true),
        noOp: z.boolean().default(true),
      })
      .prefault({}),
  })
  .prefault({});

const distilSchema = z
  .strictObject({
    tokens: positive.optional().describe('Training tokens of each variant.'),
    distinctTokens: positive.optional().describe('Cached calibration tokens, passed over as often as `tokens` needs.'),
    learningRate: rate.default(2e-3),
    batch: positive.optional().describe('Sequences per step.'),
  })
  .prefault({});

const scoreSchema = z.strictObject({ tokens: positive.optional().describe('Validation tokens.') }).prefault({});

const uptrainSchema = z
  .strictObject({
    tokens: z.int().nonnegative().optional().describe('Training tokens; 0 skips the stage.'),
    learningRate: rate.default(1e-3),
    batch: positive.optional().describe('Sequences per step.'),
    validateEvery: positive.default(100).describe('Steps between validations.'),
    patience: positive.default(6).describe('Validations without improvement before an early stop.'),
  })
  .prefault({});

const evaluateSchema = z
  .strictObject({
    tokens: positive.optional().describe('Test tokens.'),
    pairs: positive.default(7).describe('Interleaved parent and child timings; odd is best.'),
  })
  .prefault({});

/**
 * A `*.puzzle.json` file: JSON with comments. Only `parent` and `data` are required; paths are relative to the file, and
 * budgets that are absent follow from the parent's size.
 */
export const specSchema = z.strictObject({
  $schema: z.string().optional(),
  parent: z.string().min(1).describe('Folder of the trained parent: config.json, safetensors, tokenizer.json.'),
  data: z.strictObject({
    text: z
      .union([z.string().min(1), z.array(z.string().min(1)).min(1)])
      .describe('.txt or .jsonl files, or folders of them.'),
    sequenceLength: z.int().min(2).optional(),
  }),
  tasks: z.array(z.string().min(1)).default([]).describe('Multiple-choice tasks, .jsonl files or folders of them.'),
  space: spaceSchema,
  target: targetSchema,
  limits: z
    .record(z.string(), z.string())
    .default({})
    .describe('For example {"throughput": ">= 2.17x", "memory": "<= 60%"}.'),
  margin: z
    .number()
    .min(0)
    .max(0.9)
    .default(0)
    .describe('Share by which runtime limits are tightened, for the error of predictions.'),
  distil: distilSchema,
  score: scoreSchema,
  uptrain: uptrainSchema,
  evaluate: evaluateSchema,
  seed: z.int().nonnegative().default(1),
  processes: positive.optional().describe('Single-threaded task processes; as many as cores by default.'),
  threads: positive
    .optional()
    .describe('Threads of whole-model stages; all cores by default, 1 for byte-identical repeats.'),
});

/** A spec as the user wrote it, defaults filled in, paths still relative. */
export type Spec = z.output<typeof specSchema>;

/** Checks spec text. `where` names the file in errors, which give line, field and what is expected. */
export function parseSpec(text: string, where: string): Spec {
  const problems: ParseError[] = [];
  const json: unknown = parse(text, problems, { allowTrailingComma: true });
  const [problem] = problems;
  if (problem !== undefined) {
    const line = text.slice(0, problem.offset).split('\n').length;
    // "ColonExpected": a colon is expected.
    const what = printParseErrorCode(problem.error)
      .replace(/\B[A-Z]/g, ' $&')
      .toLowerCase();
    throw new InputError(`line ${line}: is not valid JSON: ${what}`, where);
  }
  const result = specSchema.safeParse(json, { reportInput: true });
  if (!result.success) throw new InputError(describeProblems(text, result.error.issues, specSchema), where);
  return result.data;
}

/** Reads and checks a spec file. */
export async function readSpec(file: string): Promise<Spec> {
  let text: string;
  try {
    text = await readFile(file, 'utf8');
  } catch (error) {
    throw new InputError('cannot be read; give the path of a *.puzzle.json file', file, { cause: error });
  }
  return parseSpec(text, file);
}

/** The spec with its paths made absolute, so that it means the same from anywhere. */
export function resolveSpec(spec: Spec, file: string): Spec {
  const absolute = (relative: string) => path.resolve(path.dirname(file), relative);
  return {
    ...spec,
    parent: absolute(spec.parent),
    data: { ...spec.data, text: [spec.data.text].flat().map(absolute) },
    tasks: spec.tasks.map(absolute),
    target: spec.target.engine === 'table' ? { ...spec.target, file: absolute(spec.target.file) } : spec.target,
  };
}
