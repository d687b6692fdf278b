import { parseConstraints } from './constraints.js';
import { inputMessage } from './input-message.js';
import { type Check, type Found, INPUTS, MACHINE, stageSeconds } from './preflight-checks.js';
import { readSpec, resolveSpec, type Spec } from './spec.js';

/** One thing that a search needs, and whether it is there. */
export interface PreflightItem {
  name: string;
  status: 'ok' | 'warning' | 'failed';
  message: string;
  /** What to do about it, where it is not ok. */
  fix: string | null;
}

/** Whether a search can start, and estimated seconds of each stage; none while that cannot be told. */
export interface PreflightReport {
  items: PreflightItem[];
  stages: { stage: string; seconds: number }[];
}

/**
 * Looks at everything a search will need and throws InputError for what could otherwise only fail later, after minutes
 * or hours of work: a tensor that is missing, a task that cannot be read, a cost table with gaps, limits out of reach.
 *
 * @param where the spec, for messages
 */
export async function checkInputs(spec: Spec, where: string): Promise<void> {
  // What takes no time to tell is told first.
  parseConstraints(spec.limits, `${where}: limits`);
  const found: Found = { spec, where };
  for (const { check } of INPUTS) await check(found);
}

/** Whether a search by this spec file can start here, and how long it will take. Reads no weights but their headers. */
export async function preflightItems(specFile: string): Promise<PreflightReport> {
  let spec: Spec;
  try {
    spec = resolveSpec(await readSpec(specFile), specFile);
  } catch (error) {
    const fix = 'Correct the spec.';
    return { items: [{ name: 'spec', status: 'failed', message: inputMessage(error), fix }], stages: [] };
  }
  const found: Found = { spec, where: specFile };
  const items: PreflightItem[] = [];
  for (const check of [...INPUTS, ...MACHINE]) items.push(...(await itemOf(check, found)));
  return { items, stages: stageSeconds(found) };
}

async function itemOf({ name, fix, check }: Check, found: Found): Promise<PreflightItem[]> {
  try {
    const said = await check(found);
    if (said === undefined) return [];
    return typeof said === 'string'
      ? [{ name, status: 'ok', message: said, fix: null }]
      : [{ name, status: 'warning', message: said.warning, fix: said.fix ?? fix }];
  } catch (error) {
    return [{ name, status: 'failed', message: inputMessage(error), fix }];
  }
}
