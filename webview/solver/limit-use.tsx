import * as l10n from '@vscode/l10n';
import type { LimitView } from '../../src/protocol/solution.js';
import { readLimit, usualLimit } from '../constraints/limit-text.js';
import { metricWords } from '../constraints/metrics.js';
import { priceText } from './price-text.js';

const SIGNS = { '<=': '≤', '>=': '≥' } as const;

/** A limit beside what the optimum makes of it. */
export function LimitUse({ limit, scoreUnit }: { limit: LimitView; scoreUnit: string }) {
  const { metric, text, used, allowed, slack, binding } = limit;
  const words = metricWords(metric);
  const relation = readLimit(metric, text)?.relation ?? usualLimit(metric).relation;
  const longest = Math.max(used, allowed);
  const share = (value: number): string => String(longest > 0 ? value / longest : 0);
  const price = priceText(limit, relation, scoreUnit);
  return (
    <li class={binding ? 'limit-use binding' : 'limit-use'}>
      <p class="limit-use-head">
        <span class="limit-use-name">{words.name}</span>
        <span class="muted">{text.replace(relation, SIGNS[relation]).replace(/x$/, '×')}</span>
        {binding && <span class="limit-use-mark">{l10n.t('binding')}</span>}
      </p>
      <div class="limit-use-bar" style={{ '--used': share(used), '--allowed': share(allowed) }} />
      <dl class="limit-use-figures">
        <Figure name={l10n.t('used')} value={words.text(used)} />
        <Figure name={relation === '<=' ? l10n.t('at most') : l10n.t('at least')} value={words.text(allowed)} />
        <Figure name={l10n.t('slack')} value={words.text(slack)} />
      </dl>
      {price !== null && <p class="muted small">{price}</p>}
    </li>
  );
}

export function Figure({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd>{value}</dd>
    </div>
  );
}
