import type { Edit } from 'jsonc-parser';
import { InputError } from '../common/errors.js';
import { isRecord } from '../formats/json-file.js';
import { metricNamed, type Metric, parseConstraint } from './constraints.js';
import { editBetween, withList, withoutValue, withValue } from './json-edit.js';
import type { LayerRule } from './rules.js';
import { lineAt, readJsonText } from './spec-text.js';

/**
 * What to change in the text of a spec so that it limits a metric as `limit` says (`>= 2x`), or, with null, not at all.
 * Everything else stays as it was typed. No edits: the text says so already.
 *
 * @throws InputError for a limit that is not understood, and while the text cannot be edited: no valid JSON
 */
export function limitEdits(text: string, metric: Metric, limit: string | null): Edit[] {
  return editBetween(text, withLimit(text, metric, limit));
}

/** The same of several limits at once, which one undo takes back together. */
export function limitsEdits(text: string, limits: readonly (readonly [Metric, string])[]): Edit[] {
  return editBetween(
    text,
    limits.reduce((changed, [metric, limit]) => withLimit(changed, metric, limit), text),
  );
}

function withLimit(text: string, metric: Metric, limit: string | null): string {
  if (limit !== null) parseConstraint(metric, limit, 'limits');
  const { limits = {} } = editable(text);
  if (!isRecord(limits)) throw notEditable('limits is not { }');
  const names = Object.keys(limits).filter((name) => metricNamed(name) === metric);
  if (limit === null) return names.reduce((rest, name) => withoutValue(rest, ['limits', name]), text);
  const name = names.find((known) => known === metric) ?? names[0] ?? metric;
  return withValue(text, ['limits', name], limit);
}

/**
 * What to change in the text of a spec so that these rules, one a line, are all of its rules. No edits: they are already.
 *
 * @throws InputError while the text cannot be edited: no valid JSON
 */
export function rulesEdits(text: string, rules: readonly LayerRule[]): Edit[] {
  editable(text);
  return editBetween(text, rules.length === 0 ? withoutValue(text, ['rules']) : withList(text, ['rules'], rules));
}

/**
 * What to change in the text of a spec so that this is all that is decided about a half of a layer; a rule without pin
 * and ban takes back what was. Everything else stays as it was typed. No edits: the text says so already.
 *
 * @throws InputError while the text cannot be edited: no valid JSON
 */
export function ruleEdits(text: string, rule: LayerRule): Edit[] {
  const { rules = [] } = editable(text);
  if (!Array.isArray(rules)) throw notEditable('rules is not [ ]');
  const { layer, half, pin, ban = [] } = rule;
  const decision = { pin, ban: ban.length === 0 ? undefined : ban };
  const isDecided = pin !== undefined || ban.length > 0;
  const same = rules.flatMap((other: unknown, i) =>
    isRecord(other) && other['layer'] === layer && other['half'] === half ? [i] : [],
  );
  const [first = rules.length, ...others] = same;
  const dropped = isDecided ? others : same;
  let changed = dropped.toReversed().reduce((rest, i) => withoutValue(rest, ['rules', i]), text);
  if (isDecided && same.length === 0) changed = withValue(changed, ['rules', first], { layer, half, ...decision });
  else if (isDecided) {
    for (const [name, value] of Object.entries(decision)) {
      const path = ['rules', first, name];
      changed = value === undefined ? withoutValue(changed, path) : withValue(changed, path, value);
    }
  }
  return editBetween(text, changed);
}

/** What a spec says, as far as that it can be edited. */
function editable(text: string): Record<string, unknown> {
  const { json, problems } = readJsonText(text);
  const [problem] = problems;
  if (problem !== undefined) throw notEditable(`line ${lineAt(text, problem.start)} ${problem.message}`);
  if (!isRecord(json)) throw notEditable('it is not { }');
  return json;
}

function notEditable(why: string): InputError {
  return new InputError(`cannot be changed: ${why}; correct the text first`, 'the spec');
}
