import { l10n } from 'vscode';
import type { RunView } from '../../protocol/run.js';
import type { Measured } from '../panel/comparison.js';

/** `< 1 s`, `45 s`, `2 min`, `1 h 5 min`. */
export function durationText(seconds: number): string {
  if (seconds < 1) return l10n.t('< 1 s');
  if (seconds < 59.5) return l10n.t('{0} s', Math.round(seconds));
  const minutes = Math.round(seconds / 60);
  if (minutes < 60) return l10n.t('{0} min', minutes);
  return l10n.t('{0} h {1} min', Math.floor(minutes / 60), minutes % 60);
}

/** How a run stands, in a word. */
export function stateText(state: RunView['state']): string {
  const texts: Record<RunView['state'], string> = {
    running: l10n.t('running'),
    paused: l10n.t('paused'),
    done: l10n.t('finished'),
    failed: l10n.t('failed'),
    cancelled: l10n.t('cancelled'),
    interrupted: l10n.t('interrupted'),
  };
  return texts[state];
}

/** How far a running run is: `distil 43%, 2 min`. The share and the time left are those of the whole run. */
export function progressText({ stage, progress, etaSeconds }: RunView): string {
  const share = `${stage ?? ''} ${Math.floor(progress * 100)}%`.trim();
  return etaSeconds === null ? share : `${share}, ${durationText(etaSeconds)}`;
}

/** What the child is, in a few figures: `2.30x as fast, 46.8% of the parameters`. */
export function resultText({ parent, child }: Pick<Measured, 'parent' | 'child'>): string {
  const parameters = ((100 * child.parameters) / parent.parameters).toFixed(1);
  if (child.speedup === null) return l10n.t('{0}% of the parameters', parameters);
  return l10n.t('{0}x as fast, {1}% of the parameters', child.speedup.median.toFixed(2), parameters);
}
