import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { build } from 'esbuild';

/** Node programs: one bundle each. Native modules stay outside the bundle. */
const nodeEntries = {
  puzzle: 'src/cli/main.ts',
  worker: 'src/worker/main.ts',
  'example-text': 'examples/text/main.ts',
};

await build({
  entryPoints: nodeEntries,
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  external: ['onnxruntime-node'],
  // Some CommonJS entry points load their parts in a way that cannot be bundled; their ES modules can be.
  mainFields: ['module', 'main'],
  // CommonJS dependencies inside an ES module bundle still call require().
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  logLevel: 'warning',
});

// The example's text is generated, not stored: a few seconds, the same bytes everywhere.
if (!existsSync('examples/stories/text.txt')) {
  execFileSync(process.execPath, ['dist/example-text.js', '--text-only'], { stdio: ['ignore', 2, 2] });
}
