import * as l10n from '@vscode/l10n';
import { useSignal } from '@preact/signals';
import { useEffect, useMemo } from 'preact/hooks';
import { askSeries } from '../../src/protocol/panel.js';
import type { RunView, Series } from '../../src/protocol/run.js';
import { ask } from '../state/store.js';
import { chartOptions, selectedLayer } from '../state/ui-state.js';
import { ProgressRing } from '../ui/progress-ring.js';
import { Section } from '../ui/section.js';
import { Chart } from './chart.js';
import { ChartControls } from './chart-controls.js';
import { CurveTable } from './curve-table.js';
import { curveGroups, layersOf, resolveView, type CurveGroup } from './groups.js';
import { Legend } from './legend.js';
import { SeriesFeed } from './series-feed.js';
import { curvesSummary } from './summary.js';
import './curves.css';

const SCALE_LABELS = {
  log: (summary: string) => l10n.t('Loss over steps, log scale. {0}', summary),
  linear: (summary: string) => l10n.t('Loss over steps, linear scale. {0}', summary),
} as const;

/** How the losses fall: of each variant alone (BLD), and of the whole child (GKD). */
export function CurvesSection({ run }: { run: RunView }) {
  return (
    <Section id="curves" title={l10n.t('Loss curves')}>
      <Curves key={run.dir} run={run} />
    </Section>
  );
}

function Curves({ run }: { run: RunView }) {
  const feed = useMemo(() => new SeriesFeed(async (known) => ask(askSeries, { known })), []);
  useEffect(() => {
    feed.refresh();
  }, [run.lastEvent, run.state]);
  useEffect(
    () => () => {
      feed.stop();
    },
    [],
  );
  const all = useMemo(
    () => [...feed.series.value.values()].filter(({ steps }) => steps.length > 0),
    [feed.series.value],
  );
  if (all.length > 0) return <CurvesOf all={all} />;
  if (feed.error.value !== null) {
    return <p class="muted">{l10n.t('The curves cannot be read: {0}', feed.error.value)}</p>;
  }
  if (!feed.loaded.value) return <ProgressRing text={l10n.t('Reading the curves…')} />;
  return <p class="muted">{l10n.t('The first curves appear when distil begins to train variants.')}</p>;
}

function CurvesOf({ all }: { all: readonly Series[] }) {
  const { view: wanted, variant, half, scale, smoothing, hidden, table } = chartOptions.value;
  const view = resolveView(wanted, all);
  const layers = layersOf(all);
  const selected = selectedLayer.value;
  const layer = selected !== null && layers.includes(selected) ? selected : (layers[0] ?? 0);
  const groups = useMemo(() => curveGroups(all, { view, layer, variant, half }), [all, view, layer, variant, half]);
  const visible = useMemo(() => withoutHidden(groups, hidden), [groups, hidden]);
  const curves = useMemo(() => visible.flatMap((group) => group.curves), [visible]);
  const step = useSignal<number | null>(null);
  const held = useSignal(false);
  const summary = curvesSummary(visible);
  return (
    <>
      <ChartControls all={all} view={view} layer={layer} groups={visible} />
      <p class="curves-summary muted small">{curves.length === 0 ? l10n.t('No curve is switched on.') : summary}</p>
      {table ? (
        <CurveTable groups={visible} />
      ) : (
        <div class="curves">
          <div class="chart-side">
            <Chart
              {...{ curves, scale, smoothing }}
              label={SCALE_LABELS[scale](summary)}
              onPoint={(at) => {
                step.value = at;
              }}
              onHeld={(isHeld) => {
                held.value = isHeld;
              }}
            />
            <p class="chart-note muted small" aria-hidden="true">
              {held.value
                ? l10n.t('New points wait until the pointer leaves the chart.')
                : l10n.t('loss over training steps')}
            </p>
          </div>
          <Legend groups={groups} step={step} />
        </div>
      )}
    </>
  );
}

function withoutHidden(groups: readonly CurveGroup[], hidden: readonly string[]): CurveGroup[] {
  return groups
    .map(({ title, curves }) => ({ title, curves: curves.filter(({ key }) => !hidden.includes(key)) }))
    .filter(({ curves }) => curves.length > 0);
}
