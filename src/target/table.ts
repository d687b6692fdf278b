import * as z from 'zod';
import { InputError } from '../common/errors.js';
import type { ModelConfig } from '../formats/hf-config.js';
import { readJsonFile } from '../formats/json-file.js';
import { PRECISIONS, type Workload } from '../model/accounting.js';
import { attentionName, ffnName, type LayerVariants, type Variant } from '../model/variants.js';
import { variantProblem } from './excluded.js';
import type { PartTiming } from './onnxruntime.js';
import { type Quartiles, median } from './quartiles.js';
import { meanRuntime, type Runtime } from './workload.js';

const seconds = z.number().nonnegative();
const quartilePair = z.tuple([seconds, seconds]);

const rowSchema = z.strictObject({
  prefillSeconds: seconds.describe('One pass over the prompts of the whole batch.'),
  decodeSeconds: seconds.describe('One decode step of the whole batch, with a KV cache of the whole workload.'),
  prefillQuartiles: quartilePair.optional(),
  decodeQuartiles: quartilePair.optional(),
  rounds: z.int().positive().optional().describe('Repetitions that the medians and quartiles are of.'),
});

export const precisionSchema = z.enum(PRECISIONS);

/**
 * A cost table, as imported and as written beside a measured run: `{"version": 1, "nonBlock": {"prefillSeconds": …,
 * "decodeSeconds": …}, "variants": {"attention/kv4": {…}, "ffn/ffn-50%": {…}, …}}`. `nonBlock` is everything outside the
 * layers. FFN percentages are those of the parent's widest FFN. A `no-op` takes nothing and may be left out.
 */
export const costTableSchema = z.strictObject({
  version: z.literal(1),
  source: z.string().optional().describe('Where the numbers come from.'),
  estimated: z.literal(true).optional().describe('Runtimes were computed, not measured.'),
  workload: z
    .strictObject({
      batch: z.int().positive(),
      // Of a mixture, the means.
      prefill: z.number().positive(),
      generated: z.number().nonnegative(),
    })
    .optional()
    .describe('What they were measured at; checked against the target of the spec.'),
  weights: precisionSchema.default('F32').describe('What the engine keeps weights as.'),
  kvCache: precisionSchema.default('F32').describe('What the engine keeps the KV cache as.'),
  engine: z.enum(['llama.cpp']).optional().describe('The engine, where it cannot run every architecture.'),
  nonBlock: rowSchema,
  variants: z.record(z.string().regex(/^(attention|ffn)\/./, 'is no "attention/…" or "ffn/…"'), rowSchema),
});

export type CostTable = z.output<typeof costTableSchema>;
export type CostRow = z.output<typeof rowSchema>;

/** A row is some hundred bytes, and a search has a few dozen. */
const MAX_TABLE_BYTES = 4 * 2 ** 20;

const FREE: CostRow = { prefillSeconds: 0, decodeSeconds: 0 };

/** Checks a parsed cost table. Throws InputError that names every field at fault. */
export function parseCostTable(json: unknown, where: string): CostTable {
  const result = costTableSchema.safeParse(json);
  if (result.success) return result.data;
  const issues = result.error.issues.map(
    (issue) => `${issue.path.length === 0 ? 'the file' : issue.path.join('.')}: ${issue.message}`,
  );
  throw new InputError(issues.join('; '), where);
}

/** One cost table, or a list of them, each of another batch size: never empty. */
export function parseCostTables(json: unknown, where: string): CostTable[] {
  if (!Array.isArray(json)) return [parseCostTable(json, where)];
  if (json.length === 0) throw new InputError('is an empty list; a cost table is expected', where);
  return json.map((one, index) => parseCostTable(one, `${where}[${index}]`));
}

export async function readCostTables(file: string): Promise<CostTable[]> {
  return parseCostTables(await readJsonFile(file, MAX_TABLE_BYTES), file);
}

/** The table of a mixture: of every variant the mean over the kinds of requests, by their shares. */
export function meanTable(kinds: readonly { share: number; workload: Workload; table: CostTable }[]): CostTable {
  const [first, ...more] = kinds;
  if (first === undefined) throw new Error('a mixture of nothing');
  if (more.length === 0) return first.table;
  const mean = (row: (table: CostTable) => CostRow | undefined) =>
    meanRuntime(kinds.map(({ share, workload, table }) => ({ share, workload, runtime: row(table) ?? FREE })));
  const of = (key: 'prefill' | 'generated') =>
    kinds.reduce((sum, { share, workload }) => sum + share * workload[key], 0);
  return {
    ...first.table,
    workload: { batch: first.workload.batch, prefill: of('prefill'), generated: of('generated') },
    nonBlock: mean(({ nonBlock }) => nonBlock),
    variants: Object.fromEntries(
      Object.keys(first.table.variants).map((key) => [key, mean(({ variants }) => variants[key])]),
    ),
  };
}

