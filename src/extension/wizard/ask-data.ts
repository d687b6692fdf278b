import { basename } from 'node:path';
import { l10n, type QuickPickItem, QuickPickItemKind, type Uri, window, workspace } from 'vscode';
import { placeOf } from '../commands/targets.js';
import type { Services } from '../services.js';
import { exampleText } from './example.js';

const MAX_FOUND = 50;
const NOT_LOOKED_AT = '**/{node_modules,.puzzle}/**';

/** An answer, or how to come by one; undefined when the user thinks better of it. */
interface Choice extends QuickPickItem {
  choose?: () => PromiseLike<string[] | undefined>;
}

const separator = (label: string): Choice => ({ label, kind: QuickPickItemKind.Separator });

/** Asks for the text to train on: absolute paths of files or of one folder. */
export async function askText({ extensionUri, storageUri }: Services, model: string): Promise<string[] | undefined> {
  const found = await workspace.findFiles('**/*.txt', NOT_LOOKED_AT, MAX_FOUND);
  const example = async () => [await exampleText(extensionUri.fsPath, storageUri.fsPath)];
  return ask(l10n.t('What text should the child of {0} learn from?', basename(model)), [
    ...(found.length > 0 ? [separator(l10n.t('In the workspace'))] : []),
    ...found.map(fileChoice),
    separator(l10n.t('Elsewhere')),
    ...browseChoices(['txt', 'jsonl']),
    separator(l10n.t('To try it out')),
    {
      label: `$(rocket) ${l10n.t('The stories of the example')}`,
      detail: l10n.t('For a first look only: text like what the model will read gives a better child.'),
      choose: example,
    },
  ]);
}

/** Asks for multiple-choice tasks to be evaluated on: absolute paths, none of them if there are no tasks. */
export async function askTasks(): Promise<string[] | undefined> {
  const found = await workspace.findFiles('**/tasks/*.jsonl', NOT_LOOKED_AT, MAX_FOUND);
  return ask(l10n.t('Which tasks should parent and child be compared on?'), [
    {
      label: `$(dash) ${l10n.t('No tasks')}`,
      detail: l10n.t('They are compared on text and by the clock.'),
      choose: () => Promise.resolve([]),
    },
    ...(found.length > 0 ? [separator(l10n.t('In the workspace'))] : []),
    ...found.map(fileChoice),
    separator(l10n.t('Elsewhere: lines of {"context", "choices", "answer"}')),
    ...browseChoices(['jsonl']),
  ]);
}

async function ask(title: string, choices: readonly Choice[]): Promise<string[] | undefined> {
  const picked = await window.showQuickPick(choices, { title, matchOnDescription: true });
  return picked?.choose?.();
}

function fileChoice({ fsPath }: Uri): Choice {
  return {
    label: `$(file) ${basename(fsPath)}`,
    description: placeOf(fsPath),
    choose: () => Promise.resolve([fsPath]),
  };
}

function browseChoices(extensions: string[]): Choice[] {
  return [
    {
      label: `$(file) ${l10n.t('Files…')}`,
      choose: () => browse({ canSelectMany: true, filters: { [extensions.join(', ')]: extensions } }),
    },
    {
      label: `$(folder) ${l10n.t('A folder…')}`,
      choose: () => browse({ canSelectFiles: false, canSelectFolders: true }),
    },
  ];
}

async function browse(options: Parameters<typeof window.showOpenDialog>[0]): Promise<string[] | undefined> {
  return (await window.showOpenDialog({ ...options, openLabel: l10n.t('Take') }))?.map(({ fsPath }) => fsPath);
}
