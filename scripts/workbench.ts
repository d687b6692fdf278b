/**
 * Opens the real workbench on the example, for people without VS Code: prints an address for a browser on this machine and
 * serves until Ctrl-C.
 *
 *   npm run workbench                  on the example
 *   npm run workbench -- FOLDER        on a folder of your own
 */
import { once } from 'node:events';
import { mkdtemp } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join, resolve } from 'node:path';
import { messageOf } from '../src/common/errors.js';
import { prepareServer } from '../test/workbench/programs.js';
import { discard, startServer } from '../test/workbench/server.js';
import { workbenchUrl } from '../test/workbench/workbench.js';

const ROOT = join(import.meta.dirname, '..');

/** Listens on: under npm a Ctrl-C comes twice, and the second must not cut the end short. */
const asked = new Promise((done) => process.on('SIGINT', done).on('SIGTERM', done));

async function serve(folder: string): Promise<void> {
  const programs = await prepareServer();
  if ('reason' in programs) throw new Error(`there can be no workbench here: it ${programs.reason}`);
  const scratch = await mkdtemp(join(tmpdir(), 'puzzle-workbench-'));
  const server = await startServer(programs, { scratch });
  try {
    console.log(`${workbenchUrl(server.address, { folder, extension: ROOT })}\n`);
    console.log('Open this address in a browser on this machine. Ctrl-C ends the workbench; searches go on.');
    await Promise.race([asked, once(server.process, 'exit')]);
  } finally {
    await discard(server, scratch);
  }
}

try {
  await serve(resolve(process.argv[2] ?? join(ROOT, 'examples')));
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
