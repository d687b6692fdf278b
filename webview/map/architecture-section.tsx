import * as l10n from '@vscode/l10n';
import type { PanelState } from '../../src/protocol/panel.js';
import { Button } from '../ui/button.js';
import { ProgressRing } from '../ui/progress-ring.js';
import { Section } from '../ui/section.js';
import { openLayers } from '../state/ui-state.js';
import { openAllLayers } from './map-state.js';
import { MapView } from './map-view.js';
import { useShownMap } from './shown-map.js';
import { mapSummary } from './summary.js';
import './map.css';

/** The architecture map: the present optimum in front of its parent, or a model's config alone. */
export function ArchitectureSection({ state }: { state: PanelState }) {
  const shown = useShownMap(state);
  const layers = shown?.map.layers.length ?? 0;
  const anyOpen = openLayers.value.length > 0;
  return (
    <Section
      id="architecture"
      title={l10n.t('Architecture')}
      summary={shown && mapSummary(shown.map, shown.parent)}
      actions={
        (state.run !== null || state.imported !== null) &&
        shown !== null && (
          <Button
            appearance="icon"
            icon={anyOpen ? 'collapse-all' : 'expand-all'}
            onClick={() => {
              openAllLayers(layers, !anyOpen);
            }}
          >
            {anyOpen ? l10n.t('Close all layers') : l10n.t('Open all layers')}
          </Button>
        )
      }
    >
      {shown === null ? (
        <NoMap state={state} />
      ) : (
        <>
          {shown.note !== null && <p class="map-note muted">{shown.note}</p>}
          {shown.map.notes.map((note) => (
            <p key={note} class="map-note muted">
              {note}
            </p>
          ))}
          <MapView state={state} shown={shown} />
        </>
      )}
    </Section>
  );
}

function NoMap({ state: { kind, error, spec } }: { state: PanelState }) {
  const problem = error ?? spec?.problem ?? null;
  if (kind === 'imported') {
    if (problem === null) return <ProgressRing text={l10n.t('Reading the directory…')} />;
    return <p class="muted">{l10n.t('There is no map while the directory cannot be read.')}</p>;
  }
  if (problem === null) return <ProgressRing text={l10n.t('Reading the parent’s config…')} />;
  return <p class="muted">{l10n.t('There is no map while the model’s config cannot be read.')}</p>;
}
