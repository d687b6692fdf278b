/**
 * Packs the extension for one platform, with that platform's native libraries and no others.
 *
 *   npm run package                              for the platform at hand
 *   npm run package -- --target win32-x64        for another; --out FILE names the package
 */
import { existsSync } from 'node:fs';
import { cp, mkdtemp, readFile, rm, stat, writeFile } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { createVSIX } from '@vscode/vsce';
import { InputError, messageOf } from '../src/common/errors.js';
import { writeLicenses } from './licenses.js';

const ROOT = join(import.meta.dirname, '..');
const MIB = 2 ** 20;
const MAX_BYTES = 40_000_000;

/** Every platform that ONNX Runtime is built for, by the editor's name for it, and where its library lies. */
const RUNTIMES = {
  'darwin-arm64': 'darwin/arm64',
  'linux-arm64': 'linux/arm64',
  'linux-x64': 'linux/x64',
  'win32-arm64': 'win32/arm64',
  'win32-x64': 'win32/x64',
} as const;
type Target = keyof typeof RUNTIMES;

/** llama.cpp, where it fits beside the rest. */
const LLAMA_CPP: Partial<Record<Target, string>> = { 'linux-x64': '@node-llama-cpp/linux-x64' };

/** What every package holds. */
const CONTENTS = [
  ...['package.json', 'package.nls.json', 'README.md', 'CHANGELOG.md', 'LICENSE'],
  ...['dist', 'media', 'l10n', 'docs/images', 'examples/stories.puzzle.json', 'examples/stories'],
];
/** What is missing in a checkout where nobody has made it yet. */
const OPTIONAL = ['docs/images'];

/**
 * Of what is copied: maps and types, the large shader compilers that ONNX Runtime may load for a GPU (a device that does not
 * work without them is refused), and llama.cpp's code for rare processors, which take that of their predecessors.
 */
const LEFT_OUT = /\.map$|\.d\.ts$|[/\\](dxcompiler|dxil)\.dll$|cpu-(cannonlake|cooperlake|ivybridge|piledriver)\.so$/;

/** What is packed of the modules that cannot be part of a bundle. */
const modules = (target: Target): string[] => [
  ...['glpk.js/package.json', 'glpk.js/LICENSE', 'glpk.js/dist/glpk.js', 'glpk.js/dist/glpk.wasm'],
  ...['onnxruntime-common/package.json', 'onnxruntime-common/dist/cjs'],
  ...['onnxruntime-node/package.json', 'onnxruntime-node/dist'],
  `onnxruntime-node/bin/napi-v6/${RUNTIMES[target]}`,
  ...[LLAMA_CPP[target] ?? []].flat(),
];

function isTarget(name: string): name is Target {
  return name in RUNTIMES;
}

function targetOf(name: string): Target {
  if (isTarget(name)) return name;
  throw new InputError(`there is no ONNX Runtime for ${name}; there is for ${Object.keys(RUNTIMES).join(', ')}`);
}

/** Lays out in `folder` what a package for `target` holds. */
async function layOut(target: Target, folder: string): Promise<void> {
  const copy = (from: string, to: string) =>
    cp(join(ROOT, from), join(folder, to), { recursive: true, filter: (name) => !LEFT_OUT.test(name) });
  for (const name of CONTENTS) {
    if (existsSync(join(ROOT, name)) || !OPTIONAL.includes(name)) await copy(name, name);
  }
  // Beside the programs, where they find them: at the top vsce wants to know of dependencies from npm.
  for (const name of modules(target)) await copy(`node_modules/${name}`, `dist/node_modules/${name}`);
  await writeLicenses(ROOT, join(folder, 'dist/third-party-licenses.txt'));
}

/** Packs for `target`; returns the file's size in bytes. */
async function packExtension(target: Target, packagePath: string): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), 'puzzle-package-'));
  try {
    const folder = join(scratch, 'extension');
    const ignoreFile = join(scratch, 'ignore-nothing');
    await layOut(target, folder);
    await writeFile(ignoreFile, '');
    await createVSIX({
      ...{ cwd: folder, ignoreFile, target, packagePath, dependencies: false },
      ...{ allowMissingRepository: true, rewriteRelativeLinks: false },
    });
  } finally {
    await rm(scratch, { recursive: true });
  }
  const { size } = await stat(packagePath);
  if (size > MAX_BYTES) throw new Error(`${packagePath} has ${size} bytes; at most ${MAX_BYTES} are allowed`);
  return size;
}

try {
  const { values } = parseArgs({ options: { target: { type: 'string' }, out: { type: 'string' } } });
  const target = targetOf(values.target ?? `${process.platform}-${process.arch}`);
  const { name, version } = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as Record<string, string>;
  const out = resolve(values.out ?? join(ROOT, `${name}-${target}-${version}.vsix`));
  const size = await packExtension(target, out);
  console.log(`${out}  ${(size / MIB).toFixed(1)} MiB`);
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = error instanceof InputError ? 2 : 1;
}
