import * as z from 'zod';
import { architectureMapSchema, halfSchema } from './architecture.js';

const amount = z.number().nonnegative();

export const METRIC_NAMES = [
  'throughput',
  'generatedThroughput',
  'memory',
  'latency',
  'timeToFirstToken',
  'timePerOutputToken',
  'parameters',
  'kvCache',
] as const;
export const metricSchema = z.enum(METRIC_NAMES);
export type MetricName = z.infer<typeof metricSchema>;

/**
 * What is limited: a metric of {@link METRIC_NAMES}, in its base unit; of a library made elsewhere a cost by its own name,
 * in its own unit.
 */
export const costNameSchema = z.string().min(1).max(1000);

/** Of a whole model at the workload, each in the unit of {@link costNameSchema}. */
export const metricsSchema = z.record(costNameSchema, z.number());
/** What is kept of an earlier solve. */
export const storedMetricsSchema = z.object({
  throughput: amount,
  memory: amount,
  latency: amount,
  parameters: amount,
  kvCache: amount,
});
export type MetricValues = z.infer<typeof metricsSchema>;

/** What the user decides about one half of one layer: one variant that it must have, or some that it must not. */
export const layerRuleSchema = z.object({
  layer: z.int().nonnegative(),
  half: z.enum(['attention', 'ffn']),
  pin: z.string().optional(),
  ban: z.array(z.string()).optional(),
});
export type LayerRule = z.infer<typeof layerRuleSchema>;

/** An architecture by the names of its halves. */
export const architectureSchema = z.array(z.object({ attention: z.string(), ffn: z.string() }));

export const limitViewSchema = z.object({
  metric: costNameSchema,
  /** As in the spec: `>= 2.17x`. */
  text: z.string(),
  /** In base units of the metric (tokens/s, bytes, seconds, parameters): what the limit allows, margin included. */
  allowed: z.number(),
  used: z.number(),
  /** How far `used` is on the allowed side; never negative in a solution. */
  slack: z.number(),
  /** It holds the objective up. */
  binding: z.boolean(),
  /** By how many nats/token the objective falls per base unit by which the limit gives way. */
  shadowPrice: z.number(),
});
export type LimitView = z.infer<typeof limitViewSchema>;

/** The range in which a metric can be at all, from the space of the run. */
export const rangeSchema = z.object({ metric: costNameSchema, min: z.number(), max: z.number(), parent: z.number() });
export type MetricRange = z.infer<typeof rangeSchema>;

export const solutionViewSchema = z.object({
  status: z.enum(['optimal', 'incumbent']),
  /** Sum of scores, in `scoreUnit`. */
  objective: z.number(),
  /** `nats/token`; of a library made elsewhere what its scores are. */
  scoreUnit: z.string(),
  bound: z.number(),
  gap: z.number(),
  nodes: z.number(),
  milliseconds: z.number(),
  /**
   * Where the run measured whole architectures and this is the best of them, which need not have the least sum of scores:
   * how many, and the KL of this one and of the least sum, nats/token on text that nothing was selected on.
   */
  searched: z.object({ measured: z.number(), kl: z.number(), leastSumKl: z.number() }).nullable(),
  limits: z.array(limitViewSchema),
  totals: metricsSchema,
  parent: metricsSchema,
  /** Sequences served together: the best of those that the target allows; null where that is not known. */
  batch: z.number().nullable(),
  /** Where estimated seconds come from; null where they were measured. */
  estimated: z.string().nullable(),
  map: architectureMapSchema,
});
export type SolutionView = z.infer<typeof solutionViewSchema>;

/** Either the optimum or why there is none. */
export const solveAnswerSchema = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('solved'), solution: solutionViewSchema }),
  /** `message` names the limits in conflict, what is reachable, and the smallest relaxation that fits. */
  z.object({
    kind: z.literal('infeasible'),
    message: z.string(),
    /** The smallest relaxation, as texts of the spec: {"throughput": ">= 2.4x"}. */
    relaxation: z.record(z.string(), z.string()),
  }),
  /** A limit that cannot be read, a rule that names no variant. */
  z.object({ kind: z.literal('invalid'), message: z.string(), where: z.string() }),
]);
export type SolveAnswer = z.infer<typeof solveAnswerSchema>;

/** One alternative of one half of one layer, with everything known about it. */
export const variantViewSchema = halfSchema.extend({
  /** BLD loss on held-out activations at initialisation and after training; null where not trained or not yet. */
  lossBefore: z.number().nullable(),
  loss: z.number().nullable(),
  /** KL of the full parent with this variant alone, nats/token. */
  score: z.number().nullable(),
  failed: z.boolean(),
  /** Why the engine of the target cannot run it, or not with which variants of the other half; null where it can. */
  excluded: z.string().nullable(),
  /** At the workload: bytes of weights and KV cache, seconds of prefill and of all decode steps. */
  memory: amount.nullable(),
  prefillSeconds: amount.nullable(),
  decodeSeconds: amount.nullable(),
});
export type VariantView = z.infer<typeof variantViewSchema>;

export const layerDetailSchema = z.object({
  layer: z.int().nonnegative(),
  attention: z.array(variantViewSchema),
  ffn: z.array(variantViewSchema),
});
export type LayerDetail = z.infer<typeof layerDetailSchema>;

/** A limit, or two, whose values a front goes through, and how many of each; with two, a grid. */
export const frontAxesSchema = z
  .array(z.object({ metric: costNameSchema, points: z.int().min(2).max(100) }))
  .min(1)
  .max(2);
export type FrontAxes = z.infer<typeof frontAxesSchema>;

/** The best architecture under one value of each limit of a front, the others as they are. */
export const frontPointSchema = z.object({
  /** One for each axis, in the unit of {@link costNameSchema}. */
  limits: z.array(z.number()),
  objective: z.number(),
  status: z.enum(['optimal', 'incumbent']),
});
export type FrontPoint = z.infer<typeof frontPointSchema>;

/** One of several architectures within the same limits, the best first. */
export const alternativeSchema = z.object({
  status: z.enum(['optimal', 'incumbent']),
  objective: z.number(),
  /** How much lower the best that is as different from those before could still be. */
  gap: z.number(),
  totals: metricsSchema,
  map: architectureMapSchema,
});
export type Alternative = z.infer<typeof alternativeSchema>;

/** What there is to choose from in a Puzzletron working directory. */
export const importedViewSchema = z.object({
  /** Metrics that can be the score; the usual one first. */
  metrics: z.array(z.string()),
  /** Tables of costs, each by what tells it from the others: `batch_size=96 gpu=H100`. */
  tables: z.array(z.string()),
  /** The teacher. */
  parent: architectureMapSchema,
  /** To choose from, in all layers together. */
  blocks: z.number(),
});
export type ImportedView = z.infer<typeof importedViewSchema>;
