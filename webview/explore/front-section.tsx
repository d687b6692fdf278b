import * as l10n from '@vscode/l10n';
import { signal } from '@preact/signals';
import { askFront, type PanelState, setLimit } from '../../src/protocol/panel.js';
import type { FrontPoint, MetricRange } from '../../src/protocol/solution.js';
import { fromBase, limitText, readLimit, toBase, usualLimit } from '../constraints/limit-text.js';
import { metricWords } from '../constraints/metrics.js';
import { ask, perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { Checkbox } from '../ui/checkbox.js';
import { DataTable } from '../ui/data-table.js';
import { Dropdown } from '../ui/dropdown.js';
import { significant } from '../ui/format.js';
import { ProgressRing } from '../ui/progress-ring.js';
import { Section } from '../ui/section.js';
import { FrontChart } from './front-chart.js';
import { frontSummary } from './front-text.js';
import { questionKey } from './question-key.js';
import { useAnswer } from './use-answer.js';
import './explore.css';

const POINTS = 24;

/** The metric that was chosen; null: the first that has a limit. */
const chosenMetric = signal<string | null>(null);
const asTable = signal(false);

/** What the limit on one metric costs: the least objective at every value of it. Nothing is computed while it is closed. */
export function FrontSection({ state }: { state: PanelState }) {
  if (state.spec === null || state.ranges.length === 0) return null;
  return (
    <Section
      id="front"
      title={l10n.t('Front')}
      summary={l10n.t('the least objective at each value of a limit')}
      openByDefault={false}
    >
      <Front state={state} />
    </Section>
  );
}

function Front({ state }: { state: PanelState }) {
  const { spec, ranges, answer } = state;
  const limited = spec?.limits.map(({ metric }) => metric) ?? [];
  const wanted = [chosenMetric.value, ...limited, 'memory'];
  const range = wanted.flatMap((name) => ranges.filter(({ metric }) => metric === name))[0] ?? ranges[0];
  const metric = range?.metric ?? '';
  const key = questionKey(state, metric);
  const { value, pending, error } = useAnswer(key === null ? null : `${metric} ${key}`, (token) =>
    ask(askFront, { metric, points: POINTS }, token),
  );
  if (range === undefined) return null;
  const written = spec?.limits.find((limit) => limit.metric === metric);
  const limit = written === undefined ? null : readLimit(metric, written.text);
  const present = {
    limit: limit === null ? null : toBase(metric, limit, range),
    objective: answer?.kind === 'solved' ? answer.solution.objective : null,
  };
  const unit = answer?.kind === 'solved' ? answer.solution.scoreUnit : '';
  const use = (point: FrontPoint): void => {
    perform(setLimit, { metric, text: pointText(point, range, limit ?? usualLimit(metric)), preview: false });
  };
  const summary = value === null ? '' : frontSummary(value, metric, present, unit);
  return (
    <div class="explore" aria-busy={pending}>
      <div class="explore-controls">
        <Dropdown
          label={l10n.t('Limit on')}
          showLabel
          value={metric}
          options={ranges.map(({ metric: name }) => ({ value: name, text: metricWords(name).name }))}
          onChange={(name) => {
            chosenMetric.value = name;
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
      {error !== null && <p class="muted">{error}</p>}
      {value === null && error === null && <ProgressRing text={l10n.t('Solving for the front…')} />}
      {value !== null && <p class="muted small">{summary}</p>}
      {value !== null &&
        value.length > 0 &&
        (asTable.value ? (
          <FrontTable {...{ points: value, metric, unit }} onUse={use} />
        ) : (
          <>
            <FrontChart {...{ points: value, metric, present }} label={summary} onUse={use} />
            <p class="muted small" aria-hidden="true">
              {l10n.t(
                'Objective over the limit; the line is the present one. A click on a point sets the limit to it.',
              )}
            </p>
          </>
        ))}
    </div>
  );
}

/** The limit that allows exactly what a point has, as the spec writes it. */
function pointText({ limit }: FrontPoint, range: MetricRange, given: ReturnType<typeof usualLimit>): string {
  return limitText(range.metric, fromBase(range.metric, given, limit, range));
}

interface FrontTableProps {
  points: readonly FrontPoint[];
  metric: string;
  unit: string;
  onUse: (point: FrontPoint) => void;
}

function FrontTable({ points, metric, unit, onUse }: FrontTableProps) {
  const { name, text } = metricWords(metric);
  return (
    <DataTable
      caption={l10n.t('The least objective at each value of the limit')}
      columns={[
        { key: 'limit', title: name, numeric: true },
        { key: 'objective', title: l10n.t('objective, {0}', unit), numeric: true },
        { key: 'use', title: <span class="visually-hidden">{l10n.t('Actions')}</span> },
      ]}
      rows={points.map((point, index) => ({
        key: String(index),
        cells: [
          text(point.limit),
          point.status === 'optimal' ? significant(point.objective) : `≤ ${significant(point.objective)}`,
          <Button
            key="use"
            onClick={() => {
              onUse(point);
            }}
          >
            {l10n.t('Use {0}', text(point.limit))}
          </Button>,
        ],
      }))}
    />
  );
}
