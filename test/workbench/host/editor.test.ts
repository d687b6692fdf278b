import assert from 'node:assert/strict';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import {
  type CodeLens,
  commands,
  type CompletionList,
  type Diagnostic,
  DiagnosticSeverity,
  type Hover,
  languages,
  type Position,
  Range,
  type TextDocument,
  Uri,
  window,
  workspace,
} from 'vscode';
import { finishedSearch, newSearch } from './searches.js';
import { until } from '../until.js';

const open = async (uri: Uri) => {
  const document = await workspace.openTextDocument(uri);
  await window.showTextDocument(document);
  return document;
};

/** The diagnostics of a file, once one says this. */
const complaint = (uri: Uri, message: RegExp): Promise<Diagnostic> =>
  until(`a diagnostic says ${message.source}`, () =>
    languages.getDiagnostics(uri).find((diagnostic) => message.test(diagnostic.message)),
  );

const quoted = (document: TextDocument, { range }: Diagnostic) => document.getText(range);

const lenses = (uri: Uri, wanted: readonly string[]) =>
  until(`the lenses are ${wanted.join(', ')}`, async () => {
    const found = await commands.executeCommand<CodeLens[]>('vscode.executeCodeLensProvider', uri, 100);
    const titles = found.map(({ command }) => command?.title);
    return wanted.every((title) => titles.includes(title));
  });

/** The position behind the first occurrence of `text`. */
function behind(document: TextDocument, text: string): Position {
  const at = document.getText().indexOf(text);
  assert.ok(at >= 0, `${text} is in the file`);
  return document.positionAt(at + text.length);
}

describe('a spec in the editor', () => {
  it('is completed and explained by the schema', async () => {
    const document = await open((await newSearch('schema', { distil: { tokens: 512 } })).spec);
    assert.equal(document.languageId, 'jsonc');
    await until('"uptrain" is explained, with its fields', async () => {
      const at = behind(document, '"parent');
      const hovers = await commands.executeCommand<Hover[]>('vscode.executeHoverProvider', document.uri, at);
      return hovers.flatMap(({ contents }) => contents).length > 0;
    });
    await until('the fields of "distil" are offered', async () => {
      const at = behind(document, '"distil": {');
      const { items } = await commands.executeCommand<CompletionList>(
        'vscode.executeCompletionItemProvider',
        document.uri,
        at,
      );
      return items.some(({ label }) => (typeof label === 'string' ? label : label.label) === 'learningRate');
    });
    assert.deepEqual(languages.getDiagnostics(document.uri), []);
  });

  it('with an unknown field is told so by the schema', async () => {
    const { spec } = await newSearch('unknown', { wish: 1 });
    await open(spec);
    await complaint(spec, /wish/);
  });

  it('is told what no schema can say, at the place', async () => {
    const { spec } = await newSearch('missing', {
      parent: 'nowhere',
      limits: { memory: '<= plenty' },
    });
    const document = await open(spec);
    assert.match(quoted(document, await complaint(spec, /nowhere/)), /nowhere/);
    assert.match(quoted(document, await complaint(spec, /plenty/)), /plenty/);
  });

  it('is told of KV heads that do not divide', async () => {
    const { spec } = await newSearch('heads', { space: { attention: { kvHeads: [3], linear: false, noOp: true } } });
    await open(spec);
    const { severity } = await complaint(spec, /3/);
    assert.equal(severity, DiagnosticSeverity.Error);
  });

  it('is told of a limit that nothing meets, once there is a run', async () => {
    const { spec } = await finishedSearch();
    const document = await open(spec);
    const editor = await window.showTextDocument(document);
    const at = document.getText().indexOf('<= 97%');
    const range = new Range(document.positionAt(at), document.positionAt(at + '<= 97%'.length));
    await editor.edit((edit) => {
      edit.replace(range, '<= 1%');
    });
    const { range: told } = await complaint(spec, /no architecture/);
    assert.match(document.getText(told), /1%/);
    await commands.executeCommand('workbench.action.files.revert');
    await until('the complaint is gone', () => languages.getDiagnostics(spec).length === 0);
  });

  it('has lenses that start, solve and open', async () => {
    const { spec } = await newSearch('lenses');
    await open(spec);
    await lenses(spec, ['Start search', 'Solve', 'Open panel']);
  });
});

describe('the config of a model in the editor', () => {
  it('has lenses for its map and for a search', async () => {
    const { folder } = await newSearch('config');
    const config = Uri.file(join(folder, 'parent/config.json'));
    await open(config);
    await lenses(config, ['Show architecture map', 'Search…']);
  });
});
