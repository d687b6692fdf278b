import * as l10n from '@vscode/l10n';
import type { PanelState } from '../../src/protocol/panel.js';
import { setLimit, setLimits, setRules } from '../../src/protocol/panel.js';
import { METRIC_NAMES, type MetricRange, type SolveAnswer } from '../../src/protocol/solution.js';
import { perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { plural } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { Section } from '../ui/section.js';
import { fromBase, limitText, usualLimit } from './limit-text.js';
import { LimitRow } from './limit-row.js';
import { metricWords } from './metrics.js';
import './constraints.css';

/** The limits of the spec, each with what it can be: an edit solves again at once. */
export function ConstraintsSection({ state }: { state: PanelState }) {
  const { spec, ranges, answer } = state;
  if (spec === null) return null;
  const { limits } = spec;
  const known = state.kind === 'imported' ? ranges.map(({ metric }) => metric) : METRIC_NAMES;
  const free = known.filter((metric) => !limits.some((limit) => limit.metric === metric));
  return (
    <Section id="constraints" title={l10n.t('Constraints')} summary={summaryText(limits.length, spec.rules.length)}>
      <ul class="limits">
        {limits.map((limit) => (
          <LimitRow key={limit.metric} limit={limit} range={rangeOf(ranges, limit.metric)} />
        ))}
      </ul>
      {answer?.kind === 'infeasible' && <Infeasible answer={answer} />}
      {spec.rules.length > 0 && (
        <Button
          icon="discard"
          onClick={() => {
            perform(setRules, { rules: [] });
          }}
        >
          {l10n.t('Take back all pins and bans')}
        </Button>
      )}
      {free.length > 0 && (
        <div class="limits-add" role="group" aria-label={l10n.t('Add a limit')}>
          <span class="muted">{l10n.t('Add a limit')}</span>
          {free.map((metric) => (
            <Button
              key={metric}
              icon="add"
              onClick={() => {
                perform(setLimit, { metric, text: firstText(metric, state), preview: false });
              }}
            >
              {metricWords(metric).name}
            </Button>
          ))}
        </div>
      )}
    </Section>
  );
}

function summaryText(limits: number, rules: number): string {
  const limitsText = plural(limits, l10n.t('1 limit'), l10n.t('{0} limits', limits));
  const rulesText = plural(rules, l10n.t('1 rule'), l10n.t('{0} rules', rules));
  return rules === 0 ? limitsText : `${limitsText} · ${rulesText}`;
}

function rangeOf(ranges: readonly MetricRange[], metric: string): MetricRange | undefined {
  return ranges.find((range) => range.metric === metric);
}

/** A new limit begins where the present solution is, which still meets it; else at the parent. */
function firstText(metric: string, { answer, ranges }: PanelState): string {
  const range = rangeOf(ranges, metric);
  const usual = usualLimit(metric);
  if (range === undefined || range.parent === 0) {
    return limitText(metric, { ...usual, value: usual.unit === 'x' ? 1 : 100 });
  }
  const base = (answer?.kind === 'solved' ? answer.solution.totals[metric] : undefined) ?? range.parent;
  return limitText(metric, fromBase(metric, usual, base > 0 ? base : range.parent, range));
}

type InfeasibleAnswer = SolveAnswer & { kind: 'infeasible' };

/** Why nothing meets the limits, and the least that would help. */
function Infeasible({ answer: { message, relaxation } }: { answer: InfeasibleAnswer }) {
  return (
    <div class="limits-infeasible" role="status">
      <Icon name="warning" class="tone-warning" />
      <div>
        <p>{message}</p>
        {Object.keys(relaxation).length > 0 && (
          <Button
            appearance="primary"
            onClick={() => {
              perform(setLimits, { limits: relaxation });
            }}
          >
            {l10n.t('Use the smallest relaxation')}
          </Button>
        )}
      </div>
    </div>
  );
}
