/** How a suite gets a workbench: opened before its tests, gone with all it started after them. */
import { mkdir, mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { preparePrograms } from './programs.js';
import { endSearches } from './searches.js';
import { stageExtension } from './stage.js';
import { Workbench, type WorkbenchOptions } from './workbench.js';

const OPEN_LIMIT_MS = 3 * 60_000;
const TEST_LIMIT_MS = 5 * 60_000;

export interface Places {
  /** The folder that the workbench shows. */
  folder: string;
  /** The extension, as built, in a folder of the suite's own. */
  extension: string;
}

export interface Session extends Places {
  workbench: Workbench;
  /** A test; when it fails, there is a picture of what was to be seen. `skip`: why it cannot be done here. */
  test: (title: string, check: () => Promise<void>, skip?: string | false) => void;
}

interface Preparation {
  /** Fills the folder. */
  prepare?: (places: Places) => Promise<unknown>;
  /** What the workbench opens with, when not the folder and the extension under development. */
  open?: (places: Places) => Promise<WorkbenchOptions> | WorkbenchOptions;
}

/** A suite with a workbench of its own; skipped, with the reason, where there can be none. `session` is filled before the tests. */
export async function describeInWorkbench(
  title: string,
  { prepare, open = (places) => places }: Preparation,
  tests: (session: Session) => void,
): Promise<void> {
  const programs = await preparePrograms();
  if ('reason' in programs) {
    describe(title, { skip: programs.reason });
    return;
  }
  const session = { test: pictured } as Session;
  describe(title, { timeout: 10 * TEST_LIMIT_MS }, () => {
    let scratch = '';
    before(
      async () => {
        scratch = await mkdtemp(join(tmpdir(), 'puzzle-suite-'));
        const [folder, home] = [join(scratch, 'folder'), join(scratch, 'extension')];
        await mkdir(folder);
        const places = { folder, extension: await stageExtension(home) };
        await prepare?.(places);
        Object.assign(session, places, { workbench: await Workbench.open(programs, await open(places)) });
      },
      { timeout: OPEN_LIMIT_MS },
    );
    after(async () => {
      const { workbench } = session as Partial<Session>;
      await endSearches(scratch);
      if (workbench !== undefined) await endSearches(workbench.scratch);
      await workbench?.close();
      await rm(scratch, { recursive: true, force: true, maxRetries: 5 });
    });
    tests(session);
  });

  function pictured(name: string, check: () => Promise<void>, skip: string | false = false): void {
    it(name, { timeout: TEST_LIMIT_MS, skip }, async () => {
      try {
        await check();
      } catch (error) {
        await session.workbench.screenshot(`failed-${name.replaceAll(/\W+/g, '-')}`).catch(() => undefined);
        throw error;
      }
    });
  }
}
