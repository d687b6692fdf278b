import * as z from 'zod';

const seconds = z.number().nonnegative();

export const RUN_STATES = ['running', 'paused', 'done', 'failed', 'cancelled', 'interrupted'] as const;

export const stageViewSchema = z.object({
  stage: z.string(),
  state: z.enum(['waiting', 'running', 'done']),
  /** In the stage's own unit. */
  done: z.number().nonnegative(),
  total: z.number().nonnegative(),
  seconds,
  etaSeconds: seconds.nullable(),
  tokens: z.number().nonnegative(),
});
export type StageView = z.infer<typeof stageViewSchema>;

/** A run as its directory tells of it. */
export const runViewSchema = z.object({
  dir: z.string(),
  name: z.string(),
  /** `interrupted`: the log ends in mid-run and no process holds the lock. */
  state: z.enum(RUN_STATES),
  stage: z.string().nullable(),
  stages: z.array(stageViewSchema),
  /** Share of the whole run, 0 to 1. */
  progress: z.number().min(0).max(1),
  etaSeconds: seconds.nullable(),
  seconds,
  /** Worked on what is done apart from the stages of the search: baselines. Not in `seconds`. */
  apartSeconds: seconds,
  error: z.string().nullable(),
  warnings: z.array(z.string()),
  tasks: z.object({ finished: z.number(), failed: z.number(), retried: z.number() }),
  /** Milliseconds since the epoch of the last line of the log. */
  lastEvent: z.number(),
  /** Of the process at work on it, or holding it while paused; null when there is none. */
  vitals: z
    .object({
      /** Null where it is on another machine. */
      pid: z.number().nullable(),
      /** Since it last gave a sign of life, as it does every few seconds. */
      silentSeconds: seconds,
      /** Of all its processes; null where the system does not tell. */
      memoryBytes: z.number().nonnegative().nullable(),
    })
    .nullable(),
});
export type RunView = z.infer<typeof runViewSchema>;

/** One loss curve. Values that were not finite are null. */
export const seriesSchema = z.object({
  /** Unique in the run: `distil/3/ffn/ffn-50%`, `uptrain/validation KL`. */
  id: z.string(),
  stage: z.string(),
  /** For BLD: the layer and half and variant; null for whole-model curves. */
  layer: z.number().nullable(),
  half: z.enum(['attention', 'ffn']).nullable(),
  name: z.string(),
  steps: z.array(z.number()),
  values: z.array(z.number().nullable()),
});
export type Series = z.infer<typeof seriesSchema>;
