import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { mkdtemp, rm, symlink } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { it } from 'node:test';
import { promisify } from 'node:util';
import { build } from 'esbuild';

/** Two layers of which one can be kept. */
const PROGRAM = `
  import { solve } from './src/solver/solve.js';
  const choices = [{ name: 'a', score: 1, costs: { m: 0 } }, { name: 'b', score: 0, costs: { m: 1 } }];
  const found = await solve({ layers: [{ choices }, { choices }], nonBlock: {}, limits: [{ cost: 'm', max: 1 }] });
  console.log(JSON.stringify([found.status, found.choices, found.shadowPrices]));
`;

it('the solver finds its WebAssembly when it is part of a bundle', async (t) => {
  const dir = await mkdtemp(join(tmpdir(), 'solver-bundle-'));
  t.after(() => rm(dir, { recursive: true }));
  await symlink(resolve('node_modules'), join(dir, 'node_modules'), 'dir');
  const outfile = join(dir, 'bundle.mjs');
  await build({
    stdin: { contents: PROGRAM, resolveDir: resolve('.') },
    outfile,
    bundle: true,
    platform: 'node',
    format: 'esm',
    target: 'node20',
    // As esbuild.js has it: CommonJS dependencies inside an ES module bundle still call require().
    banner: { js: "import { createRequire as __c } from 'node:module'; const require = __c(import.meta.url);" },
    logLevel: 'silent',
  });
  const { stdout } = await promisify(execFile)(process.execPath, [outfile]);
  assert.deepEqual(JSON.parse(stdout), ['optimal', [0, 1], { m: 1 }]);
});
