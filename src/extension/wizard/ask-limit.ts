import { l10n, type QuickPickItem, window } from 'vscode';
import { messageOf } from '../../common/errors.js';
import type { MetricName } from '../../protocol/solution.js';
import { limitHelp, parseConstraint } from '../../search/constraints.js';
import type { SpecWishes } from '../../search/new-spec.js';

interface LimitItem extends QuickPickItem {
  metric: MetricName;
  /** A limit to begin with. */
  text: string;
}

/** Asks for the limit that matters most: one metric, and its value as in a spec. Others are added there. */
export async function askLimit(): Promise<SpecWishes['limit'] | undefined> {
  const title = l10n.t('What must the child be? Other limits can be added to the spec.');
  const picked = await window.showQuickPick(limitItems(), { title });
  if (picked === undefined) return undefined;
  const { metric, text, label, detail = '' } = picked;
  const value = await window.showInputBox({
    title: `${label}: ${detail}`,
    prompt: l10n.t('To set the limit, {0}', limitHelp(metric)),
    value: text,
    validateInput: (value) => problemOf(metric, value),
  });
  return value === undefined ? undefined : { metric, text: value.trim() };
}

function problemOf(metric: MetricName, text: string): string | null {
  try {
    parseConstraint(metric, text, 'limits');
    return null;
  } catch (error) {
    return messageOf(error);
  }
}

function limitItems(): LimitItem[] {
  const item = (metric: MetricName, text: string, label: string, detail: string): LimitItem => {
    return { metric, text, label, detail, description: text };
  };
  return [
    item('throughput', '>= 2x', l10n.t('Faster'), l10n.t('tokens per second, prompt and generated')),
    item('memory', '<= 60%', l10n.t('Smaller in memory'), l10n.t('weights and KV cache')),
    item('latency', '<= 60%', l10n.t('Quicker to answer'), l10n.t('seconds for a whole batch')),
    item('parameters', '<= 50%', l10n.t('Fewer parameters'), l10n.t('of the whole model')),
    item('kvCache', '<= 50%', l10n.t('Smaller KV cache'), l10n.t('bytes at the workload')),
  ];
}
