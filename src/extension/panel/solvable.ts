import type { RunView } from '../../protocol/run.js';
import type { Stage } from '../../run/events.js';

const LIBRARY_STAGES: ReadonlySet<string> = new Set<Stage>(['score', 'measure']);

/** Seconds of the stages that make what a solution is made from; null while they are not done. */
export function librarySeconds({ stages }: Pick<RunView, 'stages'>): number[] | null {
  const done = stages.filter(({ stage, state }) => LIBRARY_STAGES.has(stage) && state === 'done');
  return done.length === LIBRARY_STAGES.size ? done.map(({ seconds }) => seconds) : null;
}

/** Whether a run has come so far that other limits can be solved for. */
export function isSolvable(run: Pick<RunView, 'stages'>): boolean {
  return librarySeconds(run) !== null;
}
