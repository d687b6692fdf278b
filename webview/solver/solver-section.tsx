import { useEffect, useRef } from 'preact/hooks';
import type { PanelState } from '../../src/protocol/panel.js';
import type { SolutionView, SolveAnswer } from '../../src/protocol/solution.js';
import { count, duration, percent, significant } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { announce } from '../ui/live-region.js';
import { Section } from '../ui/section.js';
import { BuildChild } from './build-child.js';
import { Figure, LimitUse } from './limit-use.js';
import { RulesInForce } from './rules-in-force.js';
import './solver.css';

const STATUS = {
  optimal: { icon: 'pass', tone: 'ok', text: 'Optimal, proven' },
  incumbent: { icon: 'info', tone: 'info', text: 'Best so far, not proven' },
  infeasible: { icon: 'warning', tone: 'warning', text: 'No architecture meets the limits' },
  invalid: { icon: 'error', tone: 'error', text: 'The limits cannot be used' },
  none: { icon: 'circle-outline', tone: 'muted', text: 'No solution yet' },
} as const;

/** What the solver found: status and proof, what each limit costs, and what was decided by hand. */
export function SolverSection({ state }: { state: PanelState }) {
  const { answer, solving, spec } = state;
  const status = STATUS[statusOf(answer)];
  useAnnounced(answerText(answer));
  return (
    <Section id="solver" title="Solver" summary={solving ? 'solving…' : answerText(answer)}>
      <div class="solver" aria-busy={solving}>
        <p class="solver-status">
          <Icon name={status.icon} class={`tone-${status.tone}`} />
          {status.text}
        </p>
        {answer === null && <p class="muted">The optimum appears once the variants are scored and measured.</p>}
        {answer?.kind === 'invalid' && <p class="solver-message">{answer.message}</p>}
        {answer?.kind === 'solved' && <Solution solution={answer.solution} />}
        {spec !== null && <RulesInForce rules={spec.rules} />}
        <BuildChild state={state} />
      </div>
    </Section>
  );
}

function Solution({ solution }: { solution: SolutionView }) {
  const { objective, bound, gap, nodes, milliseconds, limits, batch, estimated } = solution;
  return (
    <>
      <dl class="solver-figures">
        <Figure name="objective" value={`${significant(objective)} nats/token`} />
        <Figure name="bound" value={significant(bound)} />
        <Figure name="gap" value={percent(gap)} />
        <Figure name="nodes" value={count(nodes)} />
        <Figure name="time" value={duration(milliseconds / 1000)} />
        <Figure name="batch" value={count(batch)} />
      </dl>
      {estimated !== null && <p class="muted small">Times and throughput are {estimated}; nothing was measured.</p>}
      {limits.length > 0 && (
        <ul class="limit-uses">
          {limits.map((limit) => (
            <LimitUse key={limit.metric} limit={limit} />
          ))}
        </ul>
      )}
    </>
  );
}

function statusOf(answer: SolveAnswer | null): keyof typeof STATUS {
  if (answer === null) return 'none';
  return answer.kind === 'solved' ? answer.solution.status : answer.kind;
}

function answerText(answer: SolveAnswer | null): string {
  if (answer?.kind !== 'solved') return STATUS[statusOf(answer)].text.toLowerCase();
  const { status, objective } = answer.solution;
  return `${status}, objective ${significant(objective)} nats/token`;
}

/** Has a text read out whenever it becomes another. */
function useAnnounced(text: string): void {
  const first = useRef(true);
  useEffect(() => {
    if (!first.current) announce(`Solver: ${text}`);
    first.current = false;
  }, [text]);
}
