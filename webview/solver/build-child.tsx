import * as l10n from '@vscode/l10n';
import { act, type PanelState } from '../../src/protocol/panel.js';
import type { RunView } from '../../src/protocol/run.js';
import { perform } from '../state/store.js';
import { Button } from '../ui/button.js';

const NOT_BUILT = {
  running: l10n.t('The search that is running has not built this architecture.'),
  paused: l10n.t('The search that is paused has not built this architecture.'),
} as const;

/** States in which a run of the same spec only has to go on to build its child. */
const UNFINISHED: readonly RunView['state'][] = ['paused', 'failed', 'cancelled', 'interrupted'];

/** How the optimum that is shown becomes the child, where it is not. */
export function BuildChild({ state: { run, stale, answer, answerIsChild } }: { state: PanelState }) {
  if (run === null || answer?.kind !== 'solved' || answerIsChild) return null;
  // A paused search holds its run: it can only go on, by the spec that it was started with.
  if (run.state === 'running' || (run.state === 'paused' && stale !== null)) {
    return <p class="solver-build muted">{NOT_BUILT[run.state]}</p>;
  }
  // Going on keeps to the spec that the run was made from: a changed one starts anew, and redoes what the change touches.
  const action = stale === null && UNFINISHED.includes(run.state) ? 'resume' : 'start';
  return (
    <div class="solver-build">
      <p>{l10n.t('This optimum is not the child’s: the child was built under other limits, or is not built yet.')}</p>
      <Button
        appearance="primary"
        icon="play"
        onClick={() => {
          perform(act, { action });
        }}
      >
        {l10n.t('Solve again and build the child')}
      </Button>
    </div>
  );
}
