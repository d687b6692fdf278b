import type { RunView, StageView } from '../../src/protocol/run.js';
import { bytes, count, duration, percent, remaining } from '../ui/format.js';

/** 0 to 1; a stage that counts nothing is all or nothing. */
export function stageShare({ state, done, total }: StageView): number {
  if (state === 'done') return 1;
  return total > 0 ? Math.min(1, done / total) : 0;
}

/** Everything known about a stage in a few words: `8 of 20, 1:04 min, about 2 min left`. */
export function stageText(stage: StageView): string {
  if (stage.state === 'waiting') return '';
  const tokens = stage.tokens > 0 ? [`${count(stage.tokens)} tokens`] : [];
  if (stage.state === 'done') return [duration(stage.seconds), ...tokens].join(' · ');
  const { done, total, etaSeconds } = stage;
  const place = total > 1 && Number.isInteger(done) ? `${count(done)} of ${count(total)}` : percent(stageShare(stage));
  const left = etaSeconds === null ? [] : [`${remaining(etaSeconds)} left`];
  return [place, duration(stage.seconds), ...left, ...tokens].join(' · ');
}

/** What is seen of the process at work: `Process 4211 · 1.10 GiB of memory · last sign of life 3 s ago`. */
export function vitalsText({ pid, memoryBytes, silentSeconds }: NonNullable<RunView['vitals']>): string {
  return [
    pid === null ? 'A process on another machine' : `Process ${pid}`,
    ...(memoryBytes === null ? [] : [`${bytes(memoryBytes)} of memory`]),
    `last sign of life ${silentSeconds < 1 ? 'just now' : `${count(silentSeconds)} s ago`}`,
  ].join(' · ');
}

/** Where the whole run stands, as one sentence without a full stop. */
export function runText(run: RunView): string {
  const at = run.stage === null ? '' : ` in ${run.stage}`;
  const share = run.progress > 0 ? ` at ${percent(run.progress)}` : '';
  switch (run.state) {
    case 'running': {
      if (isApart(run)) return `Running: baselines, after the search’s ${duration(run.seconds)}`;
      const left = run.etaSeconds === null ? '' : `, ${remaining(run.etaSeconds)} left`;
      return run.stage === null ? 'Starting' : `Running: ${run.stage}, ${percent(run.progress)} of the run${left}`;
    }
    case 'paused':
      return `Paused${at}${share}`;
    case 'done':
      return `Finished in ${duration(run.seconds)}${apartText(run)}`;
    case 'failed':
      return `Failed${at}`;
    case 'cancelled':
      return `Cancelled${at}${share}`;
    case 'interrupted':
      return `Interrupted${at}${share}`;
  }
}

/** The stages are done, and the process is at work on something beside them. */
function isApart({ stages }: RunView): boolean {
  return stages.length > 0 && stages.every(({ state }) => state === 'done');
}

/** Less than this between the stages is nothing that anybody asked for. */
const APART_SECONDS = 5;

function apartText({ apartSeconds }: RunView): string {
  return apartSeconds < APART_SECONDS ? '' : `, and ${duration(apartSeconds)} for baselines`;
}
