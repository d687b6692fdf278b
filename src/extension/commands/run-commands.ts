import { l10n, type LogOutputChannel, ProgressLocation, Uri, window } from 'vscode';
import { existsSync } from 'node:fs';
import { defaultSpec } from '../../search/run-dir.js';
import { openSearchPanel } from '../panel/open.js';
import { logPath } from '../runs/run-process.js';
import { isAlive } from '../runs/run-store.js';
import type { Services } from '../services.js';
import { requireTrust } from '../trust.js';
import type { Handler } from './handler.js';
import { activeUri, isSpec, runDirOf, runOf, uriOf } from './targets.js';

const inProgress = (title: string, work: () => Promise<void>) =>
  window.withProgress({ location: ProgressLocation.Window, title }, work);

export const resume: Handler = async (services, argument) => {
  requireTrust();
  const run = await runOf(services, argument, {
    accepts: ({ state }) => state !== 'running' && state !== 'done',
    title: l10n.t('Resume which search?'),
    refusal: l10n.t('has nothing to be resumed'),
  });
  if (run === undefined) return;
  await inProgress(l10n.t('Puzzle: resuming {0}', run.name), () => services.runs.resume(run.dir));
};

export const pause: Handler = async (services, argument) => {
  const run = await runOf(services, argument, {
    accepts: ({ state }) => state === 'running',
    title: l10n.t('Pause which search?'),
    refusal: l10n.t('is not running'),
  });
  if (run !== undefined) await services.runs.pause(run.dir);
};

export const cancel: Handler = async (services, argument) => {
  const run = await runOf(services, argument, {
    accepts: isAlive,
    title: l10n.t('Cancel which search?'),
    refusal: l10n.t('is not running'),
  });
  if (run === undefined) return;
  await inProgress(l10n.t('Puzzle: cancelling {0}', run.name), () => services.runs.cancel(run.dir));
};

/** Of a run, a spec, the spec at hand, or the run that the user picks. */
export const openPanel: Handler = async (services, argument) => {
  const spec = uriOf(argument, services) ?? activeUri(isSpec);
  if (spec !== undefined) {
    await openSearchPanel(services, spec);
    return;
  }
  const run = await runOf(services, undefined, {
    accepts: () => true,
    title: l10n.t('Open the panel of which search?'),
    refusal: l10n.t('is missing: start a search first'),
  });
  if (run !== undefined) await openSearchPanel(services, Uri.file(defaultSpec(run.dir)));
};

/** Of a run what its process wrote; without one, the log of the extension. */
export const showLog: Handler = async (services, argument) => {
  const dir = runDirOf(services, argument);
  if (dir !== undefined && existsSync(logPath(dir))) await window.showTextDocument(Uri.file(logPath(dir)));
  else showChannel(services);
};

function showChannel({ log }: { log: LogOutputChannel }): void {
  log.show(true);
}

export const refreshRuns: Handler = ({ runs }) => runs.look();

export const restartWorker: Handler = ({ worker }: Services) => worker.restart();
