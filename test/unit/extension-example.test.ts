import assert from 'node:assert/strict';
import { cp, mkdir, readdir, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { exampleSpec, exampleText } from '../../src/extension/wizard/example.js';
import { readSpec, resolveSpec } from '../../src/search/spec.js';
import { temporaryDirectory } from '../support/run-process.js';

describe('the example of the extension', () => {
  it('is copied whole, once, so that a search of it can start', async (test) => {
    const storage = join(await temporaryDirectory(test), 'storage');
    const copies = await Promise.all([exampleSpec('.', storage), exampleSpec('.', storage)]);
    assert.equal(copies[0], copies[1]);
    assert.deepEqual(await readdir(storage), ['example']);
    const spec = resolveSpec(await readSpec(copies[0]), copies[0]);
    assert.ok((await readdir(spec.parent)).includes('model.safetensors'));
    const text = await exampleText('.', storage);
    assert.deepEqual(spec.data.text, [text]);
    assert.ok((await readFile(text)).length > 1e6);

    await writeFile(copies[0], '{}');
    assert.equal(await exampleSpec('.', storage), copies[0]);
    assert.equal(await readFile(copies[0], 'utf8'), '{}');
  });

  it('makes its text where the extension comes without', async (test) => {
    const home = await temporaryDirectory(test);
    const extension = join(home, 'extension');
    await mkdir(join(extension, 'examples', 'stories', 'tasks'), { recursive: true });
    await cp('examples/stories.puzzle.json', join(extension, 'examples', 'stories.puzzle.json'));
    await cp('dist', join(extension, 'dist'), { recursive: true });
    await writeFile(join(extension, 'package.json'), '{"type": "module"}');
    const text = await exampleText(extension, join(home, 'storage'));
    assert.ok((await readFile('examples/stories/text.txt')).equals(await readFile(text)));
  });
});
