import * as l10n from '@vscode/l10n';
import { signal } from '@preact/signals';
import { askFront, type PanelState, setLimits } from '../../src/protocol/panel.js';
import type { FrontPoint } from '../../src/protocol/solution.js';
import { readLimit, toBase } from '../constraints/limit-text.js';
import { metricWords } from '../constraints/metrics.js';
import { ask, perform } from '../state/store.js';
import { Checkbox } from '../ui/checkbox.js';
import { Dropdown } from '../ui/dropdown.js';
import { ProgressRing } from '../ui/progress-ring.js';
import { Section } from '../ui/section.js';
import { FrontChart } from './front-chart.js';
import { type FrontAxis, limitsOf } from './front-lines.js';
import { FrontTable } from './front-table.js';
import { frontSummary } from './front-text.js';
import { questionKey } from './question-key.js';
import { useAnswer } from './use-answer.js';
import './explore.css';

/** Along one limit, and along each of two. */
const POINTS = [[24], [16, 5]] as const;
/** In place of a second metric. */
const NO_SECOND = '';

/** The metric that was chosen; null: the first that has a limit. */
const chosenMetric = signal<string | null>(null);
const chosenSecond = signal<string>(NO_SECOND);
const asTable = signal(false);

/** What limits cost: the least objective at every value of one, or of two. Nothing is computed while it is closed. */
export function FrontSection({ state }: { state: PanelState }) {
  if (state.spec === null || state.ranges.length === 0) return null;
  return (
    <Section
      id="front"
      title={l10n.t('Front')}
      summary={l10n.t('the least objective at each value of a limit, or of two')}
      openByDefault={false}
    >
      <Front state={state} />
    </Section>
  );
}

function Front({ state }: { state: PanelState }) {
  const { answer } = state;
  const axes = chosenAxes(state);
  const metrics = axes.map(({ range }) => range.metric);
  const id = metrics.join(' ');
  const key = questionKey(state, metrics);
  const { value, pending, error } = useAnswer(key === null ? null : `${id} ${key}`, async (token) => {
    const counts = POINTS[metrics.length - 1] ?? [];
    const asked = metrics.map((metric, axis) => ({ metric, points: counts[axis] ?? 2 }));
    return { id, points: await ask(askFront, { axes: asked }, token) };
  });
  // What was asked about other metrics is drawn in their units: there is nothing to show of it.
  const points = value?.id === id ? value.points : null;
  const [first] = axes;
  if (first === undefined) return null;
  const solution = answer?.kind === 'solved' ? answer.solution : null;
  const { limit, range } = first;
  const present = {
    limit: limit === null ? null : toBase(range.metric, limit, range),
    objective: solution?.objective ?? null,
  };
  const unit = solution?.scoreUnit ?? state.imported?.metric ?? 'nats/token';
  const use = (point: FrontPoint): void => {
    perform(setLimits, { limits: limitsOf(point, axes) });
  };
  const summary = points === null ? '' : frontSummary(points, axes, present.objective, unit);
  return (
    <div class="explore" aria-busy={pending}>
      <Controls state={state} metrics={metrics} />
      {error !== null && <p class="muted">{error}</p>}
      {points === null && error === null && <ProgressRing text={l10n.t('Solving for the front…')} />}
      {points !== null && <p class="muted small">{summary}</p>}
      {points !== null &&
        points.length > 0 &&
        (asTable.value ? (
          <FrontTable {...{ points, axes, unit }} onUse={use} />
        ) : (
          <>
            <FrontChart {...{ points, axes, present }} label={summary} onUse={use} />
            <p class="muted small" aria-hidden="true">
              {axes.length === 1
                ? l10n.t(
                    'Objective over the limit; the line is the present one. A click on a point sets the limit to it.',
                  )
                : l10n.t(
                    'Objective over the first limit; the dashed line is the present one. A click on a point sets both.',
                  )}
            </p>
          </>
        ))}
    </div>
  );
}

function Controls({
  state: { ranges },
  metrics: [first = '', second = NO_SECOND],
}: {
  state: PanelState;
  metrics: string[];
}) {
  const options = ranges.map(({ metric }) => ({ value: metric, text: metricWords(metric).name }));
  return (
    <div class="explore-controls">
      <Dropdown
        label={l10n.t('Limit on')}
        showLabel
        value={first}
        options={options}
        onChange={(name) => {
          chosenMetric.value = name;
        }}
      />
      <Dropdown
        label={l10n.t('and on')}
        showLabel
        value={second}
        options={[{ value: NO_SECOND, text: l10n.t('no other') }, ...options.filter(({ value }) => value !== first)]}
        onChange={(name) => {
          chosenSecond.value = name;
        }}
      />
      <Checkbox
        label={l10n.t('Table')}
        checked={asTable.value}
        onChange={(checked) => {
          asTable.value = checked;
        }}
      />
    </div>
  );
}

/** What was chosen, as far as the run has it: the first limit, and the second where there is to be one. */
function chosenAxes({ spec, ranges }: PanelState): FrontAxis[] {
  const limited = spec?.limits.map(({ metric }) => metric) ?? [];
  const wanted = [chosenMetric.value, ...limited, 'memory'];
  const first = wanted.flatMap((name) => ranges.filter(({ metric }) => metric === name))[0] ?? ranges[0];
  const second = ranges.find(({ metric }) => metric === chosenSecond.value && metric !== first?.metric);
  return [first, second].flatMap((range) => {
    if (range === undefined) return [];
    const written = spec?.limits.find(({ metric }) => metric === range.metric);
    return [{ range, limit: written === undefined ? null : readLimit(range.metric, written.text) }];
  });
}
