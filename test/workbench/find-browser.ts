/** A Chrome, Chromium or Edge: one that is there, or else one that is installed now. */
import { existsSync } from 'node:fs';
import { access, constants } from 'node:fs/promises';
import { arch, platform } from 'node:os';
import { delimiter, join } from 'node:path';
import { InputError } from '../../src/common/errors.js';
import { type Unavailable, runInstaller, say, succeeds } from './install.js';
import { packagedBrowser } from './packaged-browser.js';

const NAMES = ['google-chrome', 'google-chrome-stable', 'chromium', 'chromium-browser', 'microsoft-edge'];
/** Where installers put it that leave the PATH alone. */
const FILES = [
  '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
  '/Applications/Chromium.app/Contents/MacOS/Chromium',
  'C:\\Program Files\\Google\\Chrome\\Application\\chrome.exe',
  'C:\\Program Files (x86)\\Microsoft\\Edge\\Application\\msedge.exe',
];

/** PUZZLE_BROWSER, a browser of this machine, Debian's package where we may install it, or one from a package of npm's. */
export async function findBrowser(): Promise<string | Unavailable> {
  const chosen = process.env['PUZZLE_BROWSER'];
  if (chosen !== undefined) {
    if (await isExecutable(chosen)) return chosen;
    throw new InputError('PUZZLE_BROWSER names no program that can be run', chosen);
  }
  const installed = (await installedBrowser()) ?? (await debianBrowser());
  if (installed !== undefined) return installed;
  if (platform() === 'linux' && arch() === 'x64') return packagedBrowser();
  return { reason: 'needs Chrome or Chromium, and there is neither' };
}

async function installedBrowser(): Promise<string | undefined> {
  const onPath = (process.env['PATH'] ?? '').split(delimiter);
  for (const file of [...NAMES.flatMap((name) => onPath.map((dir) => join(dir, name))), ...FILES]) {
    if (await isExecutable(file)) return file;
  }
  return undefined;
}

/** Undefined where there is no such package (on Ubuntu it is another kind), or where only an administrator may install. */
async function debianBrowser(): Promise<string | undefined> {
  if (!existsSync('/etc/debian_version')) return undefined;
  const isRoot = process.getuid?.() === 0;
  if (!isRoot && !(await succeeds('sudo', ['-n', 'true']))) return undefined;
  const apt = (...args: string[]): [string, string[]] => {
    const command = ['env', 'DEBIAN_FRONTEND=noninteractive', 'apt-get', '-qq', ...args];
    return isRoot ? ['env', command.slice(1)] : ['sudo', ['-n', ...command]];
  };
  await runInstaller(...apt('update'));
  if (!(await succeeds('apt-get', ['-qq', '--simulate', 'install', 'chromium']))) return undefined;
  say('installing Chromium');
  await runInstaller(...apt('install', '--yes', '--no-install-recommends', 'chromium'));
  return installedBrowser();
}

async function isExecutable(file: string): Promise<boolean> {
  return access(file, constants.X_OK).then(
    () => true,
    () => false,
  );
}
