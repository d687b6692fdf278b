import { commands, type Disposable, l10n, window } from 'vscode';
import type { RunView } from '../../protocol/run.js';
import type { CommandId } from '../manifest/commands.js';
import { type MessageAction, offer } from '../messages.js';
import { readMeasured } from '../panel/comparison.js';
import type { Runs } from '../services.js';
import { changeSetting, setting } from '../settings.js';
import { isAlive } from './run-store.js';
import { resultText } from './run-text.js';

/** Tells once when a run that was seen at work has finished or failed. */
export function notifyOfEnds(runs: Runs): Disposable {
  const atWork = new Set<string>();
  const see = (dir: string) => {
    const run = runs.get(dir);
    if (run === undefined || isAlive(run)) {
      if (run !== undefined) atWork.add(dir);
      return;
    }
    if (atWork.delete(dir) && setting('notifyWhenDone')) void tell(run);
  };
  for (const { dir } of runs.all()) see(dir);
  return runs.onDidChange(see);
}

async function tell(run: RunView): Promise<void> {
  const about = (title: string, command: CommandId): MessageAction => {
    return { title, act: () => commands.executeCommand(command, run.dir) };
  };
  const panel = about(l10n.t('Open Panel'), 'puzzle.openPanel');
  const silence = { title: l10n.t("Don't Show Again"), act: () => changeSetting('notifyWhenDone', false) };
  if (run.state === 'done') {
    const measured = await readMeasured(run.dir).catch(() => null);
    const result = measured === null ? '' : ` ${resultText(measured)}.`;
    const message = l10n.t('The search of {0} has finished.', run.name) + result;
    await offer(window.showInformationMessage, message, [panel, silence]);
  } else if (run.state === 'failed' || run.state === 'interrupted') {
    const message = l10n.t('The search of {0} has stopped: {1}', run.name, run.error ?? run.state);
    const actions = [panel, about(l10n.t('Resume'), 'puzzle.resume'), about(l10n.t('Show Log'), 'puzzle.showLog')];
    await offer(window.showErrorMessage, message, [...actions, silence]);
  }
}
