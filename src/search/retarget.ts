import path from 'node:path';
import { isDeepStrictEqual } from 'node:util';
import { InputError } from '../common/errors.js';
import { isRecord, readJsonFile } from '../formats/json-file.js';
import { pricedAtBatches } from '../target/costs.js';
import { HARDWARE_NAMES } from '../target/hardware.js';
import { type CostTable, parseCostTables } from '../target/table.js';
import { measureHere, type OnTimed } from './measure-here.js';
import { measuredWith } from './measure-rows.js';
import { measuringEngine } from './measuring-engine.js';
import type { ScoredLibrary } from './solve.js';
import { type Spec, resolveTarget } from './spec.js';
import { targetSchema } from './spec-schema.js';
import type { MeasuredTarget } from './stored-as.js';
import type { StoredLibrary } from './stored-library.js';
import { importedTables, profileTables, type Target } from './target-tables.js';

const MAX_TARGET_BYTES = 16 * 2 ** 20;

/**
 * A target that a run can be solved for, its own or another one: the name of a hardware profile, at the run's workload; a file with a target
 * as a spec has it; or a cost table, at its own workload or else the run's. Throws InputError for anything else.
 */
export async function readTarget(named: string, { target: { workload } }: Pick<Spec, 'target'>): Promise<Target> {
  const hardware = HARDWARE_NAMES.find((name) => name === named);
  if (hardware !== undefined) return targetOf({ engine: 'profile', hardware, workload }, named);
  const file = path.resolve(named);
  const json = await readJsonFile(file, MAX_TARGET_BYTES).catch((error: unknown) => {
    throw new InputError(`is no hardware profile (${HARDWARE_NAMES.join(', ')}), and no file that can be read`, named, {
      cause: error,
    });
  });
  // A table may name its engine, too.
  const isTarget = isRecord(json) && Object.hasOwn(json, 'engine') && !Object.hasOwn(json, 'nonBlock');
  if (isTarget) return resolveTarget(targetOf(json, file), file);
  const tables = parseCostTables(json, file);
  const [measured] = tables.map((table) => table.workload);
  const batch = tables.map((table) => table.workload?.batch).filter((size) => size !== undefined);
  const own = measured === undefined ? workload : { ...measured, batch };
  return targetOf({ engine: 'table', file, workload: own }, file);
}

function targetOf(json: unknown, where: string): Target {
  const parsed = targetSchema.safeParse(json);
  if (parsed.success) return parsed.data;
  const [issue] = parsed.error.issues;
  throw new InputError(`${issue?.path.join('.') ?? 'the target'}: ${issue?.message ?? 'is not understood'}`, where);
}

/**
 * What a run has to choose from, priced for a target, at each of its batch sizes. Where the target is an engine of this
 * machine, it is measured, which takes a while the first time.
 */
export async function retarget(stored: StoredLibrary, target: Target, onTimed?: OnTimed): Promise<ScoredLibrary[]> {
  const { parent, variants, scores = [] } = stored;
  const tables = await tablesOf(stored, target, onTimed);
  return pricedAtBatches(parent, variants, tables, target.workload).map((costs) => ({ scores, costs }));
}

async function tablesOf(stored: StoredLibrary, target: Target, onTimed: OnTimed | undefined): Promise<CostTable[]> {
  const { parent: config, variants } = stored;
  switch (target.engine) {
    case 'profile':
      return profileTables(config, variants, target);
    case 'table':
      return importedTables(target, { config, variants });
    case 'onnxruntime':
    case 'llama.cpp':
      return isMeasuredHere(stored, target)
        ? stored.sweep.map(({ table }) => table)
        : measureHere(stored, target, onTimed);
  }
}

/** Whether the run's own costs are of this target and this machine: the run may have come from another one. */
function isMeasuredHere({ spec, sweep }: StoredLibrary, target: MeasuredTarget): boolean {
  if (!isDeepStrictEqual(target, spec.target)) return false;
  const here = measuredWith(measuringEngine(target).engine);
  return sweep.every(({ table }) => table.source === here);
}
