import * as l10n from '@vscode/l10n';
import { messageOf } from '../../common/errors.js';
import type { SpecView } from '../../protocol/panel.js';
import type { MetricName } from '../../protocol/solution.js';
import { metricNamed, parseConstraint } from '../../search/constraints.js';
import { parseSpec, type Spec } from '../../search/spec.js';

type LimitView = SpecView['limits'][number];

/** A spec as far as its text can be understood. */
export interface ReadSpec {
  /** The last text that could be used; null before the first. */
  spec: Spec | null;
  /** What keeps the present text from being used. */
  problem: string | null;
}

/** Limits as they would be with some of the spec's replaced, by metric: null removes one. */
export type LimitChanges = ReadonlyMap<MetricName, string | null>;

/** Reads another text of a spec. While it cannot be used, the last one that could stays in force. */
export function readSpecText(text: string, name: string, before: ReadSpec): ReadSpec {
  try {
    return { spec: parseSpec(text, name), problem: null };
  } catch (error) {
    return { spec: before.spec, problem: messageOf(error) };
  }
}

/** The spec's limits by their names there, changed as its text would be. */
export function changedLimits(spec: Spec, changes: LimitChanges): Record<string, string> {
  const limits = new Map(Object.entries(spec.limits));
  for (const [metric, text] of changes) {
    const names = [...limits.keys()].filter((name) => metricNamed(name) === metric);
    const name = names.find((known) => known === metric) ?? names[0] ?? metric;
    if (text !== null) limits.set(name, text);
    else for (const known of names) limits.delete(known);
  }
  return Object.fromEntries(limits);
}

/** What the panel shows of a spec. */
export function viewSpec(
  { spec, problem }: ReadSpec,
  { uri, name }: { uri: string; name: string },
  changes: LimitChanges,
): SpecView {
  if (spec === null) return { uri, name, problem, limits: [], rules: [], target: '' };
  const { rules, target } = spec;
  const limits = Object.entries(changedLimits(spec, changes)).map(([metric, text]) => viewLimit(metric, text));
  const unknown = limits.find((limit): limit is string => typeof limit === 'string') ?? null;
  return {
    ...{ uri, name, rules },
    problem: problem ?? unknown,
    limits: limits.filter((limit) => typeof limit !== 'string'),
    target: targetText(target),
  };
}

/** A limit as it is shown; where its name means nothing, what is wrong with it. */
function viewLimit(name: string, text: string): LimitView | string {
  const metric = metricNamed(name);
  try {
    return { metric: parseConstraint(name, text, 'limits').metric, text, problem: null };
  } catch (error) {
    return metric === undefined ? messageOf(error) : { metric, text, problem: messageOf(error) };
  }
}

function engineText(target: Spec['target']): string {
  return target.engine === 'onnxruntime' && target.device !== 'cpu' ? `onnxruntime (${target.device})` : target.engine;
}

function targetText(target: Spec['target']): string {
  const { batch, prefill, generated, mix } = target.workload;
  const kinds =
    mix === undefined
      ? `${prefill} + ${generated}`
      : mix.map((kind) => `${kind.prefill} + ${kind.generated}`).join(' | ');
  const engine = target.engine === 'profile' ? l10n.t('{0}, estimated', target.hardware) : engineText(target);
  return l10n.t('{0} × ({1}) tokens on {2}', [batch].flat().join('/'), kinds, engine);
}
