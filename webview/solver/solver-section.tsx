import * as l10n from '@vscode/l10n';
import { useEffect, useRef } from 'preact/hooks';
import type { PanelState } from '../../src/protocol/panel.js';
import type { SolutionView, SolveAnswer } from '../../src/protocol/solution.js';
import { count, duration, significant } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { announce } from '../ui/live-region.js';
import { Section } from '../ui/section.js';
import { BuildChild } from './build-child.js';
import { Figure, LimitUse } from './limit-use.js';
import { RulesInForce } from './rules-in-force.js';
import './solver.css';

const STATUS = {
  optimal: { icon: 'pass', tone: 'ok', text: l10n.t('Optimal, proven') },
  incumbent: { icon: 'info', tone: 'info', text: l10n.t('Best so far, not proven') },
  searched: { icon: 'pass', tone: 'ok', text: l10n.t('Best of all architectures measured whole') },
  infeasible: { icon: 'warning', tone: 'warning', text: l10n.t('No architecture meets the limits') },
  invalid: { icon: 'error', tone: 'error', text: l10n.t('The limits cannot be used') },
  none: { icon: 'circle-outline', tone: 'muted', text: l10n.t('No solution yet') },
} as const;

/** What the solver found: status and proof, what each limit costs, and what was decided by hand. */
export function SolverSection({ state }: { state: PanelState }) {
  const { answer, solving, spec } = state;
  const status = STATUS[statusOf(answer)];
  useAnnounced(answerText(answer));
  return (
    <Section id="solver" title={l10n.t('Solver')} summary={solving ? l10n.t('solving…') : answerText(answer)}>
      <div class="solver" aria-busy={solving}>
        <p class="solver-status">
          <Icon name={status.icon} class={`tone-${status.tone}`} />
          {status.text}
        </p>
        {answer === null && state.kind === 'search' && (
          <p class="muted">{l10n.t('The optimum appears once the variants are scored and measured.')}</p>
        )}
        {answer?.kind === 'invalid' && <p class="solver-message">{answer.message}</p>}
        {answer?.kind === 'solved' && <Solution solution={answer.solution} />}
        {spec !== null && <RulesInForce rules={spec.rules} />}
        <BuildChild state={state} />
      </div>
    </Section>
  );
}

function Solution({ solution }: { solution: SolutionView }) {
  const { objective, scoreUnit, bound, gap, nodes, milliseconds, limits, batch, estimated, searched } = solution;
  return (
    <>
      {searched !== null && <p class="muted">{searchedText(searched)}</p>}
      <dl class="solver-figures">
        <Figure name={l10n.t('objective')} value={`${significant(objective)} ${scoreUnit}`} />
        <Figure name={l10n.t('bound')} value={significant(bound)} />
        <Figure name={l10n.t('gap')} value={significant(gap)} />
        <Figure name={l10n.t('nodes')} value={count(nodes)} />
        <Figure name={l10n.t('time')} value={duration(milliseconds / 1000)} />
        {batch !== null && <Figure name={l10n.t('batch')} value={count(batch)} />}
      </dl>
      {estimated !== null && (
        <p class="muted small">{l10n.t('Times and throughput are {0}; nothing was measured.', estimated)}</p>
      )}
      {limits.length > 0 && (
        <ul class="limit-uses">
          {limits.map((limit) => (
            <LimitUse key={limit.metric} {...{ limit, scoreUnit }} />
          ))}
        </ul>
      )}
    </>
  );
}

function statusOf(answer: SolveAnswer | null): keyof typeof STATUS {
  if (answer === null) return 'none';
  if (answer.kind !== 'solved') return answer.kind;
  const { status, searched } = answer.solution;
  return status === 'incumbent' && searched !== null ? 'searched' : status;
}

function answerText(answer: SolveAnswer | null): string {
  if (answer?.kind !== 'solved') return STATUS[statusOf(answer)].text;
  const { status, objective, scoreUnit, searched } = answer.solution;
  if (searched !== null) {
    return l10n.t('best of {0} measured, KL {1} nats/token', count(searched.measured), significant(searched.kl));
  }
  return status === 'optimal'
    ? l10n.t('optimal, objective {0} {1}', significant(objective), scoreUnit)
    : l10n.t('not proven, objective {0} {1}', significant(objective), scoreUnit);
}

/** What the search of whole architectures came to, beside the least sum of scores. */
function searchedText({ measured, kl, leastSumKl }: NonNullable<SolutionView['searched']>): string {
  const [number, own, least] = [count(measured), significant(kl), significant(leastSumKl)];
  return l10n.t(
    '{0} whole architectures were measured. KL before uptraining, on text that nothing was selected on: {1} nats/token; {2} with the least sum of scores.',
    ...[number, own, least],
  );
}

/** Has a text read out whenever it becomes another. */
function useAnnounced(text: string): void {
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) announce(l10n.t('Solver: {0}', text));
    first.current = false;
  }, [text]);
}
