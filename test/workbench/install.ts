/** Installing what the project does not carry, each into a folder of its own with a lock file. */
import { execFile } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFile, writeFile } from 'node:fs/promises';
import { platform } from 'node:os';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { InputError, messageOf } from '../../src/common/errors.js';

export const INSTALL_LIMIT_MS = 5 * 60 * 1000;

/** Why this machine cannot have a workbench, for a suite's `skip`. */
export interface Unavailable {
  reason: string;
}

/** Installs the packages of `dir` unless they are there already, then does what else the installation needs. */
export async function installPackages(dir: string, what: string, finish?: () => Promise<void>): Promise<void> {
  const stamp = join(dir, 'node_modules/.puzzle-setup');
  const lock = await readFile(join(dir, 'package-lock.json'));
  const hash = createHash('sha256').update(lock).digest('hex');
  if ((await readFile(stamp, 'utf8').catch(() => '')) === hash) return;
  say(`installing ${what}, up to a minute`);
  await npm(dir, 'ci');
  await finish?.();
  await writeFile(stamp, hash);
}

/** Without scripts: nothing is compiled or fetched from elsewhere. */
export async function npm(cwd: string, ...args: string[]): Promise<void> {
  await runInstaller('npm', [...args, '--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error'], cwd);
}

export async function runInstaller(program: string, args: string[], cwd?: string): Promise<void> {
  try {
    await promisify(execFile)(program, args, { cwd, timeout: INSTALL_LIMIT_MS, shell: platform() === 'win32' });
  } catch (error) {
    throw new InputError(`the workbench could not be set up: ${messageOf(error)}`, [program, ...args].join(' '));
  }
}

export async function succeeds(program: string, args: string[]): Promise<boolean> {
  return promisify(execFile)(program, args).then(
    () => true,
    () => false,
  );
}

export function say(line: string): void {
  process.stderr.write(`workbench: ${line}\n`);
}
