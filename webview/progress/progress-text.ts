import * as l10n from '@vscode/l10n';
import type { RunView, StageView } from '../../src/protocol/run.js';
import { bytes, count, duration, percent, remaining } from '../ui/format.js';

/** How a run stands, in a word. */
export const CONDITION_WORDS: Readonly<Record<RunView['state'], string>> = {
  running: l10n.t('running'),
  paused: l10n.t('paused'),
  done: l10n.t('finished'),
  failed: l10n.t('failed'),
  cancelled: l10n.t('cancelled'),
  interrupted: l10n.t('interrupted'),
};

/** 0 to 1; a stage that counts nothing is all or nothing. */
export function stageShare({ state, done, total }: StageView): number {
  if (state === 'done') return 1;
  return total > 0 ? Math.min(1, done / total) : 0;
}

/** Everything known about a stage in a few words: `8 of 20, 1:04 min, about 2 min left`. */
export function stageText(stage: StageView): string {
  if (stage.state === 'waiting') return '';
  const tokens = stage.tokens > 0 ? [l10n.t('{0} tokens', count(stage.tokens))] : [];
  if (stage.state === 'done') return [duration(stage.seconds), ...tokens].join(' · ');
  const { done, total, etaSeconds } = stage;
  const place =
    total > 1 && Number.isInteger(done) ? l10n.t('{0} of {1}', count(done), count(total)) : percent(stageShare(stage));
  const left = etaSeconds === null ? [] : [l10n.t('{0} left', remaining(etaSeconds))];
  return [place, duration(stage.seconds), ...left, ...tokens].join(' · ');
}

/** What is seen of the process at work: `Process 4211 · 1.10 GiB of memory · last sign of life 3 s ago`. */
export function vitalsText({ pid, memoryBytes, silentSeconds }: NonNullable<RunView['vitals']>): string {
  return [
    pid === null ? l10n.t('A process on another machine') : l10n.t('Process {0}', pid),
    ...(memoryBytes === null ? [] : [l10n.t('{0} of memory', bytes(memoryBytes))]),
    silentSeconds < 1
      ? l10n.t('last sign of life just now')
      : l10n.t('last sign of life {0} s ago', count(silentSeconds)),
  ].join(' · ');
}

/** Where the whole run stands, as one sentence without a full stop. */
export function runText(run: RunView): string {
  switch (run.state) {
    case 'running': {
      if (isApart(run)) return l10n.t('Running: baselines, after the search’s {0}', duration(run.seconds));
      if (run.stage === null) return l10n.t('Starting');
      const share = percent(run.progress);
      return run.etaSeconds === null
        ? l10n.t('Running: {0}, {1} of the run', run.stage, share)
        : l10n.t('Running: {0}, {1} of the run, {2} left', run.stage, share, remaining(run.etaSeconds));
    }
    case 'paused':
      return placed(l10n.t('Paused'), run);
    case 'done':
      return finishedText(run);
    case 'failed':
      return placed(l10n.t('Failed'), { ...run, progress: 0 });
    case 'cancelled':
      return placed(l10n.t('Cancelled'), run);
    case 'interrupted':
      return placed(l10n.t('Interrupted'), run);
  }
}

/** The stages are done, and the process is at work on something beside them. */
function isApart({ stages }: RunView): boolean {
  return stages.length > 0 && stages.every(({ state }) => state === 'done');
}

/** Less than this between the stages is nothing that anybody asked for. */
const APART_SECONDS = 5;

function finishedText({ seconds, apartSeconds }: RunView): string {
  return apartSeconds < APART_SECONDS
    ? l10n.t('Finished in {0}', duration(seconds))
    : l10n.t('Finished in {0}, and {1} for baselines', duration(seconds), duration(apartSeconds));
}

/** A state, with the stage and the share of the run at which it was entered, as far as there are any. */
function placed(state: string, { stage, progress }: Pick<RunView, 'stage' | 'progress'>): string {
  const share = progress > 0 ? percent(progress) : null;
  if (stage === null) return share === null ? state : l10n.t('{0} at {1}', state, share);
  return share === null ? l10n.t('{0} in {1}', state, stage) : l10n.t('{0} in {1} at {2}', state, stage, share);
}
