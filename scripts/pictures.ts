/**
 * Takes the pictures of the README in the real workbench, on the example after its search (`npm start`).
 *
 *   npm run pictures
 */
import { existsSync } from 'node:fs';
import { mkdir } from 'node:fs/promises';
import { join } from 'node:path';
import { messageOf } from '../src/common/errors.js';
import { Panel } from '../test/workbench/panel.js';
import { preparePrograms } from '../test/workbench/programs.js';
import { Workbench } from '../test/workbench/workbench.js';

const ROOT = join(import.meta.dirname, '..');
const EXAMPLES = join(ROOT, 'examples');
const IMAGES = join(ROOT, 'docs/images');
const VIEWPORT = { width: 1440, height: 960 };
const SETTINGS = { 'workbench.colorTheme': 'Default Dark Modern', 'editor.minimap.enabled': false };

async function takePictures(): Promise<void> {
  const programs = await preparePrograms();
  if ('reason' in programs) throw new Error(`there can be no workbench here: it ${programs.reason}`);
  const workbench = await Workbench.open(programs, {
    ...{ folder: EXAMPLES, extension: ROOT, viewport: VIEWPORT, settings: SETTINGS },
  });
  const picture = (name: string) => workbench.page.screenshot({ path: join(IMAGES, `${name}.png`) });
  try {
    const panel = new Panel(workbench.webview());
    await workbench.openFile('stories.puzzle.json');
    await workbench.runCommand('Puzzle: Open Search Panel');
    await panel.condition(/^Finished in/).waitFor();
    await panel.solution().waitFor();
    await workbench.runCommand('View: Close Primary Side Bar');
    await workbench.lens('Open panel').waitFor();
    await panel.layer(0).hover();
    await picture('panel');
    await panel.section('Loss curves').scrollIntoViewIfNeeded();
    await picture('curves');
    await workbench.runCommand('View: Close All Editors');
    await workbench.openFile('.puzzle/stories/child/config.json');
    await workbench.runCommand('Puzzle: Show Architecture Map');
    await panel.layer(3).click();
    await picture('config-map');
  } finally {
    await workbench.close();
  }
}

async function main(): Promise<void> {
  if (!existsSync(join(EXAMPLES, '.puzzle/stories/report.json'))) {
    throw new Error('the example has no finished search; make one with: npm start');
  }
  await mkdir(IMAGES, { recursive: true });
  await takePictures();
}

try {
  await main();
} catch (error) {
  console.error(messageOf(error));
  process.exitCode = 1;
}
