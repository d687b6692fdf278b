/** What a test needs on disk before the workbench opens. */
import { copyFile, cp, mkdir, readdir, symlink } from 'node:fs/promises';
import { join } from 'node:path';
import { build } from 'esbuild';

export const REPOSITORY = join(import.meta.dirname, '../..');
/** Shared with the checkout; programs are copied, so that a build meanwhile changes nothing and a test may break them. */
const LINKED = ['media', 'node_modules', 'examples', 'l10n'];
const COPIED = ['package.json', 'package.nls.json', 'README.md'];

/** Lays the extension of this checkout, as built, into `dir`. */
export async function stageExtension(dir: string): Promise<string> {
  await mkdir(join(dir, 'dist'), { recursive: true });
  const present = await readdir(REPOSITORY);
  for (const name of LINKED.filter((name) => present.includes(name))) {
    await symlink(join(REPOSITORY, name), join(dir, name));
  }
  for (const name of COPIED.filter((name) => present.includes(name))) {
    await copyFile(join(REPOSITORY, name), join(dir, name));
  }
  await cp(join(REPOSITORY, 'dist'), join(dir, 'dist'), { recursive: true });
  return dir;
}

/** Bundles the suite of the extension host, a file per test file, into `dist/test` of the staged extension. */
export async function buildHostSuite(extensionDir: string): Promise<string> {
  const source = join(import.meta.dirname, 'host');
  const names = (await readdir(source)).filter((name) => name.endsWith('.test.ts'));
  const outdir = join(extensionDir, 'dist/test');
  const programs = ['runner.ts', ...names].map((name) => join(source, name));
  await bundleForHost(programs, outdir);
  return join(outdir, 'runner.cjs');
}

/** Bundles programs that run in an extension host, each as `NAME.cjs` in `outdir`. */
export async function bundleForHost(entryPoints: string[], outdir: string): Promise<void> {
  await build({
    entryPoints,
    outdir,
    bundle: true,
    platform: 'node',
    format: 'cjs',
    target: 'node20',
    outExtension: { '.js': '.cjs' },
    external: ['vscode', 'mocha'],
    sourcemap: 'inline',
    logLevel: 'warning',
  });
}
