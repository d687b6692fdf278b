import * as l10n from '@vscode/l10n';
import type { ComponentChildren, VNode } from 'preact';
import { useEffect } from 'preact/hooks';
import type { PanelState } from '../../src/protocol/panel.js';
import { ComparisonSection } from '../comparison/comparison-section.js';
import { CurvesSection } from '../curves/curves-section.js';
import { ArchitectureSection } from '../map/architecture-section.js';
import { PlanSection } from '../progress/plan-section.js';
import { ProgressSection } from '../progress/progress-section.js';
import { CONDITION_WORDS } from '../progress/progress-text.js';
import { Imported } from '../imported/imported.js';
import { failure, panel } from '../state/store.js';
import { TrySection } from '../try/try-section.js';
import { announce, LiveRegion } from '../ui/live-region.js';
import { ProgressRing } from '../ui/progress-ring.js';
import { Banners } from './banners.js';
import { ArchitectureRow } from './architecture-row.js';
import { Header } from './header.js';

/** The whole panel, whatever it is about and whatever state that is in. */
export function App() {
  const state = panel.value;
  return (
    <div class="panel">
      {state === null ? <Loading /> : SUBJECTS[state.kind](state)}
      <LiveRegion />
    </div>
  );
}

const SUBJECTS: Readonly<Record<PanelState['kind'], (state: PanelState) => VNode>> = {
  search: (state) => <Search state={state} />,
  config: (state) => (
    <Plain state={state}>
      <ArchitectureSection state={state} />
    </Plain>
  ),
  imported: (state) => <Imported state={state} />,
  comparison: (state) => (
    <Plain state={state}>
      <ComparisonSection comparison={state.comparison} />
    </Plain>
  ),
};

function Loading() {
  return (
    <main class="loading">
      <h1 class="visually-hidden">{'Puzzle'}</h1>
      {failure.value === null ? (
        <ProgressRing text={l10n.t('Reading the search…')} />
      ) : (
        <p role="alert">{l10n.t('The editor has not told what to show: {0}', failure.value)}</p>
      )}
    </main>
  );
}

/** One thing to look at, with no run to steer. */
function Plain({ state, children }: { state: PanelState; children: ComponentChildren }) {
  return (
    <>
      <header class="header">
        <h1 class="header-title">{state.title}</h1>
      </header>
      <Banners state={state} />
      <main>{children}</main>
    </>
  );
}

function Search({ state }: { state: PanelState }) {
  const { run } = state;
  // A wide table, or none: the curves have the whole width.
  const hasTwo = state.comparison?.models.length === 2;
  useAnnouncedStages(state);
  return (
    <>
      <Header state={state} />
      <Banners state={state} />
      <main>
        {run === null ? <PlanSection preflight={state.preflight} /> : <ProgressSection run={run} />}
        <ArchitectureRow state={state} />
        {run !== null && (
          <>
            <div class={`panel-row panel-row-even ${hasTwo ? '' : 'panel-row-stacked'}`}>
              <div class="panel-column">
                <ComparisonSection comparison={state.comparison} editable />
              </div>
              <div class="panel-column">
                <CurvesSection run={run} />
              </div>
            </div>
            <TrySection state={state} />
          </>
        )}
      </main>
    </>
  );
}

/** Readers are told when the run changes its state or its stage, not of every step. */
function useAnnouncedStages({ run }: PanelState): void {
  const condition = run?.state;
  const stage = run?.stage ?? null;
  useEffect(() => {
    if (condition === undefined) return;
    const word = CONDITION_WORDS[condition];
    announce(stage === null ? l10n.t('Search {0}', word) : l10n.t('Search {0}, stage {1}', word, stage));
  }, [condition, stage]);
}
