import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { Panel } from '../panel.js';
import { type Search, writeSearch } from '../searches.js';
import { describeInWorkbench } from '../session.js';
import { REPOSITORY } from '../stage.js';

const PACK = join(REPOSITORY, 'scripts/package.ts');
let search: Search;

await describeInWorkbench(
  'the packaged extension, in a clean profile',
  {
    prepare: async ({ folder }) => {
      search = await writeSearch(folder);
    },
    open: async ({ folder }) => {
      const file = join(dirname(folder), 'packaged.vsix');
      await promisify(execFile)(process.execPath, ['--import', 'tsx', PACK, '--out', file], { cwd: REPOSITORY });
      return { folder, extensions: [file] };
    },
  },
  (session) => {
    const panel = () => new Panel(session.workbench.webview());

    session.test('shows the map of a model', async () => {
      await session.workbench.openFile('parent/config.json');
      await session.workbench.runCommand('Puzzle: Show Architecture Map');
      assert.equal((await panel().architecture()).length, 3);
    });

    session.test('opens the example', async () => {
      await session.workbench.runCommand('Puzzle: Open the Example');
      await session.workbench.tab('stories.puzzle.json').waitFor();
      await session.workbench.runCommand('View: Close All Editors');
    });

    session.test('searches, with the ONNX Runtime and the solver that it holds', async () => {
      const { workbench } = session;
      await workbench.openFile('tiny.puzzle.json');
      await workbench.runCommand('Puzzle: Start Search…');
      await panel()
        .condition(/^Finished in/)
        .waitFor();
      await panel().solution().waitFor();
      assert.ok(existsSync(join(search.run, 'child/model.safetensors')));
      await workbench.screenshot('packaged-finished');
    });

    session.test('asks nothing of anybody outside', () => {
      assert.deepEqual(session.workbench.outsideRequests, []);
      return Promise.resolve();
    });
  },
);
