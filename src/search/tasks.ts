import { InputError } from '../common/errors.js';
import { StorageError } from '../run/disk.js';
import type { Stage } from '../run/events.js';
import type { FinishedTask, TaskOutput, Run } from '../run/run.js';
import type { SearchContext, TaskAnswer, TaskRequest } from './context.js';

/** Begins a stage with work that comes before its tasks are known, so that its time counts as the stage's. */
export function beginStage({ run }: SearchContext, stage: Stage): void {
  const { done = 0, total = 1 } = run.state().stages[stage] ?? {};
  run.append({ type: 'stage-started', stage, done, total });
}

/** Tasks that a process does together. Each is started, finished and found again under its own key. */
export interface TaskGroup {
  /** What the process is given. */
  request: TaskRequest;
  tasks: readonly TaskRequest[];
  /** The answer for each of the tasks. */
  answers: (answer: TaskAnswer) => readonly TaskAnswer[];
}

const alone = (tasks: readonly TaskRequest[]): TaskGroup[] =>
  tasks.map((task) => ({ request: task, tasks: [task], answers: (answer) => [answer] }));

/**
 * Does all tasks of a stage that have not been done before and returns what every one of them gave, in order. When tasks
 * fail the others are still done, so that a resume has only those left to do; then the first error is thrown.
 *
 * @param group puts together what a process does at once; each task alone, when absent
 */
export async function runStageTasks(
  { run, executor }: SearchContext,
  stage: Stage,
  tasks: readonly TaskRequest[],
  group: (open: readonly TaskRequest[]) => readonly TaskGroup[] = alone,
): Promise<FinishedTask[]> {
  const open = tasks.filter((task) => run.finished(task.key) === undefined);
  const groups = new Map(group(open).map((made) => [made.request.key, made]));
  const members = ({ key }: TaskRequest) => groups.get(key)?.tasks ?? [];
  let done = tasks.length - open.length;
  run.append({ type: 'stage-started', stage, done, total: Math.max(1, tasks.length) });
  const progress = () => {
    done += 1;
    run.append({ type: 'stage-progress', stage, done, total: tasks.length });
  };
  const errors: Error[] = [];
  await executor(
    [...groups.values()].map(({ request }) => request),
    {
      signal: run.signal,
      beforeTask: () => run.checkpoint(),
      onStarted: (request) => {
        for (const { key, kind, label } of members(request)) run.taskStarted(key, { stage, kind, label });
      },
      onRetried: (request, attempt, error) => {
        const [first = request] = members(request);
        run.append({ type: 'task-retried', key: first.key, attempt, error: error.message });
      },
      onLoss: ({ key, label, series = label }, points) => {
        run.append({ type: 'loss', key, stage, series, ...points });
      },
      onFinished: (request, answer, seconds) => {
        const done = members(request);
        const answers = groups.get(request.key)?.answers(answer) ?? [];
        for (const [i, { key }] of done.entries()) {
          run.taskFinished(key, answers[i] ?? {}, seconds / done.length);
          progress();
        }
      },
      onFailed: (request, error) => {
        const { label } = request;
        for (const { key } of members(request)) run.taskFailed(key, error);
        errors.push(isExplained(error) ? error : new Error(`${label}: ${error.message}`, { cause: error }));
      },
    },
  );
  const [error] = errors;
  if (error !== undefined) throw error;
  const finished = tasks.map((task) => {
    const result = run.finished(task.key);
    if (result === undefined) throw new Error(`${task.label} was never done`);
    return result;
  });
  const tokens = finished.reduce((total, task) => total + task.tokens, 0);
  run.append({ type: 'stage-finished', stage, tokens });
  return finished;
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