/** The name of a variant in a cost table: equal shapes have equal names, whichever layer they are in. */
export function tableKey({ layers }: ModelConfig, variant: Variant): string {
  if (variant.half === 'attention') return `attention/${attentionName(variant.shape)}`;
  const width = Math.max(1, ...layers.map(({ ffn }) => (ffn.kind === 'gated' ? ffn.width : 0)));
  return `ffn/${ffnName(variant.shape, { kind: 'gated', width })}`;
}

/** Whether a variant takes nothing, or cannot be chosen. */
export function needsNoRow(engine: CostTable['engine'], { half, shape }: Variant): boolean {
  return shape.kind === 'no-op' || variantProblem(engine, half, shape) !== undefined;
}

/** What a variant takes by a table that covers it. */
export function tableRow(table: CostTable, config: ModelConfig, variant: Variant): CostRow {
  const key = tableKey(config, variant);
  const row = Object.hasOwn(table.variants, key) ? table.variants[key] : undefined;
  if (row !== undefined) return row;
  if (needsNoRow(table.engine, variant)) return FREE;
  throw new InputError(`lacks the variant "${key}"; add it to "variants"`, 'cost table');
}

/** Where the workload of a table is not this one; undefined where it is, or where the table does not say. */
function differingEntry({ workload: measured }: CostTable, workload: Workload): keyof Workload | undefined {
  return measured && (['batch', 'prefill', 'generated'] as const).find((key) => measured[key] !== workload[key]);
}

/** Whether a table was measured for this workload, as far as it says. */
export function isOfWorkload(table: CostTable, workload: Workload): boolean {
  return differingEntry(table, workload) === undefined;
}

/** Throws InputError unless a table is of this workload and has a row for each of the variants. */
export function checkCostTable(
  table: CostTable,
  config: ModelConfig,
  variants: readonly LayerVariants[],
  workload: Workload,
  where: string,
): void {
  const differs = differingEntry(table, workload);
  if (differs !== undefined) {
    throw new InputError(
      `workload.${differs} is ${table.workload?.[differs]}, the target of the spec has ${workload[differs]}; measure again, or change one`,
      where,
    );
  }
  const wanted = variants
    .flatMap(({ attention, ffn }) => [...attention, ...ffn])
    .filter((variant) => !needsNoRow(table.engine, variant))
    .map((variant) => tableKey(config, variant));
  const missing = [...new Set(wanted)].filter((key) => !Object.hasOwn(table.variants, key));
  if (missing.length > 0) {
    const names = missing.map((key) => `"${key}"`).join(', ');
    throw new InputError(`lacks ${names}; add ${missing.length === 1 ? 'it' : 'them'} to "variants"`, where);
  }
}

/** What an engine keeps weights and KV cache as, and its name where that matters to what it can run. */
export type StoredAs = Pick<CostTable, 'weights' | 'kvCache' | 'engine'>;

const F32: StoredAs = { weights: 'F32', kvCache: 'F32' };

/**
 * The table of timed parts. They were timed relative to a reference layer, at different moments; seconds are those
 * times what the reference layer took in the middle of all of them.
 */
export function measuredTable(
  nonBlock: PartTiming,
  variants: ReadonlyMap<string, PartTiming>,
  { workload, source, stored = F32 }: { workload: Workload; source: string; stored?: StoredAs },
): CostTable {
  const timings = [nonBlock, ...variants.values()];
  const middle = (of: (reference: Runtime) => number) => median(timings.map(({ reference }) => of(reference)));
  const reference: Runtime = {
    prefillSeconds: middle(({ prefillSeconds }) => prefillSeconds),
    decodeSeconds: middle(({ decodeSeconds }) => decodeSeconds),
  };
  const rows = [...variants].map(([key, timing]): [string, CostRow] => [key, measuredRow(timing, reference)]);
  const { batch, prefill, generated } = workload;
  return {
    version: 1,
    source,
    workload: { batch, prefill, generated },
    ...stored,
    nonBlock: measuredRow(nonBlock, reference),
    variants: Object.fromEntries(rows.sort(([a], [b]) => (a < b ? -1 : 1))),
  };
}

function measuredRow({ prefill, decode, rounds }: PartTiming, reference: Runtime): CostRow {
  const spread = ({ low, high }: Quartiles, unit: number): [number, number] => [low * unit, high * unit];
  return {
    prefillSeconds: prefill.median * reference.prefillSeconds,
    decodeSeconds: decode.median * reference.decodeSeconds,
    prefillQuartiles: spread(prefill, reference.prefillSeconds),
    decodeQuartiles: spread(decode, reference.decodeSeconds),
    rounds,
  };
}
