import { l10n, ProgressLocation, Uri, window } from 'vscode';
import type { Handler } from '../commands/handler.js';
import type { Services } from '../services.js';
import { exampleSpec } from './example.js';
import { startSpec } from './start-spec.js';

async function example({ extensionUri, storageUri }: Services): Promise<Uri> {
  const title = l10n.t('Puzzle: preparing the example');
  const file = await window.withProgress({ location: ProgressLocation.Window, title }, () =>
    exampleSpec(extensionUri.fsPath, storageUri.fsPath),
  );
  return Uri.file(file);
}

export const openExample: Handler = async (services) => {
  await window.showTextDocument(await example(services), { preview: false });
};

export const runExample: Handler = async (services) => {
  await startSpec(services, await example(services));
};
