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
  ...{ action: 'start', text: 'Start search', icon: 'play', pending: 'Starting…', primary: true },
};
const RESUME: RunAction = {
  ...{ action: 'resume', text: 'Resume', icon: 'debug-continue', pending: 'Resuming…', primary: true },
};
const PAUSE: RunAction = { action: 'pause', text: 'Pause', icon: 'debug-pause', pending: 'Pausing…', asks: true };
const CANCEL: RunAction = { action: 'cancel', text: 'Cancel', icon: 'debug-stop', pending: 'Cancelling…' };

/** What can be done with a run, by its state; the first is what one most likely wants. */
export const RUN_ACTIONS: Readonly<Record<Condition, readonly RunAction[]>> = {
  none: [START],
  running: [PAUSE, CANCEL],
  paused: [{ ...RESUME, asks: true }, CANCEL],
  interrupted: [RESUME],
  failed: [{ ...RESUME, text: 'Try again', pending: 'Starting…' }],
  cancelled: [RESUME],
  done: [
    { action: 'export', text: 'Export child…', icon: 'export' },
    { action: 'revealChild', text: 'Reveal child', icon: 'folder-opened' },
    { action: 'openReport', text: 'Open report', icon: 'file' },
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
