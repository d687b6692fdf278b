import assert from 'node:assert/strict';
import { fileURLToPath } from 'node:url';
import { describe, it } from 'node:test';
import { build } from 'esbuild';

const ROOT = fileURLToPath(new URL('../..', import.meta.url));

describe('the extension host', () => {
  it('is made of no module that trains, solves, or loads a native library', async () => {
    const { metafile } = await build({
      ...{ entryPoints: ['src/extension/main.ts'], bundle: true, write: false, metafile: true, absWorkingDir: ROOT },
      ...{ platform: 'node', format: 'esm', external: ['vscode'], mainFields: ['module', 'main'], logLevel: 'error' },
    });
    const inputs = Object.keys(metafile.inputs);
    assert.ok(inputs.includes('src/extension/panel/search-state.ts'), 'the panel is part of it');
    const heavy = inputs.filter((file) => /^src\/(graph|solver|worker)\/|onnxruntime|glpk|\.node$/.test(file));
    assert.deepEqual(heavy, []);
  });
});
