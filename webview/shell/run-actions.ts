import * as l10n from '@vscode/l10n';
import type { PanelAction } from '../../src/protocol/panel.js';
import type { RunView } from '../../src/protocol/run.js';

/** A run's state, or that there is none yet. */
export type Condition = RunView['state'] | 'none';

export interface RunAction {
  action: PanelAction;
  text: string;
  icon: string;
  /** What is shown from the click until the run's state has changed, or the action has come to nothing. */
  pending?: string;
  /** Only asks the process at work: the run's state changes some time after the action is done. */
  asks?: boolean;
  primary?: boolean;
}

const START: RunAction = {
  ...{ action: 'start', text: l10n.t('Start search'), icon: 'play', pending: l10n.t('Starting…'), primary: true },
};
const RESUME: RunAction = {
  ...{ action: 'resume', text: l10n.t('Resume'), icon: 'debug-continue', pending: l10n.t('Resuming…'), primary: true },
};
const PAUSE: RunAction = {
  action: 'pause',
  text: l10n.t('Pause'),
  icon: 'debug-pause',
  pending: l10n.t('Pausing…'),
  asks: true,
};
const CANCEL: RunAction = {
  action: 'cancel',
  text: l10n.t('Cancel'),
  icon: 'debug-stop',
  pending: l10n.t('Cancelling…'),
};

/** What can be done with a run, by its state; the first is what one most likely wants. */
export const RUN_ACTIONS: Readonly<Record<Condition, readonly RunAction[]>> = {
  none: [START],
  running: [PAUSE, CANCEL],
  paused: [{ ...RESUME, asks: true }, CANCEL],
  interrupted: [RESUME],
  failed: [{ ...RESUME, text: l10n.t('Try again'), pending: l10n.t('Starting…') }],
  cancelled: [RESUME],
  done: [
    { action: 'export', text: l10n.t('Export child…'), icon: 'export' },
    { action: 'revealChild', text: l10n.t('Reveal child'), icon: 'folder-opened' },
    { action: 'openReport', text: l10n.t('Open report'), icon: 'file' },
  ],
};

export const CONDITION_ICONS: Readonly<Record<Condition, string>> = {
  none: 'circle-outline',
  running: 'play-circle',
  paused: 'debug-pause',
  interrupted: 'debug-disconnect',
  failed: 'error',
  cancelled: 'circle-slash',
  done: 'pass',
};

/** `tone-…` of the icon. */
export const CONDITION_TONES: Readonly<Record<Condition, string>> = {
  none: 'none',
  running: 'active',
  paused: 'warning',
  interrupted: 'warning',
  failed: 'failed',
  cancelled: 'none',
  done: 'ok',
};
