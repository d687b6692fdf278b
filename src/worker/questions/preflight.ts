import type { PreflightItem } from '../../protocol/questions.js';
import { checkInputs } from '../../search/preflight.js';
import { readSpec, resolveSpec } from '../../search/spec.js';

/** Whether a search by a spec file can start here, and how long each stage will take. */
export async function answerPreflight({
  spec: file,
}: {
  spec: string;
}): Promise<{ items: PreflightItem[]; stages: { stage: string; seconds: number }[] }> {
  await checkInputs(resolveSpec(await readSpec(file), file), file);
  return { items: [], stages: [] };
}
