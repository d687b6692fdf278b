import * as l10n from '@vscode/l10n';
import type { ArchitectureMap } from '../../src/protocol/architecture.js';
import { exportSolution, type PanelState, setImported } from '../../src/protocol/panel.js';
import { shownAlternative } from '../explore/shown-alternative.js';
import { Banners } from '../shell/banners.js';
import { perform } from '../state/store.js';
import { Button } from '../ui/button.js';
import { Dropdown } from '../ui/dropdown.js';
import { count } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { ArchitectureRow } from '../shell/architecture-row.js';
import './imported.css';

/** A Puzzletron working directory: what can be chosen from it, and nothing of training, which was done elsewhere. */
export function Imported({ state }: { state: PanelState }) {
  const { answer } = state;
  // As the map: one of the other solutions, where one is shown.
  const shown = answer?.kind === 'solved' ? (shownAlternative.value?.alternative ?? answer.solution).map : null;
  return (
    <>
      <header class="header">
        <div class="header-line">
          <h1 class="header-title">{state.title}</h1>
          <p class="header-state">
            <Icon name="library" class="tone-muted" />
            {l10n.t('Imported from Puzzletron; no training')}
            {state.worker.state === 'starting' && <span class="muted">· {l10n.t('the worker is starting')}</span>}
          </p>
          <div class="header-actions" role="group" aria-label={l10n.t('Actions')}>
            <Button
              appearance="primary"
              icon="export"
              disabled={shown === null || state.solving}
              onClick={() => {
                if (shown !== null) perform(exportSolution, { architecture: architectureOf(shown) });
              }}
            >
              {l10n.t('Export solution…')}
            </Button>
          </div>
        </div>
        <Source state={state} />
      </header>
      <Banners state={state} />
      <main>
        <ArchitectureRow state={state} />
      </main>
    </>
  );
}

/** What was read, and what of it scores and costs are taken from. */
function Source({ state: { imported, parent } }: { state: PanelState }) {
  if (imported === null || parent === null) return null;
  const { metric, metrics, table, tables, blocks } = imported;
  return (
    <div class="imported-source">
      <p class="muted small">
        {l10n.t('{0} layers, {1} blocks to choose from', count(parent.layers.length), count(blocks))}
      </p>
      <Dropdown
        label={l10n.t('Score')}
        showLabel
        value={metric}
        options={metrics.map((name) => ({ value: name, text: name }))}
        onChange={(chosen) => {
          perform(setImported, { metric: chosen, table });
        }}
      />
      {tables.length > 1 && (
        <Dropdown
          label={l10n.t('Costs')}
          showLabel
          value={String(table)}
          options={tables.map((text, index) => ({ value: String(index), text }))}
          onChange={(chosen) => {
            perform(setImported, { metric, table: Number(chosen) });
          }}
        />
      )}
    </div>
  );
}

function architectureOf({ layers }: ArchitectureMap): { attention: string; ffn: string }[] {
  return layers.map(({ attention, ffn }) => ({ attention: attention.name, ffn: ffn.name }));
}
