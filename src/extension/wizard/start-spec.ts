import { basename } from 'node:path';
import { commands, l10n, ProgressLocation, type Uri, window, workspace } from 'vscode';
import { InputError, messageOf } from '../../common/errors.js';
import { type PreflightItem, preflightQuestion } from '../../protocol/questions.js';
import type { CommandId } from '../manifest/commands.js';
import { openSearchPanel } from '../panel/open.js';
import { durationText } from '../runs/run-text.js';
import type { Services } from '../services.js';
import { setting } from '../settings.js';
import { requireTrust } from '../trust.js';

const SUMMARY_MS = 8000;

/** Checks whether the search of a spec can start, starts it, and opens its panel. One that is at work is only shown. */
export async function startSpec(services: Services, spec: Uri): Promise<void> {
  requireTrust();
  await save(spec);
  const { runs } = services;
  const name = basename(spec.fsPath);
  const dir = runs.dirOf(spec.fsPath);
  const inProgress = <T>(title: string, work: () => Promise<T>) =>
    window.withProgress({ location: ProgressLocation.Window, title }, work);

  const state = runs.get(dir)?.state;
  if (state === 'paused') await runs.resume(dir);
  else if (state !== 'running') {
    const obstacle = await inProgress(l10n.t('Puzzle: checking {0}', name), () => obstacleTo(services, spec));
    if (obstacle !== null && !(await startsAnyway(spec, obstacle))) return;
    await inProgress(l10n.t('Puzzle: starting {0}', name), () => runs.start(spec.fsPath));
  }
  if (setting('openPanelOnStart')) await openSearchPanel(services, spec);
}

async function save(spec: Uri): Promise<void> {
  const open = workspace.textDocuments.find((document) => document.uri.toString() === spec.toString());
  if (open?.isDirty !== true || (await open.save())) return;
  throw new InputError(l10n.t('could not be saved; a search reads the file as it is on the disk'), spec.fsPath);
}

/** What keeps a search from starting, with what to do about it; null, and a summary, when nothing does. */
async function obstacleTo({ worker, log }: Services, spec: Uri): Promise<string | null> {
  let checks;
  try {
    checks = await worker.ask(preflightQuestion, { spec: spec.fsPath });
  } catch (error) {
    log.warn(`the checks before the start were not made: ${messageOf(error)}`);
    return l10n.t('The checks before the start could not be made: {0}', messageOf(error));
  }
  const { items, stages } = checks;
  for (const item of items) log.info(`check ${item.name}: ${item.status}: ${sentence(item)}`);
  const failed = items.filter(({ status }) => status === 'failed');
  if (failed.length > 0) return l10n.t('This search is not ready to start. {0}', failed.map(sentence).join(' '));

  const seconds = stages.reduce((sum, stage) => sum + stage.seconds, 0);
  const summary = l10n.t('Puzzle: ready to start, about {0}', durationText(seconds));
  const more = items.some(({ status }) => status === 'warning') ? l10n.t(', with warnings in the panel') : '';
  window.setStatusBarMessage(`$(check) ${summary}${more}`, SUMMARY_MS);
  return null;
}

const sentence = ({ message, fix }: PreflightItem): string => {
  return [message, ...(fix === null ? [] : [fix])].map((text) => text.replace(/[.\s]*$/, '.')).join(' ');
};

async function startsAnyway(spec: Uri, message: string): Promise<boolean> {
  const log: CommandId = 'puzzle.showLog';
  const [start, open, show] = [l10n.t('Start Anyway'), l10n.t('Open Spec'), l10n.t('Show Log')];
  const chosen = await window.showWarningMessage(message, start, open, show);
  if (chosen === open) await window.showTextDocument(spec);
  if (chosen === show) await commands.executeCommand(log);
  return chosen === start;
}
