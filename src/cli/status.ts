import { existsSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Stage } from '../run/events.js';
import { readRunState } from '../run/run.js';
import type { RunCondition, RunState } from '../run/state.js';
import { REPORT_FILE } from '../search/report.js';
import type { Answer } from './command.js';
import { progressLine, stageLine } from './render-progress.js';

export interface Status {
  /** The run directory. */
  run: string;
  state: RunCondition;
  stage: Stage | null;
  /** Share of the run that is done, 0 to 1. */
  progress: number;
  etaSeconds: number | null;
  /** Path of `report.json`; null while there is none. */
  report: string | null;
}

/** `puzzle status RUN`. Only looks: the run may be at work in another process. */
export async function status(dir: string): Promise<Answer> {
  const state = await readRunState(dir);
  const run = resolve(dir);
  const report = join(run, REPORT_FILE);
  const { stage, progress, etaSeconds } = state;
  const json: Status = {
    ...{ run, state: state.state, stage, progress, etaSeconds },
    report: existsSync(report) ? report : null,
  };
  return { json, text: renderStatus(json, state) };
}

function renderStatus({ run, report }: Status, state: RunState): string {
  const stages = Object.entries(state.stages).flatMap(([stage, at]) =>
    at.state === 'done' ? [stageLine(stage as Stage, at)] : [],
  );
  const ended = state.state === 'done' || state.state === 'failed' || state.state === 'cancelled';
  const stopped = state.stoppedAfter === null ? null : `stopped after ${state.stoppedAfter}, as asked; resume to go on`;
  const reason = state.error ?? stopped;
  return [
    `${run}: ${state.state}${reason === null ? '' : `: ${reason}`}`,
    ...stages,
    ...(ended ? [] : [progressLine(state)]),
    ...state.warnings.map((warning) => `warning: ${warning}`),
    ...(report === null ? [] : [`report: ${report}`]),
    '',
  ].join('\n');
}
