import { basename, dirname, join } from 'node:path';
import { l10n, type QuickPickItem, Uri, window, workspace } from 'vscode';
import { InputError } from '../../common/errors.js';
import { PUZZLETRON_FILES } from '../../formats/puzzletron.js';
import type { RunView } from '../../protocol/run.js';
import { readRunView } from '../../run/view.js';
import { defaultSpec } from '../../search/run-dir.js';
import { stateText } from '../runs/run-text.js';
import type { Services } from '../services.js';

const SPEC_NAME = /\.puzzle\.json$/;
export const CONFIG_NAME = 'config.json';
/** What a Puzzletron working directory is known by. */
export const PUZZLETRON_LIBRARY = PUZZLETRON_FILES.library;
const MAX_FOUND = 200;
/** Where neither specs nor models of the user's lie. */
const NOT_LOOKED_AT = '**/{node_modules,.puzzle}/**';

export const isSpec = ({ fsPath }: Uri): boolean => SPEC_NAME.test(fsPath);
export const isConfig = ({ fsPath }: Uri): boolean => basename(fsPath) === CONFIG_NAME;

/** Which runs a command is for. */
export interface Wanted {
  accepts: (run: RunView) => boolean;
  /** For the choice among several. */
  title: string;
  /** What to say of a run that is not accepted, or where there is none: "is not running". */
  refusal: string;
}

/**
 * The run that a command is about: the one it was given, the one of the spec in the active editor, the only one that is
 * wanted, or the one that the user picks. Undefined when nothing was picked.
 *
 * @throws InputError when there is none, or it is not in the state that is wanted
 */
export async function runOf(services: Services, argument: unknown, wanted: Wanted): Promise<RunView | undefined> {
  const { runs } = services;
  const dir = runDirOf(services, argument);
  if (dir !== undefined) {
    const run = runs.get(dir) ?? (await readRunView(dir));
    if (!wanted.accepts(run)) throw new InputError(wanted.refusal, run.name);
    return run;
  }
  await runs.look();
  const candidates = runs.all().filter(wanted.accepts);
  const spec = activeUri(isSpec);
  const active = candidates.find((run) => spec !== undefined && run.dir === runs.dirOf(spec.fsPath));
  if (active !== undefined) return active;
  if (candidates.length === 0) throw new InputError(wanted.refusal, l10n.t('every run'));
  return candidates.length === 1 ? candidates[0] : pickRun(candidates, wanted.title);
}

/** The run directory that an argument names, itself or by its spec. */
export function runDirOf({ runs }: Services, argument: unknown): string | undefined {
  if (typeof argument === 'string') return argument;
  if (argument instanceof Uri) return isSpec(argument) ? runs.dirOf(argument.fsPath) : undefined;
  const dir = typeof argument === 'object' && argument !== null && 'dir' in argument ? argument.dir : undefined;
  return typeof dir === 'string' ? dir : undefined;
}

/** What an argument names among files and folders; for a run its spec. */
export function uriOf(argument: unknown, services: Services): Uri | undefined {
  if (argument instanceof Uri) return argument;
  const dir = runDirOf(services, argument);
  return dir === undefined ? undefined : Uri.file(defaultSpec(dir));
}

/** The file in the active editor, or else in one that is to be seen, if it is such a one. */
export function activeUri(is: (uri: Uri) => boolean): Uri | undefined {
  const editors = [window.activeTextEditor, ...window.visibleTextEditors];
  return editors.map((editor) => editor?.document.uri).find((uri) => uri !== undefined && is(uri));
}

async function pickRun(runs: readonly RunView[], title: string): Promise<RunView | undefined> {
  const items = runs.map((run) => ({ label: run.name, description: stateText(run.state), detail: run.dir, run }));
  return (await window.showQuickPick(items, { title }))?.run;
}

/** The specs in the workspace's folders. */
export function findSpecs(): Thenable<Uri[]> {
  return workspace.findFiles('**/*.puzzle.json', NOT_LOOKED_AT, MAX_FOUND);
}

/** The folders in the workspace's folders that hold a model: a config beside weights. */
export async function findModelFolders(): Promise<string[]> {
  const [configs, weights] = await Promise.all(
    [CONFIG_NAME, '*.safetensors'].map((name) => workspace.findFiles(`**/${name}`, NOT_LOOKED_AT, MAX_FOUND)),
  );
  const folders = new Set(weights?.map(({ fsPath }) => dirname(fsPath)));
  return [...new Set(configs?.map(({ fsPath }) => dirname(fsPath)))].filter((dir) => folders.has(dir)).sort();
}

/** The Puzzletron working directories in the workspace's folders. */
export async function findPuzzletronFolders(): Promise<string[]> {
  const found = await workspace.findFiles(`**/${PUZZLETRON_LIBRARY}`, NOT_LOOKED_AT, MAX_FOUND);
  return found.map(({ fsPath }) => dirname(fsPath)).sort();
}

/** For a folder of the workspace that holds a model: its name, where it is, and the config in it. */
export function folderItem(dir: string): QuickPickItem & { uri: Uri } {
  return { label: `$(layers) ${basename(dir)}`, description: placeOf(dir), uri: Uri.file(join(dir, CONFIG_NAME)) };
}

/** The folder in which a file or folder lies, as seen from the workspace; nothing for what lies at the top. */
export function placeOf(path: string): string {
  const relative = dirname(workspace.asRelativePath(path));
  return relative === '.' ? '' : relative;
}
