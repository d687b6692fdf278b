import assert from 'node:assert/strict';
import { readFile, stat, utimes } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'mocha';
import { commands, Uri, window } from 'vscode';
import { processesUnseen } from '../processes.js';
import { extension, services } from './extension.js';
import { startedPrograms } from './processes.js';
import { newSearch } from './searches.js';
import { skip } from './skip.js';
import { until } from '../until.js';

const NATIVE_OR_SOLVER = /onnxruntime|glpk/;

/** The shared libraries and the modules that this process has loaded. */
function loaded(): string[] {
  const { sharedObjects } = process.report.getReport() as { sharedObjects: string[] };
  return [...sharedObjects, ...Object.keys(require.cache)];
}

/** Whether a file's access time tells that it was read. */
async function readsAreSeen(file: string): Promise<boolean> {
  await forgetReads(file);
  await readFile(file);
  return (await stat(file)).atimeMs > 0;
}

const forgetReads = (file: string) => utimes(file, new Date(0), new Date());

describe('activation', () => {
  it('comes of itself, loads no native module, and starts no process', async () => {
    await services();
    assert.deepEqual(
      loaded().filter((name) => NATIVE_OR_SOLVER.test(name)),
      [],
    );
    if (processesUnseen === false) assert.equal(startedPrograms().size, 0);
  });

  it('registers every command of the manifest', async () => {
    await services();
    const { contributes } = extension().packageJSON as { contributes: { commands: { command: string }[] } };
    const registered = new Set(await commands.getCommands(true));
    assert.deepEqual(
      contributes.commands.map(({ command }) => command).filter((command) => !registered.has(command)),
      [],
    );
  });

  it('and the map of a model read no weight, and load nothing native', async function () {
    const { folder } = await newSearch('untouched');
    const weights = join(folder, 'parent/model.safetensors');
    if (!(await readsAreSeen(weights))) skip(this, 'this file system keeps no times of access');
    await forgetReads(weights);
    const config = Uri.file(join(folder, 'parent/config.json'));
    await window.showTextDocument(config);
    await commands.executeCommand('puzzle.showMap', config);
    await until('the map is open', () =>
      window.tabGroups.all
        .flatMap(({ tabs }) => tabs)
        .some(({ label }) => /parent/.test(label) && label !== 'config.json'),
    );
    assert.equal((await stat(weights)).atimeMs, 0);
    assert.deepEqual(
      loaded().filter((name) => NATIVE_OR_SOLVER.test(name)),
      [],
    );
    await commands.executeCommand('workbench.action.closeAllEditors');
  });
});
