/** A VS Code server of its own for each use: fresh profile, free port, gone with everything it started. */
import { type ChildProcess, execFile, spawn } from 'node:child_process';
import { once } from 'node:events';
import { createWriteStream } from 'node:fs';
import { mkdir, rm, writeFile } from 'node:fs/promises';
import { createServer } from 'node:net';
import type { AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { promisify } from 'node:util';
import { endGroup } from './processes.js';
import type { ServerPrograms } from './programs.js';

const START_LIMIT_MS = 120_000;
const POLL_MS = 100;
const STOP_LIMIT_MS = 5000;
const HOST = '127.0.0.1';

/** Nothing asks, nothing calls home, nothing opens by itself. */
const SETTINGS = {
  'workbench.startupEditor': 'none',
  'workbench.colorTheme': 'Default Light Modern',
  'window.autoDetectColorScheme': false,
  'workbench.enableExperiments': false,
  'workbench.tips.enabled': false,
  'workbench.secondarySideBar.defaultVisibility': 'hidden',
  'telemetry.telemetryLevel': 'off',
  'security.workspace.trust.enabled': false,
  'extensions.autoCheckUpdates': false,
  'extensions.autoUpdate': 'off',
  'extensions.ignoreRecommendations': true,
  'update.mode': 'none',
  'chat.disableAIFeatures': true,
  'chat.commandCenter.enabled': false,
  'git.enabled': false,
};

export interface ServerOptions {
  /** An empty folder for the profile and the log. */
  scratch: string;
  settings?: Record<string, unknown>;
  /** Environment of the server, its extension hosts and what they start. */
  env?: Record<string, string>;
  /** Packages to install into the profile. */
  extensions?: readonly string[];
}

export interface WorkbenchServer {
  /** `127.0.0.1:4321`: also the authority of its remote files. */
  address: string;
  /** What the server and its extension hosts wrote. */
  logFile: string;
  process: ChildProcess;
  stop: () => Promise<void>;
}

/** Resolves when the workbench page is served. Rejects with the end of the log when that takes too long. */
export async function startServer(
  programs: ServerPrograms,
  { scratch, settings = {}, env = {}, extensions = [] }: ServerOptions,
): Promise<WorkbenchServer> {
  const address = `${HOST}:${await freePort()}`;
  const profile = await writeProfile(scratch, settings);
  const environment = { ...inheritedEnvironment(), ...env };
  for (const vsix of extensions) {
    const args = [programs.server, ...profile, '--install-extension', vsix];
    await promisify(execFile)(programs.node, args, { env: environment });
  }
  const server = spawn(programs.node, [programs.server, ...profile, ...serverArguments(address)], {
    env: environment,
    stdio: ['ignore', 'pipe', 'pipe'],
    detached: true, // leads a process group, which is ended as a whole
  });
  const logFile = join(scratch, 'server.log');
  const log = createWriteStream(logFile);
  server.stdout.pipe(log);
  server.stderr.pipe(log);
  // Also when this process is ended in the middle of its work.
  const endWithThis = () => {
    endGroup(server.pid, 'SIGKILL');
  };
  process.once('exit', endWithThis);
  const stop = async () => {
    await stopGroup(server);
    process.off('exit', endWithThis);
  };
  try {
    await waitUntilServed(server, address);
  } catch (error) {
    await stop();
    throw new Error(`the workbench server did not start, see ${logFile}`, { cause: error });
  }
  return { address, logFile, process: server, stop };
}

async function freePort(): Promise<number> {
  const probe = createServer().listen(0, HOST);
  await once(probe, 'listening');
  const { port } = probe.address() as AddressInfo;
  probe.close();
  await once(probe, 'close');
  return port;
}

/** The flags that name the profile. */
async function writeProfile(scratch: string, settings: Record<string, unknown>): Promise<string[]> {
  const [data, extensions] = [join(scratch, 'profile'), join(scratch, 'extensions')];
  const config = join(scratch, 'server.yaml');
  await mkdir(join(data, 'User'), { recursive: true });
  await mkdir(extensions, { recursive: true });
  await writeFile(join(data, 'User/settings.json'), JSON.stringify({ ...SETTINGS, ...settings }));
  await writeFile(config, 'auth: none\n');
  return ['--config', config, '--user-data-dir', data, '--extensions-dir', extensions];
}

/** Without the variables of an outer npm or editor, which would reach the extension host. */
function inheritedEnvironment(): NodeJS.ProcessEnv {
  const entries = Object.entries(process.env).filter(([name]) => !/^(PORT$|VSCODE_|npm_|NODE_)/.test(name));
  return { ...Object.fromEntries(entries), EXTENSIONS_GALLERY: '{"serviceUrl":""}' };
}

function serverArguments(address: string): string[] {
  return [
    ...['--auth', 'none', '--bind-addr', address],
    '--disable-telemetry',
    '--disable-update-check',
    '--disable-workspace-trust',
    '--disable-getting-started-override',
    '--ignore-last-opened',
    // A built workbench ignores the extension under development and its tests without this.
    ...['--vscode-option', 'enable-smoke-test-driver'],
  ];
}

async function waitUntilServed(server: ChildProcess, address: string): Promise<void> {
  const deadline = performance.now() + START_LIMIT_MS;
  for (;;) {
    // The page itself: the health address answers even where the editor behind it is broken.
    const served = await fetch(`http://${address}/`).then(
      (response) => response.ok,
      () => false,
    );
    if (served) return;
    if (server.exitCode !== null) throw new Error(`it ended with status ${server.exitCode}`);
    if (performance.now() > deadline) throw new Error(`no answer within ${START_LIMIT_MS} ms`);
    await sleep(POLL_MS);
  }
}

async function stopGroup(server: ChildProcess): Promise<void> {
  if (server.exitCode !== null || server.signalCode !== null) return;
  const ended = once(server, 'exit');
  endGroup(server.pid, 'SIGTERM');
  const late = await Promise.race([ended.then(() => false), sleep(STOP_LIMIT_MS, true, { ref: false })]);
  if (late) endGroup(server.pid, 'SIGKILL');
  await ended;
}

/** Ends what a test left, profile included. */
export async function discard(server: WorkbenchServer, scratch: string): Promise<void> {
  await server.stop();
  await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
}
