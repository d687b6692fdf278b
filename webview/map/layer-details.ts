import * as l10n from '@vscode/l10n';
import { signal } from '@preact/signals';
import { askLayer, type PanelState } from '../../src/protocol/panel.js';
import { shareUnchanged } from '../state/share.js';
import { ask, errorText } from '../state/store.js';
import type { OpenLayer } from './rows.js';

// The variants of layers, asked of the host when something shows them, and again when the run has got further.

const known = signal<ReadonlyMap<number, OpenLayer>>(new Map());
/** How far the run was when each layer was last asked for. */
const asked = new Map<number, string>();

/** Changes whenever a layer should be asked for again; null where there is nothing to choose from. */
export function detailsVersion({ run, imported, worker }: PanelState): string | null {
  if (imported !== null) {
    return [imported.metric, imported.table, imported.look, worker.state === 'down'].join(' ');
  }
  return run === null ? null : [run.dir, run.stage, run.tasks.finished, worker.state === 'down'].join(' ');
}

/** What is known of a layer by now; a sentence while it is nothing. */
export function layerDetail(layer: number): OpenLayer {
  return known.value.get(layer) ?? l10n.t('Reading the variants…');
}

/** Asks for a layer's variants, unless they are known as of `at`. The old ones stand until new ones come. */
export function needLayer(layer: number, at: string): void {
  if (asked.get(layer) === at) return;
  asked.set(layer, at);
  ask(askLayer, { layer }).then(
    (detail) => {
      if (asked.get(layer) === at) settle(layer, detail);
    },
    (error: unknown) => {
      if (asked.get(layer) !== at) return;
      asked.delete(layer);
      const before = known.peek().get(layer);
      if (typeof before !== 'object') settle(layer, l10n.t('No variants are known yet: {0}', errorText(error)));
    },
  );
}

function settle(layer: number, detail: OpenLayer): void {
  const before = known.peek();
  known.value = new Map(before).set(layer, shareUnchanged(before.get(layer), detail));
}
