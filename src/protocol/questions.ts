import * as z from 'zod';
import { notification, request } from './messages.js';
import { layerDetailSchema, layerRuleSchema, rangeSchema, solveAnswerSchema } from './solution.js';

// What the extension asks the worker that answers questions. Paths are absolute.

const PROTOCOL_VERSION = 1;
const OTHER_VERSION = `the editor and its worker speak different versions (this one: ${PROTOCOL_VERSION}); reload the window`;

/** First message in either direction: both sides must speak the same version. */
export const hello = request(
  'hello',
  z.object({ version: z.literal(PROTOCOL_VERSION, OTHER_VERSION) }),
  z.object({ pid: z.int() }),
);
export const HELLO = { version: PROTOCOL_VERSION } as const;

/** The optimum of a scored and measured run under these limits; the run stays as it is. Limits as in the spec. */
export const solveQuestion = request(
  'solve',
  z.object({
    run: z.string(),
    limits: z.record(z.string(), z.string()),
    rules: z.array(layerRuleSchema),
    margin: z.number().min(0).max(0.9).optional(),
  }),
  solveAnswerSchema,
);

/** Everything known about the variants of one layer of a run. */
export const layerQuestion = request(
  'layer',
  z.object({ run: z.string(), layer: z.int().nonnegative() }),
  layerDetailSchema,
);

/** What each metric can be at all in the run's space. */
export const rangesQuestion = request('ranges', z.object({ run: z.string() }), z.array(rangeSchema));

/** Greedy continuation; pieces are told as they come. */
export const generateQuestion = request(
  'generate',
  z.object({
    id: z.string(),
    model: z.string(),
    prompt: z.string().max(100_000),
    tokens: z.int().positive().max(4096),
  }),
  z.object({ text: z.string(), tokens: z.int(), seconds: z.number() }),
);
export const generated = notification('generated', z.object({ id: z.string(), text: z.string() }));

export const preflightItemSchema = z.object({
  /** What is checked, `parent`, `text`, `limits`, `disk` and so on; `spec` alone where the spec itself cannot be read. */
  name: z.string(),
  status: z.enum(['ok', 'warning', 'failed']),
  message: z.string(),
  /** What to do about it, where it is not ok. */
  fix: z.string().nullable(),
});
export type PreflightItem = z.infer<typeof preflightItemSchema>;

/** Whether a search by this spec file can start here, and how long it will take. Reads headers only. */
export const preflightQuestion = request(
  'preflight',
  z.object({ spec: z.string() }),
  z.object({
    items: z.array(preflightItemSchema),
    /** Estimated seconds of each stage; empty where the parent cannot be read. */
    stages: z.array(z.object({ stage: z.string(), seconds: z.number() })),
  }),
);

/** Copies the child's folder. */
export const exportQuestion = request(
  'export',
  z.object({ run: z.string(), out: z.string() }),
  z.object({ dir: z.string() }),
);
