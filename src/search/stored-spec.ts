import { InputError } from '../common/errors.js';
import { RunReader } from '../run/view.js';
import type { Spec } from './spec.js';
import { specSchema } from './spec-schema.js';

/** The spec a run was started with, from its log. */
export async function storedSpec(dir: string): Promise<Spec> {
  const reader = new RunReader(dir);
  await reader.require();
  return headerSpec(reader.state().header, dir);
}

/** The spec in the header of the run in `dir`. */
export function headerSpec(header: Readonly<Record<string, unknown>>, dir: string): Spec {
  const result = specSchema.safeParse(header['spec']);
  if (!result.success) throw new InputError('the run does not hold a spec this version understands', dir);
  return result.data;
}
