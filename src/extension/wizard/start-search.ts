import { basename, dirname, join } from 'node:path';
import { existsSync } from 'node:fs';
import { readdir } from 'node:fs/promises';
import { l10n, type QuickPickItem, QuickPickItemKind, type Uri, window } from 'vscode';
import { InputError } from '../../common/errors.js';
import type { Handler } from '../commands/handler.js';
import {
  activeUri,
  CONFIG_NAME,
  findModelFolders,
  findSpecs,
  folderItem,
  isSpec,
  placeOf,
  uriOf,
} from '../commands/targets.js';
import type { Services } from '../services.js';
import { requireTrust } from '../trust.js';
import { runExample } from './example-commands.js';
import { newSearch } from './new-search.js';
import { startSpec } from './start-spec.js';

/** Starts the search of a spec; of a model, after having asked for what a spec needs. */
export const startSearch: Handler = async (services, argument) => {
  requireTrust();
  const given = uriOf(argument, services) ?? activeUri(isSpec);
  if (given === undefined) await (await pickStart())?.(services);
  else if (isSpec(given)) await startSpec(services, given);
  else await startModel(services, given);
};

/** @param uri a folder, or the config in it */
async function startModel(services: Services, uri: Uri): Promise<void> {
  const folder = basename(uri.fsPath) === CONFIG_NAME ? dirname(uri.fsPath) : uri.fsPath;
  if (!existsSync(join(folder, CONFIG_NAME))) {
    throw new InputError(l10n.t('holds no config.json; give the folder of a model, or a *.puzzle.json file'), folder);
  }
  const names = await readdir(folder);
  if (!names.some((name) => name.endsWith('.safetensors'))) {
    throw new InputError(l10n.t('holds no *.safetensors: a search needs the weights of its parent'), folder);
  }
  const spec = await newSearch(services, folder);
  if (spec !== undefined) await startSpec(services, spec);
}

type Start = (services: Services) => Promise<void>;

/** Specs and models of the workspace, the example, and any other model. */
async function pickStart(): Promise<Start | undefined> {
  const [specs, folders] = await Promise.all([findSpecs(), findModelFolders()]);
  const heading = (label: string) => ({ label, kind: QuickPickItemKind.Separator });
  const items: (QuickPickItem & { start?: Start })[] = [
    ...(specs.length > 0 ? [heading(l10n.t('Specs'))] : []),
    ...specs.map((uri) => ({
      label: `$(play) ${basename(uri.fsPath)}`,
      description: placeOf(uri.fsPath),
      start: (services: Services) => startSpec(services, uri),
    })),
    heading(l10n.t('Models')),
    ...folders.map((dir) => {
      const item = folderItem(dir);
      return { ...item, start: (services: Services) => startModel(services, item.uri) };
    }),
    { label: `$(folder) ${l10n.t('Another model…')}`, start: browse },
    heading(l10n.t('Example')),
    {
      label: `$(rocket) ${l10n.t('The example: a small model that tells stories')}`,
      start: (all) => runExample(all, null),
    },
  ];
  const title = l10n.t('What should a smaller, faster model be searched for?');
  return (await window.showQuickPick(items, { title, matchOnDescription: true }))?.start;
}

async function browse(services: Services): Promise<void> {
  const [folder] =
    (await window.showOpenDialog({
      ...{ canSelectFiles: false, canSelectFolders: true },
      title: l10n.t('The folder of a trained model: config.json, weights, tokenizer'),
      openLabel: l10n.t('Search a Child'),
    })) ?? [];
  if (folder !== undefined) await startModel(services, folder);
}
