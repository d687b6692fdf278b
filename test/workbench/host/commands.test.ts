import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { rename } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'mocha';
import { commands, env, Uri, window } from 'vscode';
import type { CommandId } from '../../../src/extension/manifest/commands.js';
import { puzzletronFiles, writePuzzletron } from '../../support/puzzletron-directory.js';
import { ENDLESS } from '../endless.js';
import { extension, services } from './extension.js';
import { copyOf, finishedSearch, isAt, newSearch, reaches, type Search } from './searches.js';
import { until } from '../until.js';
import { withUser } from './user.js';

interface Behaviour {
  /** Gives the command, and checks what came of it. */
  whenUp: () => Promise<void>;
  /** The same without the worker that answers questions; absent: nothing is different. */
  whenDown?: () => Promise<void>;
}

const give = (command: CommandId, ...args: unknown[]) => commands.executeCommand(command, ...args);

/** The label of the tab in front, once it is such a one. */
const tab = (label: RegExp) =>
  until(`a tab is called ${label.source}`, () =>
    window.tabGroups.all.flatMap(({ tabs }) => tabs).find((candidate) => label.test(candidate.label)),
  );

async function stopped(search: Search): Promise<void> {
  await give('puzzle.cancel', search.dir);
  await reaches(search, 'cancelled');
}

/** The command fails, and says so with a way to start the worker again. */
async function tellsOfTheWorker(command: CommandId, answers: Parameters<typeof withUser>[0] = []): Promise<void> {
  const { dir } = await finishedSearch();
  await withUser(answers, async ({ told }) => {
    await give(command, dir);
    assert.match(told.join('\n'), /the worker/);
  });
}

/** Every command: what it does with the worker, and without it. */
const BEHAVIOURS: Readonly<Record<CommandId, Behaviour>> = {
  'puzzle.startSearch': {
    whenUp: async () => {
      const search = await newSearch('start-up', ENDLESS);
      await give('puzzle.startSearch', search.spec);
      await reaches(search, 'running');
      await stopped(search);
    },
    whenDown: async () => {
      const search = await newSearch('start-down', ENDLESS);
      await withUser([undefined], async ({ told }) => {
        await give('puzzle.startSearch', search.spec);
        assert.match(told.join(), /checks before the start could not be made/);
        assert.ok(!existsSync(search.dir), 'it is not started unasked');
      });
      await withUser(['Start Anyway'], () => give('puzzle.startSearch', search.spec));
      await reaches(search, 'running');
      await stopped(search);
    },
  },
  'puzzle.pause': {
    whenUp: async () => {
      const search = await newSearch(`pause-${Date.now()}`, ENDLESS);
      await (await services()).runs.start(search.spec.fsPath);
      await isAt(search, 'uptrain');
      await give('puzzle.pause', search.dir);
      await reaches(search, 'paused');
      await stopped(search);
    },
  },
  'puzzle.resume': {
    whenUp: async () => {
      const search = await newSearch(`resume-${Date.now()}`, ENDLESS);
      await (await services()).runs.start(search.spec.fsPath);
      await stopped(search);
      await give('puzzle.resume', search.dir);
      await reaches(search, 'running');
      await stopped(search);
    },
  },
  'puzzle.cancel': {
    whenUp: async () => {
      const { dir } = await finishedSearch();
      await withUser(['Copy Details'], async ({ told }) => {
        await give('puzzle.cancel', dir);
        assert.match(told.join(), /is not running/);
      });
      await until('the message is copied', async () => /is not running/.test(await env.clipboard.readText()));
    },
  },
  'puzzle.openPanel': {
    whenUp: async () => {
      await give('puzzle.openPanel', (await finishedSearch()).spec);
      await tab(/^Puzzle: tiny$/);
    },
  },
  'puzzle.showMap': {
    whenUp: async () => {
      const { folder } = await finishedSearch();
      await give('puzzle.showMap', Uri.file(join(folder, 'parent')));
      await tab(/parent/);
    },
  },
  'puzzle.openPuzzletron': {
    whenUp: async () => {
      const { folder } = await finishedSearch();
      const dir = join(folder, 'puzzletron');
      await writePuzzletron(dir, puzzletronFiles(2));
      // The library in it stands for it too.
      await give('puzzle.openPuzzletron', Uri.file(join(dir, 'replacement_library.json')));
      await tab(/^Puzzle: puzzletron$/);
    },
  },
  'puzzle.solveAgain': {
    whenUp: async () => {
      const { dir } = await finishedSearch();
      await withUser([], async ({ told }) => {
        await give('puzzle.solveAgain', dir);
        assert.deepEqual(told, []);
      });
    },
    whenDown: () => tellsOfTheWorker('puzzle.solveAgain'),
  },
  'puzzle.compare': {
    whenUp: async () => {
      const finished = await finishedSearch();
      // The command looks for itself: whether the editor has heard of the copy yet makes no difference.
      await copyOf(finished, 'finished-too');
      await withUser(['tiny'], () => give('puzzle.compare', finished.dir));
      await tab(/^Puzzle: tiny, tiny$/);
    },
  },
  'puzzle.exportChild': {
    whenUp: async () => {
      const { folder, dir } = await finishedSearch();
      await withUser([[Uri.file(folder)], 'exported'], async ({ told }) => {
        await give('puzzle.exportChild', dir);
        assert.match(told.join(), /exported/);
      });
      assert.ok(existsSync(join(folder, 'exported/model.safetensors')));
    },
    whenDown: async () => {
      const { folder } = await finishedSearch();
      await tellsOfTheWorker('puzzle.exportChild', [[Uri.file(folder)], 'exported-down']);
    },
  },
  'puzzle.revealChild': {
    whenUp: async () => {
      await withUser([], async ({ told }) => {
        await give('puzzle.revealChild', (await finishedSearch()).dir);
        assert.deepEqual(told, []);
      });
    },
  },
  'puzzle.showLog': {
    whenUp: async () => {
      await give('puzzle.showLog', (await finishedSearch()).dir);
      await tab(/^worker\.log$/);
    },
  },
  'puzzle.refreshRuns': {
    whenUp: async () => {
      const { dir } = await copyOf(await finishedSearch(), `refresh-${Date.now()}`);
      await give('puzzle.refreshRuns');
      assert.equal((await services()).runs.get(dir)?.state, 'done');
    },
  },
  'puzzle.copyDiagnostics': {
    whenUp: async () => {
      const { devices } = await copiedDiagnostics();
      assert.deepEqual((devices as unknown[])[0], { device: 'cpu', works: true, reason: null });
    },
    whenDown: async () => {
      const { devices } = await copiedDiagnostics();
      assert.equal(typeof devices, 'string', 'why they are not known');
    },
  },
  'puzzle.openExample': {
    whenUp: async () => {
      await give('puzzle.openExample');
      await tab(/^stories\.puzzle\.json$/);
    },
  },
  'puzzle.runExample': {
    whenUp: runExample,
    whenDown: async () => {
      await withUser(['Start Anyway'], runExample);
    },
  },
  'puzzle.restartWorker': {
    whenUp: async () => {
      await give('puzzle.restartWorker');
      assert.equal((await services()).worker.state().state, 'ready');
    },
    whenDown: async () => {
      await withUser([], async ({ told }) => {
        await give('puzzle.restartWorker');
        assert.match(told.join(), /the worker/);
      });
    },
  },
};

