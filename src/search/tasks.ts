import { InputError } from '../common/errors.js';
import { StorageError } from '../run/disk.js';
import type { Stage } from '../run/events.js';
import type { FinishedTask, TaskOutput, Run } from '../run/run.js';
import type { SearchContext, TaskRequest } from './context.js';

/** Begins a stage with work that comes before its tasks are known, so that its time counts as the stage's. */
export function beginStage({ run }: SearchContext, stage: Stage): void {
  const { done = 0, total = 1 } = run.state().stages[stage] ?? {};
  run.append({ type: 'stage-started', stage, done, total });
}

/**
 * Does all tasks of a stage that have not been done before and returns what every one of them gave, in order. When tasks
 * fail the others are still done, so that a resume has only those left to do; then the first error is thrown.
 *
 * @param before tasks whose artifacts `tasks` read: all of them are done first, and none where no task is open
 */
export async function runStageTasks(
  { run, executor }: SearchContext,
  stage: Stage,
  tasks: readonly TaskRequest[],
  before: readonly TaskRequest[] = [],
): Promise<FinishedTask[]> {
  const isOpen = ({ key }: TaskRequest) => run.finished(key) === undefined;
  const later = tasks.filter(isOpen);
  const phases = later.length === 0 ? [] : [before.filter(isOpen), later];
  const total = before.length + tasks.length;
  let done = total - phases.flat().length;
  run.append({ type: 'stage-started', stage, done, total: Math.max(1, total) });
  const progress = () => {
    done += 1;
    run.append({ type: 'stage-progress', stage, done, total });
  };
  for (const open of phases) await runTasks({ run, executor }, stage, open, progress);
  const finished = tasks.map((task) => {
    const result = run.finished(task.key);
    if (result === undefined) throw new Error(`${task.label} was never done`);
    return result;
  });
  const tokens = [...before, ...tasks].reduce((sum, { key }) => sum + (run.finished(key)?.tokens ?? 0), 0);
  run.append({ type: 'stage-finished', stage, tokens });
  return finished;
}

async function runTasks(
  { run, executor }: Pick<SearchContext, 'run' | 'executor'>,
  stage: Stage,
  open: readonly TaskRequest[],
  progress: () => void,
): Promise<void> {
  const errors: Error[] = [];
  await executor(open, {
    signal: run.signal,
    beforeTask: () => run.checkpoint(),
    onStarted: ({ key, kind, label }) => {
      run.taskStarted(key, { stage, kind, label });
    },
    onRetried: ({ key }, attempt, error) => {
      run.append({ type: 'task-retried', key, attempt, error: error.message });
    },
    onLoss: ({ key, label, series = label }, points) => {
      run.append({ type: 'loss', key, stage, series, ...points });
    },
    onFinished: ({ key }, answer, seconds) => {
      run.taskFinished(key, answer, seconds);
      progress();
    },
    onFailed: ({ key, label }, error) => {
      run.taskFailed(key, error);
      errors.push(isExplained(error) ? error : new Error(`${label}: ${error.message}`, { cause: error }));
    },
  });
  const [error] = errors;
  if (error !== undefined) throw error;
}

/** Tells how many steps are done; `earlier`: by a process before this one, which says nothing about the pace. */
export type Progress = (done: number, by?: 'earlier') => void;

/** Does the one task of a stage in this process; `compute` may report progress in steps, `total` of them. */
export type TaskRunner = (
  context: SearchContext,
  stage: Stage,
  key: string,
  total: number,
  compute: (progress: Progress) => Promise<TaskOutput>,
) => Promise<FinishedTask>;

/** As the stage itself. */
export const runStage: TaskRunner = async ({ run }, stage, key, total, compute) => {
  const known = run.finished(key);
  run.append({ type: 'stage-started', stage, done: known === undefined ? 0 : total, total });
  const progress: Progress = (done, by) => {
    run.append({ type: by === 'earlier' ? 'stage-started' : 'stage-progress', stage, done, total });
  };
  const finished = known ?? (await run.once(key, { stage, kind: stage, label: stage }, () => compute(progress)));
  run.append({ type: 'stage-finished', stage, tokens: finished.tokens });
  return finished;
};

/**
 * The same work for something that is no part of the search's nine stages: the stage does not begin again, and neither
 * its time nor its tokens grow.
 */
export function runApart(subject: string): TaskRunner {
  return ({ run }, stage, key, _total, compute) =>
    run.once(key, { stage, kind: stage, label: `${subject}: ${stage}` }, async () => {
      const { artifact, result } = await compute(() => undefined);
      return { ...(artifact === undefined ? {} : { artifact }), ...(result === undefined ? {} : { result }) };
    });
}

/** Whether the message already says to the user what is at fault, whichever task came upon it. */
function isExplained(error: Error): boolean {
  return error instanceof InputError || error instanceof StorageError;
}

/** A warning that an earlier process may have given already. */
export function warnOnce(run: Run, message: string): void {
  if (!run.state().warnings.includes(message)) run.append({ type: 'log', level: 'warning', message });
}
