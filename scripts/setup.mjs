/**
 * Makes the checkout ready to run: installs the packages of package-lock.json where they are missing or stale, builds
 * dist/, and links node_modules/.bin/puzzle to it so that `npx puzzle …` needs no network. Every run after the first
 * only builds (well under a second). Messages go to stderr: stdout belongs to the command that comes next.
 *
 * Plain Node without packages, because it runs before there are any.
 */
import { spawnSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import {
  chmodSync,
  existsSync,
  lstatSync,
  mkdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const NODE_NEEDED = [20, 19];

const root = dirname(dirname(fileURLToPath(import.meta.url)));
const lockfile = join(root, 'package-lock.json');
const modules = join(root, 'node_modules');
/** Holds the hash of the lockfile that node_modules was installed from. */
const stamp = join(modules, '.puzzle-setup');
/** npm writes this one last, so its presence means that an installation came to its end. */
const npmStamp = join(modules, '.package-lock.json');
const program = join(root, 'dist', 'puzzle.js');

function say(line) {
  process.stderr.write(`setup: ${line}\n`);
}

function fail(line) {
  say(line);
  process.exit(1);
}

function checkNode() {
  const [major, minor] = process.versions.node.split('.').map(Number);
  const [neededMajor, neededMinor] = NODE_NEEDED;
  if (major > neededMajor || (major === neededMajor && minor >= neededMinor)) return;
  fail(`Node ${NODE_NEEDED.join('.')} or later is needed, this is ${process.versions.node}. See https://nodejs.org.`);
}

/** Runs a Node script or a program in the repository root; returns the seconds it took, or stops with `onFailure`. */
function runOrFail(command, args, env, onFailure) {
  const started = Date.now();
  const { status, error } = spawnSync(command, args, {
    cwd: root,
    env: { ...process.env, ...env },
    stdio: ['ignore', 2, 2],
    shell: process.platform === 'win32' && command === 'npm',
  });
  if (error !== undefined) fail(`${onFailure} (${error.message})`);
  if (status !== 0) fail(`${onFailure} (exit status ${String(status)})`);
  return ((Date.now() - started) / 1000).toFixed(1);
}

function packagesAreCurrent(lockHash) {
  if (!existsSync(npmStamp)) return false;
  if (existsSync(stamp)) return readFileSync(stamp, 'utf8') === lockHash;
  return statSync(npmStamp).mtimeMs >= statSync(lockfile).mtimeMs; // installed by a plain `npm ci`
}

function installPackages() {
  const lockHash = createHash('sha256').update(readFileSync(lockfile)).digest('hex');
  if (!packagesAreCurrent(lockHash)) {
    say('installing packages (npm ci), a minute or two');
    const npm = process.env.npm_execpath; // set when npm runs this script: then the same npm installs
    const [command, before] = npm?.endsWith('.js') ? [process.execPath, [npm]] : ['npm', []];
    const seconds = runOrFail(
      command,
      [...before, 'ci', '--no-audit', '--no-fund', '--loglevel=error'],
      // The package ships its CPU library; the script would download CUDA ones that are not used.
      { ONNXRUNTIME_NODE_INSTALL: 'skip' },
      'npm ci failed: the packages of package-lock.json could not be installed. Is the package registry reachable?',
    );
    say(`packages installed in ${seconds} s`);
  }
  writeFileSync(stamp, lockHash);
}

function build() {
  const seconds = runOrFail(process.execPath, ['esbuild.js'], {}, 'the build failed: see the messages above');
  say(`built dist/ in ${seconds} s`);
}

/** npm links the programs of dependencies but not those of the package itself. */
function linkProgram() {
  if (process.platform === 'win32' || !existsSync(program)) return;
  chmodSync(program, 0o755);
  const link = join(modules, '.bin', 'puzzle');
  if (lstatSync(link, { throwIfNoEntry: false })?.isSymbolicLink()) return;
  mkdirSync(dirname(link), { recursive: true });
  rmSync(link, { force: true });
  symlinkSync(join('..', '..', 'dist', 'puzzle.js'), link);
}

checkNode();
installPackages();
build();
linkProgram();
