import { commands, Uri } from 'vscode';
import { InputError } from '../../common/errors.js';
import type { PanelAction } from '../../protocol/panel.js';
import type { CommandId } from '../manifest/commands.js';
import type { Services } from '../services.js';
import { showFile } from './panels.js';
import type { SearchState } from './search-state.js';

interface Surroundings {
  services: Services;
  specUri: Uri;
  state: SearchState;
}

type Action = (surroundings: Surroundings) => PromiseLike<unknown>;

/** What each button of the panel does. */
const ACTIONS: Readonly<Record<PanelAction, Action>> = {
  start: aboutSpec('puzzle.startSearch'),
  resume: aboutRun('puzzle.resume'),
  pause: aboutRun('puzzle.pause'),
  cancel: aboutRun('puzzle.cancel'),
  solveAgain: aboutRun('puzzle.solveAgain'),
  export: aboutRun('puzzle.exportChild'),
  revealChild: aboutRun('puzzle.revealChild'),
  showLog: aboutRun('puzzle.showLog'),
  copyDiagnostics: aboutRun('puzzle.copyDiagnostics'),
  openSpec: ({ specUri }) => showFile(specUri),
  openReport: ({ state }) => {
    const { report } = state;
    if (report === null) throw new InputError('has no report yet', state.place.name);
    return showFile(Uri.file(report));
  },
  restartWorker: ({ services }) => services.worker.restart(),
  preflight: ({ state }) => {
    state.checkStart();
    return Promise.resolve();
  },
};

export async function performAction(action: PanelAction, surroundings: Surroundings): Promise<void> {
  await ACTIONS[action](surroundings);
}

/** The same buttons where there is a config and nothing else. */
const CONFIG_ACTIONS: Partial<Record<PanelAction, (config: Uri) => PromiseLike<unknown>>> = {
  start: (config) => commands.executeCommand('puzzle.startSearch' satisfies CommandId, config),
  openSpec: (config) => showFile(config),
  showLog: () => commands.executeCommand('puzzle.showLog' satisfies CommandId),
  copyDiagnostics: () => commands.executeCommand('puzzle.copyDiagnostics' satisfies CommandId),
};

export async function performConfigAction(action: PanelAction, config: Uri): Promise<void> {
  const perform = CONFIG_ACTIONS[action];
  if (perform === undefined) throw new InputError(`"${action}" needs a spec`, config.fsPath);
  await perform(config);
}

function aboutSpec(command: CommandId): Action {
  return ({ specUri }) => commands.executeCommand(command, specUri);
}

function aboutRun(command: CommandId): Action {
  return ({ state }) => commands.executeCommand(command, state.place.runDir);
}
