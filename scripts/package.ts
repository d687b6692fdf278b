/**
 * Packs the extension for one platform, with that platform's ONNX Runtime and no other.
 *
 *   npm run package                              for the platform at hand
 *   npm run package -- --target win32-x64        for another; --out FILE names the package
 */
import { mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { createVSIX, listFiles } from '@vscode/vsce';
import { InputError, messageOf } from '../src/common/errors.js';
import { writeLicenses } from './licenses.js';

const ROOT = join(import.meta.dirname, '..');
/** Every platform that ONNX Runtime is built for, by the editor's name for it, and where its library lies. */
const RUNTIMES = {
  'darwin-arm64': 'darwin/arm64',
  'linux-arm64': 'linux/arm64',
  'linux-x64': 'linux/x64',
  'win32-arm64': 'win32/arm64',
  'win32-x64': 'win32/x64',
} as const;
type Target = keyof typeof RUNTIMES;

const RUNTIME_DIR = 'node_modules/onnxruntime-node/bin/napi-v6';
const MAX_BYTES = 40 * 2 ** 20;
const MIB = 2 ** 20;

/** Without these the package would install and then not work. */
const NEEDED = [
  'dist/extension.cjs',
  'dist/puzzle.js',
  'dist/worker.js',
  'dist/questions.js',
  'dist/webview.js',
  'examples/stories/text.txt',
  'examples/stories/model/model.safetensors',
  'node_modules/glpk.js/dist/glpk.wasm',
];

function isTarget(name: string): name is Target {
  return name in RUNTIMES;
}

function targetOf(name: string): Target {
  if (isTarget(name)) return name;
  throw new InputError(`there is no ONNX Runtime for ${name}; there is for ${Object.keys(RUNTIMES).join(', ')}`);
}

/** Packs for `target`; returns the file's size in bytes. */
export async function packExtension(target: Target, packagePath: string): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), 'puzzle-package-'));
  try {
    const ignoreFile = join(scratch, 'ignore');
    const common = await readFile(join(ROOT, '.vscodeignore'), 'utf8');
    await writeFile(ignoreFile, `${common}!${RUNTIME_DIR}/${RUNTIMES[target]}/*\n`);
    await writeLicenses(ROOT, join(ROOT, 'dist/third-party-licenses.txt'));
    checkFiles(await listFiles({ cwd: ROOT, ignoreFile }), target);
    await createVSIX({
      ...{ cwd: ROOT, ignoreFile, target, packagePath },
      ...{ allowMissingRepository: true, rewriteRelativeLinks: false },
    });
  } finally {
    await rm(scratch, { recursive: true });
  }
  const { size } = await stat(packagePath);
  if (size > MAX_BYTES) throw new Error(`${packagePath} has ${size} bytes; at most ${MAX_BYTES} are allowed`);
  return size;
}

function checkFiles(files: readonly string[], target: Target): void {
  const needed = [...NEEDED, `${RUNTIME_DIR}/${RUNTIMES[target]}/onnxruntime_binding.node`];
  const missing = needed.filter((file) => !files.includes(file));
  if (missing.length > 0) throw new Error(`the package would lack ${missing.join(', ')}`);
}

try {
  const { values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } });
  const target = targetOf(values.target ?? `${process.platform}-${process.arch}`);
  const { name, version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<string, string>;
  const out = values.out ?? join(ROOT, `${name}-${target}-${version}.vsix`);
  const size = await packExtension(target, out);
  console.log(`${out}  ${(size / MIB).toFixed(1)} MiB`);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = error instanceof InputError ? 2 : 1;
}
