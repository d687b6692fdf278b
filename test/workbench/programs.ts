/**
 * The programs that a real workbench needs: a VS Code server with a Node of its own, and a Chromium. On Debian and Ubuntu
 * what is missing is installed, into folders beside this file; the second time nothing is done.
 */
import { arch, platform } from 'node:os';
import { join } from 'node:path';
import lockfile from 'proper-lockfile';
import { findBrowser } from './find-browser.js';
import { INSTALL_LIMIT_MS, type Unavailable, installPackages, npm } from './install.js';

/** A VS Code server. */
export interface ServerPrograms {
  /** A Node that the server runs under: a newer one than the project's. */
  node: string;
  /** The server's entry script. */
  server: string;
}

export interface WorkbenchPrograms extends ServerPrograms {
  /** A Chromium, Chrome or Edge. */
  browser: string;
}

const SERVER_DIR = join(import.meta.dirname, 'server');
const MODULES = join(SERVER_DIR, 'node_modules');
/** The server calls functions that older ones lack. */
const NODE_MAJOR_NEEDED = 24;
/** For these the server's folder has a Node of its own. */
const PACKAGED_NODES = ['linux-arm64', 'linux-x64'];
const LOCK_RETRY_MS = 1000;
const LOCK_STALE_MS = 30_000;

/** Installs what is missing. */
export async function preparePrograms(): Promise<WorkbenchPrograms | Unavailable> {
  const server = await prepareServer();
  if ('reason' in server) return server;
  const browser = await exclusively(findBrowser);
  return typeof browser === 'string' ? { ...server, browser } : browser;
}

/** The server alone, for who has a browser. */
export async function prepareServer(): Promise<ServerPrograms | Unavailable> {
  const node = serverNode();
  if (typeof node !== 'string') return node;
  await exclusively(() =>
    installPackages(SERVER_DIR, 'the workbench server', () =>
      // Its shrinkwrap does not fit its package.json in every detail, which `npm ci` refuses.
      npm(join(MODULES, 'code-server/lib/vscode'), 'install', '--omit=dev', '--no-save', '--no-package-lock'),
    ),
  );
  return { node, server: join(MODULES, 'code-server/out/node/entry.js') };
}

function serverNode(): string | Unavailable {
  if (platform() === 'win32') return { reason: 'needs Linux or macOS: the workbench server does not run on Windows' };
  const here = `${platform()}-${arch()}`;
  if (PACKAGED_NODES.includes(here)) return join(MODULES, `node-${here}/bin/node`);
  if (Number(process.versions.node.split('.')[0]) >= NODE_MAJOR_NEEDED) return process.execPath;
  return { reason: `needs Node ${NODE_MAJOR_NEEDED} or later here, this is ${process.versions.node}` };
}

/** Several processes may want the same: one of them installs, the others wait. */
async function exclusively<Result>(install: () => Promise<Result>): Promise<Result> {
  const release = await lockfile.lock(SERVER_DIR, {
    lockfilePath: join(import.meta.dirname, '.setup.lock'),
    stale: LOCK_STALE_MS,
    retries: { retries: INSTALL_LIMIT_MS / LOCK_RETRY_MS, factor: 1, minTimeout: LOCK_RETRY_MS },
  });
  try {
    return await install();
  } finally {
    await release();
  }
}
