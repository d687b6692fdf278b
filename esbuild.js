import { build } from 'esbuild';
import { existsSync } from 'node:fs';

const watch = false;

/** Node programs: one bundle each. Native modules stay outside the bundle. */
const nodeEntries = {
  puzzle: 'src/cli/main.ts',
  worker: 'src/worker/main.ts',
};

await build({
  entryPoints: Object.fromEntries(Object.entries(nodeEntries).filter(([, file]) => existsSync(file))),
  outdir: 'dist',
  bundle: true,
  platform: 'node',
  format: 'esm',
  target: 'node20',
  sourcemap: true,
  external: ['onnxruntime-node'],
  // CommonJS dependencies inside an ES module bundle still call require().
  banner: {
    js: "#!/usr/bin/env node\nimport { createRequire as __createRequire } from 'node:module';\nconst require = __createRequire(import.meta.url);",
  },
  logLevel: watch ? 'info' : 'warning',
});
