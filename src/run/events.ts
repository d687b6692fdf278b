import * as z from 'zod';

/** The stages of a run, in the order in which they happen. */
export const STAGES = [
  'space',
  'distil',
  'score',
  'measure',
  'couple',
  'solve',
  'assemble',
  'uptrain',
  'evaluate',
  'export',
] as const;
export type Stage = (typeof STAGES)[number];
/** Stages that only some runs go through: they are shown where they are planned or were begun. */
export const OPTIONAL_STAGES: ReadonlySet<Stage> = new Set<Stage>(['couple']);
export const stageSchema = z.enum(STAGES);

/** The version written on every line. A reader refuses lines of a later version: it cannot know what they mean. */
export const EVENT_VERSION = 1;

/** No line of the log is longer (bytes, newline included): larger things are artifacts. */
export const MAX_EVENT_BYTES = 1 << 20;

const seconds = z.number().nonnegative();
const count = z.int().nonnegative();
const key = z.string().regex(/^[0-9a-f]{32}$/, 'not a task key');
const losses = z.array(z.number().nullable());

function event<Type extends string, Shape extends z.ZodRawShape>(type: Type, shape: Shape) {
  return z.object({ v: z.literal(EVENT_VERSION), t: z.iso.datetime(), type: z.literal(type), ...shape });
}

export const eventSchema = z.discriminatedUnion('type', [
  /** First line of every log. `header` is whatever the pipeline wants to find again: the spec, its hash, versions. */
  event('run-started', { header: z.record(z.string(), z.unknown()) }),
  /** Another process took the run up again, or a paused one went on. */
  event('run-resumed', { pid: count }),
  /** `after`: it was asked to go no further than this stage, and its process has ended. */
  event('run-paused', { after: stageSchema.optional() }),
  event('run-finished', {}),
  event('run-failed', { error: z.string() }),
  event('run-cancelled', {}),
  /** Expected seconds of every stage this run will go through: an estimate, only for progress and ETA. */
  event('plan', { seconds: z.partialRecord(stageSchema, seconds) }),
  /** `done`: steps of the stage that earlier processes had already finished. */
  event('stage-started', {
    stage: stageSchema,
    done: z.number().nonnegative().optional(),
    total: z.number().positive(),
  }),
  event('stage-progress', { stage: stageSchema, done: z.number().nonnegative(), total: z.number().positive() }),
  event('stage-finished', { stage: stageSchema, tokens: count.optional() }),
  event('task-started', { key, stage: stageSchema, kind: z.string(), label: z.string() }),
  /** `artifact`: path relative to the run directory; `result`: small plain JSON. */
  event('task-finished', {
    key,
    artifact: z.string().nullable(),
    seconds,
    tokens: count.optional(),
    result: z.unknown().optional(),
  }),
  event('task-retried', { key, attempt: count, error: z.string() }),
  event('task-failed', { key, error: z.string() }),
  /** A batch of points of one curve; `null` stands for a value that was not finite. */
  event('loss', { key: key.optional(), stage: stageSchema, series: z.string(), steps: z.array(count), values: losses }),
  event('log', { level: z.enum(['info', 'warning']), message: z.string() }),
]);

export type RunEvent = z.infer<typeof eventSchema>;
export type EventType = RunEvent['type'];
export type EventOf<Type extends EventType> = Extract<RunEvent, { type: Type }>;

/** An event before it is stamped with version and time. */
export type NewEvent = { [Type in EventType]: Omit<EventOf<Type>, 'v' | 't'> }[EventType];

/** Events after which the log is synced: what follows from them must survive a power cut. */
export const DURABLE_EVENTS: ReadonlySet<EventType> = new Set<EventType>([
  'run-started',
  'run-finished',
  'run-failed',
  'run-cancelled',
  'run-paused',
  'stage-finished',
  'task-finished',
  'task-failed',
]);
