import { commands, env, l10n, window } from 'vscode';
import { InputError, messageOf } from '../../common/errors.js';
import type { CommandId } from '../manifest/commands.js';
import { type MessageAction, offer } from '../messages.js';
import { StartError } from '../runs/run-process.js';
import type { Services } from '../services.js';
import { WorkerDownError } from '../questions/supervisor.js';
import { WorkerEndedError } from '../questions/worker-process.js';
import { HANDLERS } from './handlers.js';

/** Does a command. What goes wrong is told to the user, with what can be done about it. */
export async function perform(id: CommandId, services: Services, argument: unknown): Promise<void> {
  try {
    await HANDLERS[id](services, argument);
  } catch (error) {
    services.log.error(error instanceof Error && !isExpected(error) ? error : messageOf(error));
    // The command is over, whether or not anybody reads the message: whoever gave it does not wait for that.
    void offer(window.showErrorMessage, messageOf(error), remedies(error));
  }
}

/** Errors whose message says all there is to say. */
function isExpected(error: unknown): boolean {
  return [InputError, StartError, WorkerDownError, WorkerEndedError].some((type) => error instanceof type);
}

function remedies(error: unknown): MessageAction[] {
  const button = (title: string, command: CommandId): MessageAction => ({
    title,
    act: () => commands.executeCommand(command),
  });
  const isDown = error instanceof WorkerDownError || error instanceof WorkerEndedError;
  return [
    ...(isDown ? [button(l10n.t('Restart Worker'), 'puzzle.restartWorker')] : []),
    button(l10n.t('Show Log'), 'puzzle.showLog'),
    { title: l10n.t('Copy Details'), act: () => env.clipboard.writeText(detailsOf(error)) },
    ...(isExpected(error) ? [] : [button(l10n.t('Copy Diagnostics'), 'puzzle.copyDiagnostics')]),
  ];
}

/** Where the message does not say all there is to say, also where it came from. */
function detailsOf(error: unknown): string {
  return isExpected(error) || !(error instanceof Error) ? messageOf(error) : (error.stack ?? messageOf(error));
}
