import { homedir } from 'node:os';
import { env, extensions, l10n, ProgressLocation, UIKind, version, window, workspace } from 'vscode';
import { messageOf } from '../../common/errors.js';
import { devicesQuestion } from '../../protocol/questions.js';
import { setting } from '../settings.js';
import { type SettingName, SETTINGS } from '../manifest/settings.js';
import type { Services } from '../services.js';
import type { Handler } from './handler.js';

const EXTENSION_ID = 'puzzle-nas.puzzle-nas';
const COPIED_MS = 4000;

/** What somebody who is to help needs to know; neither weights nor texts, and the home folder is left out of paths. */
export const copyDiagnostics: Handler = async (services) => {
  await services.runs.ready;
  const text = JSON.stringify(await diagnostics(services), null, 2).replaceAll(
    JSON.stringify(homedir()).slice(1, -1),
    '~',
  );
  await env.clipboard.writeText(`${text}\n`);
  window.setStatusBarMessage(l10n.t('Puzzle: diagnostics copied'), COPIED_MS);
};

async function diagnostics({ runs, worker }: Services): Promise<Record<string, unknown>> {
  const { version: own } = (extensions.getExtension(EXTENSION_ID)?.packageJSON ?? {}) as { version?: string };
  // As it was: the question starts the worker where it is not up.
  const state = worker.state();
  const title = l10n.t('Puzzle: trying what the runtime can compute on');
  const devices = await window.withProgress({ location: ProgressLocation.Window, title }, () =>
    worker.ask(devicesQuestion, {}).then((answer) => answer.devices, messageOf),
  );
  return {
    puzzle: own,
    editor: { name: env.appName, version, kind: UIKind[env.uiKind], remote: env.remoteName ?? null },
    system: { platform: process.platform, arch: process.arch, node: process.versions.node },
    workspace: { folders: workspace.workspaceFolders?.length ?? 0, trusted: workspace.isTrusted },
    settings: Object.fromEntries((Object.keys(SETTINGS) as SettingName[]).map((name) => [name, setting(name)])),
    worker: state,
    devices,
    runs: runs.all().map(({ dir, state, stage, progress, seconds, error, warnings, tasks }) => {
      return { dir, state, stage, progress, seconds, error, warnings, tasks };
    }),
  };
}
