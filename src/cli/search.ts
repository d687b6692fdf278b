import { setTimeout as sleep } from 'node:timers/promises';
import { CancelledError } from '../common/errors.js';
import { shellWord } from '../formats/quote.js';
import { clearControl, requestControl } from '../run/control.js';
import type { Stage } from '../run/events.js';
import { isLocked } from '../run/lock-state.js';
import { readRunState } from '../run/run.js';
import { resumeSearch, type SearchOptions, startSearch } from '../search/pipeline.js';
import type { Report } from '../search/report.js';
import { defaultRunDir } from '../search/run-dir.js';
import { readSpec } from '../search/spec.js';
import { storedSpec } from '../search/stored-spec.js';
import { createExecutor } from '../worker/executor.js';
import { type Answer, EXIT, fail, say } from './command.js';
import { Follower } from './follow.js';
import { renderReport } from './render-report.js';
import { status } from './status.js';

/** A paused process looks several times in this long whether it may go on. */
const TAKEN_UP_MS = 600;

export interface SearchFlags {
  run?: string;
  until?: Stage;
  baselines?: boolean;
  json?: boolean;
}

/** `puzzle search SPEC [--run DIR] [--until STAGE] [--baselines]`. */
export async function search(specFile: string, { run, json = false, ...flags }: SearchFlags): Promise<Answer> {
  const { processes } = await readSpec(specFile);
  const dir = run ?? defaultRunDir(specFile);
  return attended(dir, json, () => startSearch(specFile, run, options(flags, processes)));
}

/** `puzzle resume RUN`: goes on with a run that was stopped, or that another process has paused. */
export async function resume(dir: string, { json = false, ...flags }: Omit<SearchFlags, 'run'>): Promise<Answer> {
  const { state } = await readRunState(dir);
  if (state === 'paused' && (await isLocked(dir))) {
    await clearControl(dir);
    say('the process that paused this run goes on with it');
    await sleep(TAKEN_UP_MS);
    return status(dir);
  }
  const { processes } = await storedSpec(dir);
  return attended(dir, json, () => resumeSearch(dir, options(flags, processes)));
}

function options({ until, baselines = false }: Omit<SearchFlags, 'run' | 'json'>, processes?: number): SearchOptions {
  return { executor: createExecutor(processes), baselines, ...(until === undefined ? {} : { until }) };
}

/** Does a search with its progress on stderr; Ctrl-C asks it to stop after the step at hand. */
async function attended(dir: string, json: boolean, work: () => Promise<Report | undefined>): Promise<Answer> {
  const follower = new Follower(dir, process.stderr);
  const release = cancelOnSignals(dir, json);
  let report: Report | undefined;
  try {
    report = await work();
  } catch (error) {
    if (!(error instanceof CancelledError)) throw error;
    throw new CancelledError(`cancelled; to go on: puzzle resume ${shellWord(dir)}`);
  } finally {
    release();
    await follower.stop();
  }
  return report === undefined ? status(dir) : { json: report, text: renderReport(report) };
}

/** The first Ctrl-C, or SIGTERM, asks the run to stop; a second one ends the process. */
function cancelOnSignals(dir: string, json: boolean): () => void {
  let asked = false;
  const onSignal = () => {
    if (asked) process.exit(EXIT.failed);
    asked = true;
    say('\nstopping after the step at hand; again to stop at once');
    void requestControl(dir, 'cancel').then((accepted) => {
      // Nothing has begun yet that would have to be brought to an end.
      if (!accepted) process.exit(fail(json, new CancelledError('cancelled before the search began')));
    });
  };
  process.on('SIGINT', onSignal);
  process.on('SIGTERM', onSignal);
  return () => {
    process.off('SIGINT', onSignal);
    process.off('SIGTERM', onSignal);
  };
}
