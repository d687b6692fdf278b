import type { Stage } from '../run/events.js';
import type { RunState, StageState } from '../run/state.js';
import { count, duration, percent, significant } from '../common/units.js';

const BAR_CELLS = 20;
const STAGE_WIDTH = 9;

/** What the log says beside the state of the run. */
export interface Latest {
  /** The last point of a loss curve of the stage at work. */
  loss?: { series: string; value: number } | undefined;
  /** The task begun last: what is done between two stages. */
  task?: string | undefined;
}

/** One line on what a run is doing: `distil  40%  8/20  ETA 1:04 min  loss 0.0123 | run 12.1%, 0:42 min, ETA 5:40 min`. */
export function progressLine(state: RunState, { loss, task }: Latest = {}, { bar = false } = {}): string {
  const { stage } = state;
  const at = stage === null ? undefined : state.stages[stage];
  if (stage === null || at === undefined) return task ?? 'starting';
  if (at.state === 'done' && task !== undefined) return `${task} | ${wholeRun(state)}`;
  const share = at.total > 0 ? Math.min(1, at.done / at.total) : 0;
  const parts = [
    stage.padEnd(STAGE_WIDTH),
    ...(bar ? [barOf(share)] : []),
    `${Math.floor(share * 100)}%`.padStart(4),
    `${count(at.done)}/${count(at.total)}`,
    ...(at.etaSeconds === null || at.state === 'done' ? [] : [`ETA ${duration(at.etaSeconds)}`]),
    ...(loss === undefined ? [] : [`${loss.series} ${significant(loss.value)}`]),
  ];
  return `${parts.join('  ')} | ${wholeRun(state)}`;
}

function wholeRun({ progress, etaSeconds, seconds: ofSearch, apartSeconds, state }: RunState): string {
  const seconds = ofSearch + apartSeconds;
  const condition = state === 'paused' ? 'paused' : 'run';
  // Without a plan nobody knows what share of the whole is done.
  if (progress === 0 && etaSeconds === null) return `${condition} ${duration(seconds)}`;
  const eta = etaSeconds === null ? '' : `, ETA ${duration(etaSeconds)}`;
  return `${condition} ${percent(progress)}, ${duration(seconds)}${eta}`;
}

function barOf(share: number): string {
  const full = Math.round(share * BAR_CELLS);
  return '█'.repeat(full) + '░'.repeat(BAR_CELLS - full);
}

/** One line on a stage that is done: `distil     done in 1:23 min, 524,288 tokens`. */
export function stageLine(stage: Stage, { seconds, tokens }: StageState): string {
  const used = tokens === 0 ? '' : `, ${count(tokens)} tokens`;
  return `${stage.padEnd(STAGE_WIDTH)}  done in ${duration(seconds)}${used}`;
}