/** The example's search begins, and is stopped then. */
async function copiedDiagnostics(): Promise<{ devices: unknown }> {
  const { state } = (await services()).worker.state();
  await give('puzzle.copyDiagnostics');
  const copied = JSON.parse(await env.clipboard.readText()) as {
    runs: unknown[];
    worker: { state: string };
    devices: unknown;
  };
  assert.ok(copied.runs.length > 0);
  assert.equal(copied.worker.state, state);
  return copied;
}

async function runExample(): Promise<void> {
  await give('puzzle.runExample');
  const { runs, storageUri } = await services();
  const spec = Uri.joinPath(storageUri, 'example/stories.puzzle.json');
  const search = { folder: join(spec.fsPath, '..'), spec, dir: runs.dirOf(spec.fsPath) };
  await reaches(search, 'running');
  await stopped(search);
}

const NAMES = Object.keys(BEHAVIOURS) as CommandId[];

describe('with the worker up', () => {
  before(finishedSearch);
  for (const name of NAMES) it(name, () => BEHAVIOURS[name].whenUp());
});

describe('with the worker down', () => {
  const script = join(extension().extensionPath, 'dist/questions.js');

  before(async () => {
    await finishedSearch();
    const { worker } = await services();
    await rename(script, `${script}.gone`);
    await assert.rejects(worker.restart());
    assert.equal(worker.state().state, 'down');
  });
  after(async () => {
    await rename(`${script}.gone`, script);
    await (await services()).worker.restart();
  });

  for (const name of NAMES) {
    it(name, async () => {
      const { whenUp, whenDown = whenUp } = BEHAVIOURS[name];
      await whenDown();
      assert.equal((await services()).worker.state().state, 'down');
    });
  }
});
