import * as l10n from '@vscode/l10n';
import { canonicalJson } from '../run/task-key.js';
import type { Spec } from './spec.js';
import { specSchema } from './spec-schema.js';

/** What changed when a field did, and what that asks for; null: nothing depends on it. */
const CHANGES: Record<keyof Spec, string | null> = {
  $schema: null,
  parent: l10n.t('the parent changed: search again'),
  data: l10n.t('the text changed: search again'),
  tasks: l10n.t('the tasks changed: evaluate again'),
  space: l10n.t('the space changed: train the variants that are new'),
  target: l10n.t('the target changed: measure and solve again'),
  limits: l10n.t('the limits changed: solve again'),
  margin: l10n.t('the margin changed: solve again'),
  rules: l10n.t('the pins and bans changed: solve again'),
  distil: l10n.t('the budget of the distillation changed: train the variants again'),
  score: l10n.t('the budget of the scores changed: score and solve again'),
  search: l10n.t('the search changed: solve again'),
  uptrain: l10n.t('the budget of the uptraining changed: uptrain again'),
  evaluate: l10n.t('the evaluation changed: evaluate again'),
  seed: l10n.t('the seed changed: train again'),
  cacheMiB: null,
  processes: null,
  threads: l10n.t('the number of threads changed: train again'),
};

/**
 * What a run was started with and the spec now says otherwise, in words; empty where the run is still of this spec.
 *
 * @param started the `spec` in the header of the run
 * @param now resolved (absolute paths), as the one in the header
 */
export function specChanges(started: unknown, now: Spec): string[] {
  const before = specSchema.safeParse(started);
  if (!before.success) return [l10n.t('the run was started by another version of this program: search again')];
  return (Object.keys(CHANGES) as (keyof Spec)[]).flatMap((field) => {
    const change = CHANGES[field];
    return change === null || isSame(before.data[field], now[field]) ? [] : [change];
  });
}

function isSame(one: unknown, other: unknown): boolean {
  return canonicalJson({ value: one }) === canonicalJson({ value: other });
}
