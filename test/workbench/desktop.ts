/**
 * The suite of the extension host in the desktop editor: the oldest one the extension promises to work in, then today's.
 *
 *   npm run test:desktop                          downloads them
 *   npm run test:desktop -- --vscode PROGRAM      one that is there
 */
import { mkdtemp, readFile, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { downloadAndUnzipVSCode, runTests } from '@vscode/test-electron';
import { InputError, messageOf } from '../../src/common/errors.js';
import { prepareHostSuite } from './host-suite.js';

const ROOT = join(import.meta.dirname, '../..');

async function oldestSupported(): Promise<string> {
  const manifest = JSON.parse(await readFile(join(ROOT, 'package.json'), 'utf8')) as { engines: { vscode: string } };
  return manifest.engines.vscode.replace(/^\D+/, '');
}

async function editors(given: string | undefined): Promise<string[]> {
  if (given !== undefined) return [given];
  try {
    return [await downloadAndUnzipVSCode(await oldestSupported()), await downloadAndUnzipVSCode('stable')];
  } catch (error) {
    const hint = 'it needs a connection, or an installed one: npm run test:desktop -- --vscode PROGRAM';
    throw new InputError(`VS Code could not be downloaded (${messageOf(error)}); ${hint}`);
  }
}

/** Returns how many tests failed; one more when the suite did not come to its end. */
async function runIn(vscodeExecutablePath: string): Promise<number> {
  const scratch = await mkdtemp(join(tmpdir(), 'puzzle-desktop-'));
  try {
    const suite = await prepareHostSuite(scratch);
    const ended = await runTests({
      vscodeExecutablePath,
      extensionDevelopmentPath: suite.extension,
      extensionTestsPath: suite.tests,
      extensionTestsEnv: suite.env,
      launchArgs: [suite.folder, '--disable-extensions', '--disable-workspace-trust', '--user-data-dir', scratch],
    }).catch((error: unknown) => messageOf(error));
    const results = await suite.results();
    const failed = results.filter(({ state }) => state === 'failed');
    for (const { title, detail = '' } of failed) console.log(`failed: ${title}\n${detail}`);
    const broken = ended !== 0 && failed.length === 0;
    if (broken) console.log(`the suite did not come to its end: ${String(ended)}`);
    const count = (state: string) => results.filter((result) => result.state === state).length;
    console.log(`${count('passed')} passed, ${failed.length + Number(broken)} failed`);
    return failed.length + Number(broken);
  } finally {
    await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
  }
}

try {
  const { values } = parseArgs({ options: { vscode: { type: 'string' } } });
  if (process.platform === 'linux' && process.env['DISPLAY'] === undefined) {
    throw new InputError('the desktop editor needs a display: on a machine without one, xvfb-run npm run test:desktop');
  }
  let failed = 0;
  for (const editor of await editors(values.vscode)) {
    console.log(editor);
    failed += await runIn(editor);
  }
  process.exitCode = failed > 0 ? 1 : 0;
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = error instanceof InputError ? 2 : 1;
}
