import { basename, join } from 'node:path';
import { readFile } from 'node:fs/promises';
import { commands, env, l10n, ProgressLocation, UIKind, Uri, window, workspace } from 'vscode';
import { InputError } from '../../common/errors.js';
import type { RunView } from '../../protocol/run.js';
import { exportQuestion, solveQuestion } from '../../protocol/questions.js';
import { defaultSpec } from '../../search/run-dir.js';
import { parseSpec } from '../../search/spec.js';
import { offer } from '../messages.js';
import { compareRuns } from '../panel/compare.js';
import { readMeasured } from '../panel/comparison.js';
import { openSearchPanel } from '../panel/open.js';
import { isSolvable } from '../panel/solvable.js';
import { requireTrust } from '../trust.js';
import type { Handler } from './handler.js';
import { runDirOf, runOf, type Wanted } from './targets.js';

const finished = (title: string): Wanted => ({
  accepts: ({ state }) => state === 'done',
  title,
  refusal: l10n.t('has not finished, so there is no child yet'),
});

/** Solves under the limits that the spec has now, and shows the result in the panel. */
export const solveAgain: Handler = async (services, argument) => {
  const run = await runOf(services, argument, {
    accepts: isSolvable,
    title: l10n.t('Solve which search again?'),
    refusal: l10n.t('has no scores and costs yet to choose by'),
  });
  if (run === undefined) return;
  const spec = Uri.file(defaultSpec(run.dir));
  await openSearchPanel(services, spec);
  const { limits, rules, margin } = parseSpec(await textOf(spec), basename(spec.fsPath));
  if (services.worker.state().state === 'down') await services.worker.restart();
  const answer = await services.worker.ask(solveQuestion, { run: run.dir, limits, rules, margin });
  if (answer.kind !== 'solved') throw new InputError(answer.message);
  const { status, objective, milliseconds } = answer.solution;
  const text = l10n.t(
    'Puzzle: {0}, {1} nats/token, {2} ms',
    status,
    objective.toPrecision(3),
    Math.round(milliseconds),
  );
  window.setStatusBarMessage(text, STATUS_MS);
};

const STATUS_MS = 8000;

/** As it stands in the editor, saved or not. */
async function textOf(uri: Uri): Promise<string> {
  const open = workspace.textDocuments.find((document) => document.uri.toString() === uri.toString());
  return open?.getText() ?? readFile(uri.fsPath, 'utf8');
}

export const compare: Handler = async (services, argument) => {
  const dir = runDirOf(services, argument);
  await compareRuns(services, dir === undefined ? [] : [dir]);
};

export const exportChild: Handler = async (services, argument) => {
  requireTrust();
  const run = await runOf(services, argument, finished(l10n.t('Export the child of which search?')));
  if (run === undefined) return;
  const out = await chooseFolder(run);
  if (out === undefined) return;
  const title = l10n.t('Puzzle: exporting {0}', run.name);
  const { dir } = await window.withProgress({ location: ProgressLocation.Window, title }, () =>
    services.worker.ask(exportQuestion, { run: run.dir, out }),
  );
  const show = { title: l10n.t('Show Folder'), act: () => reveal(dir) };
  void offer(window.showInformationMessage, l10n.t('The child of {0} is in {1}.', run.name, dir), [show]);
};

/** A folder that does not exist yet, in one that the user picks. */
async function chooseFolder({ name, dir }: RunView): Promise<string | undefined> {
  const picked = await window.showOpenDialog({
    ...{ canSelectFiles: false, canSelectFolders: true, defaultUri: Uri.file(join(dir, '..', '..')) },
    title: l10n.t('Where to put the folder of the child'),
    openLabel: l10n.t('Export Here'),
  });
  const [parent] = picked ?? [];
  if (parent === undefined) return undefined;
  const folder = await window.showInputBox({
    title: l10n.t('Name of the new folder in {0}', parent.fsPath),
    value: `${name}-child`,
    validateInput: (value) => (/^[^/\\]+$/.test(value.trim()) ? null : l10n.t('A name without slashes')),
  });
  return folder === undefined ? undefined : join(parent.fsPath, folder.trim());
}

export const revealChild: Handler = async (services, argument) => {
  const run = await runOf(services, argument, finished(l10n.t('Reveal the child of which search?')));
  if (run === undefined) return;
  const measured = await readMeasured(run.dir);
  const dir = measured?.child.dir ?? null;
  if (dir === null) throw new InputError(l10n.t('has no child'), run.name);
  await reveal(dir);
};

/** In the explorer, the system's file manager, or, where neither can, its config in an editor. */
async function reveal(dir: string): Promise<void> {
  const config = Uri.file(join(dir, 'config.json'));
  if (workspace.getWorkspaceFolder(config) !== undefined) await commands.executeCommand('revealInExplorer', config);
  else if (env.uiKind === UIKind.Desktop && env.remoteName === undefined) {
    await commands.executeCommand('revealFileInOS', config);
  } else await window.showTextDocument(config);
}
