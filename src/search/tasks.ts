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

/** Tasks that can be done at the same time. */
export interface Round {
  /** Makes what the tasks read: called when one of them is to be done. */
  prepare?: () => Promise<void>;
  tasks: readonly TaskRequest[];
}

/** One of several tasks in a row. */
export interface Step {
  task: TaskRequest;
  /** Awaited before the next step. */
  afterwards: () => Promise<void>;
}

type Grouping = (open: readonly TaskRequest[]) => readonly TaskGroup[];

/**
 * Does all tasks of a stage that have not been done before, one round after the other, and returns what every one of them
 * gave, in order. When tasks fail the others are still done, so that a resume has only those left to do; then the first
 * error is thrown.
 *
 * @param group puts together what a process does at once; each task alone, when absent
 */
export async function runStageTasks(
  context: SearchContext,
  stage: Stage,
  rounds: readonly Round[],
  group: Grouping = alone,
): Promise<FinishedTask[]> {
  const total = rounds.reduce((sum, { tasks }) => sum + tasks.length, 0);
  const finished = await runTasksOf(context, stage, rounds, { before: 0, total }, group);
  finishStage(context, stage, finished);
  return finished;
}

function finishStage({ run }: SearchContext, stage: Stage, finished: readonly FinishedTask[]): void {
  run.append({ type: 'stage-finished', stage, tokens: finished.reduce((total, { tokens }) => total + tokens, 0) });
}

/** Some rounds of a stage of `total` tasks, of which those of earlier parts, `before`, are done; it goes on after them. */
export async function runTasksOf(
  context: SearchContext,
  stage: Stage,
  rounds: readonly Round[],
  { before, total }: { before: number; total: number },
  group: Grouping = alone,
): Promise<FinishedTask[]> {
  const { run } = context;
  const tasks = rounds.flatMap((round) => round.tasks);
  const isOpen = ({ key }: TaskRequest) => run.finished(key) === undefined;
  let done = before + tasks.length - tasks.filter(isOpen).length;
  run.append({ type: 'stage-started', stage, done, total: Math.max(1, total) });
  const progress = () => {
    done += 1;
    run.append({ type: 'stage-progress', stage, done, total });
  };
  const errors: Error[] = [];
  for (const round of rounds) {
    const open = round.tasks.filter(isOpen);
    if (open.length === 0) continue;
    await round.prepare?.();
    errors.push(...(await runGroups(context, stage, group(open), { onFinished: progress })));
  }
  const [error] = errors;
  if (error !== undefined) throw error;
  return tasks.map((task) => {
    const result = run.finished(task.key);
    if (result === undefined) throw new Error(`${task.label} was never done`);
    return result;
  });
}

/**
 * Does steps of which each reads what the one before it has left, in one process; the first that fails ends them, and its
 * error is thrown. They are beside the tasks of the stage: its progress does not count them.
 */
export async function runInOrder(context: SearchContext, stage: Stage, steps: readonly Step[]): Promise<void> {
  const afterwards = new Map(steps.map(({ task, afterwards }) => [task.key, afterwards]));
  const groups = alone(steps.map(({ task }) => task));
  await runGroups(context, stage, groups, { inOrder: true, onFinished: ({ key }) => afterwards.get(key)?.() });
}

/** Returns the errors of the groups that failed; throws the first when they are to be done in order. */
async function runGroups(
  { run, executor }: SearchContext,
  stage: Stage,
  groups: readonly TaskGroup[],
  { inOrder = false, onFinished }: { inOrder?: boolean; onFinished: (task: TaskRequest) => void | Promise<void> },
): Promise<Error[]> {
  const byKey = new Map(groups.map((group) => [group.request.key, group]));
  const groupOf = ({ key, label }: TaskRequest): TaskGroup => {
    const group = byKey.get(key);
    if (group === undefined) throw new Error(`${label} was not asked for`);
    return group;
  };
  const errors: Error[] = [];
  await executor(
    groups.map(({ request }) => request),
    {
      inOrder,
      signal: run.signal,
      beforeTask: () => run.checkpoint(),
      onStarted: (request) => {
        for (const { key, kind, label } of groupOf(request).tasks) run.taskStarted(key, { stage, kind, label });
      },
      onRetried: (request, attempt, error) => {
        const [first = request] = groupOf(request).tasks;
        run.append({ type: 'task-retried', key: first.key, attempt, error: error.message });
      },
      onLoss: ({ key, label, series = label }, points) => {
        run.append({ type: 'loss', key, stage, series, ...points });
      },
      onFinished: async (request, answer, seconds) => {
        const { tasks, answers } = groupOf(request);
        const each = answers(answer);
        for (const [i, task] of tasks.entries()) {
          const own = each[i];
          if (own === undefined) throw new Error(`no answer for ${task.label}`);
          run.taskFinished(task.key, own, seconds / tasks.length);
          await onFinished(task);
        }
      },
      onFailed: (request, error) => {
        const { label } = request;
        for (const { key } of groupOf(request).tasks) run.taskFailed(key, error);
        const explained = isExplained(error) ? error : new Error(`${label}: ${error.message}`, { cause: error });
        if (inOrder) throw explained;
        errors.push(explained);
      },
    },
  );
  return errors;
}

/** Does tasks for a stage, whole or a part of it. */
export type StageTasks = (rounds: readonly Round[], group?: Grouping) => Promise<FinishedTask[]>;

/** All tasks of a stage. */
export function stageTasks(context: SearchContext, stage: Stage): StageTasks {
  return (rounds, group) => runStageTasks(context, stage, rounds, group);
}

/** A stage that is done in parts, of which each depends on what the ones before came to. */
export class StageParts {
  private readonly finished: FinishedTask[] = [];

  constructor(
    private readonly context: SearchContext,
    private readonly stage: Stage,
    /** Tasks that there will be in all, as far as is known, for the progress. */
    private expected = 0,
  ) {}

  /** So many tasks are to come. */
  expect(tasks: number): void {
    this.expected = this.finished.length + tasks;
  }

  /** One part, as {@link runStageTasks} does a whole stage. */
  async run(rounds: readonly Round[], group?: Grouping): Promise<FinishedTask[]> {
    const before = this.finished.length;
    const tasks = rounds.reduce((sum, round) => sum + round.tasks.length, 0);
    const total = Math.max(before + tasks, this.expected);
    const done = await runTasksOf(this.context, this.stage, rounds, { before, total }, group);
    this.finished.push(...done);
    return done;
  }

  /** Ends the stage. */
  finish(): void {
    finishStage(this.context, this.stage, this.finished);
  }
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
