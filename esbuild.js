import { execFileSync } from 'node:child_process';
import { existsSync, readdirSync, rmSync } from 'node:fs';
import { build } from 'esbuild';

const shared = { outdir: 'dist', bundle: true, sourcemap: true, logLevel: 'warning' };

// Chunks are named by their content: those of earlier builds would stay for ever.
for (const name of existsSync('dist') ? readdirSync('dist') : []) if (name.startsWith('chunk-')) rmSync(`dist/${name}`);

/**
 * Node programs, with what they share, and what they load on demand only, in chunks beside them. Native modules stay
 * outside the bundles.
 */
const programs = build({
  ...shared,
  entryPoints: {
    puzzle: 'src/cli/main.ts',
    worker: 'src/worker/main.ts',
    questions: 'src/worker/questions-main.ts',
    'llama-cpp': 'src/target/llama-cpp/process.ts',
    'try-device': 'src/target/try-device.ts',
    'example-text': 'examples/text/main.ts',
  },
  platform: 'node',
  format: 'esm',
  target: 'node20',
  splitting: true,
  chunkNames: 'chunk-[hash]',
  external: ['onnxruntime-node'],
  // Some CommonJS entry points load their parts in a way that cannot be bundled; their ES modules can be.
  mainFields: ['module', 'main'],
  // CommonJS dependencies inside an ES module bundle still call require().
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
});

/** What the editor loads at activation is small; what it starts is a file of its own, loaded on demand. */
const startOnDemand = {
  name: 'start on demand',
  setup: ({ onResolve }) =>
    onResolve({ filter: /^\.\/start\.js$/ }, ({ kind }) =>
      kind === 'dynamic-import' ? { path: './extension-start.cjs', external: true } : undefined,
    ),
};
const extension = build({
  ...shared,
  entryPoints: { extension: 'src/extension/main.ts', 'extension-start': 'src/extension/start.ts' },
  platform: 'node',
  format: 'cjs',
  outExtension: { '.js': '.cjs' },
  target: 'node20',
  external: ['vscode'],
  mainFields: ['module', 'main'],
  plugins: [startOnDemand],
  // By require(), for which alone the editor has a module named vscode.
  supported: { 'dynamic-import': false },
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
