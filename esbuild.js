import { execFileSync } from 'node:child_process';
import { existsSync } from 'node:fs';
import { build } from 'esbuild';

const shared = { outdir: 'dist', bundle: true, sourcemap: true, logLevel: 'warning' };

/** Node programs: one bundle each. Native modules stay outside the bundle. */
const programs = build({
  ...shared,
  entryPoints: {
    puzzle: 'src/cli/main.ts',
    worker: 'src/worker/main.ts',
    questions: 'src/worker/questions-main.ts',
    'example-text': 'examples/text/main.ts',
  },
  platform: 'node',
  format: 'esm',
  target: 'node20',
  external: ['onnxruntime-node'],
  // Some CommonJS entry points load their parts in a way that cannot be bundled; their ES modules can be.
  mainFields: ['module', 'main'],
  // CommonJS dependencies inside an ES module bundle still call require().
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
});

/** What the editor loads at activation, in the module format it expects; the rest in chunks of their own, on demand. */
const extension = build({
  ...shared,
  entryPoints: { extension: 'src/extension/main.ts' },
  platform: 'node',
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  target: 'node20',
  external: ['vscode'],
  mainFields: ['module', 'main'],
});

const webview = build({
  ...shared,
  entryPoints: { webview: 'webview/main.tsx' },
  platform: 'browser',
  format: 'esm',
  target: 'es2022',
  jsx: 'automatic',
  jsxImportSource: 'preact',
  minify: true,
  loader: { '.ttf': 'file' },
});

await Promise.all([programs, extension, webview]);

// The example's text is generated, not stored: a few seconds, the same bytes everywhere.
if (!existsSync('examples/stories/text.txt')) {
  execFileSync(process.execPath, ['dist/example-text.js', '--text-only'], { stdio: ['ignore', 2, 2] });
}
