import type { EventOf, EventType, RunEvent, Stage } from './events.js';

export type RunCondition = 'running' | 'paused' | 'done' | 'failed' | 'cancelled';

export interface StageState {
  state: 'running' | 'done';
  /** Steps done of `total`, in the stage's own unit. */
  done: number;
  total: number;
  /** Seconds worked on the stage so far, over all processes, pauses not counted. */
  seconds: number;
  /** Tokens the stage has used, counted task by task, or as told when it finished. */
  tokens: number;
  /** Estimated seconds until the stage is done; `null` while there is nothing to estimate from. */
  etaSeconds: number | null;
}

/** What a log says about its run. */
export interface RunState {
  state: RunCondition;
  /** The stage being worked on, or the last one that was. */
  stage: Stage | null;
  stages: Partial<Record<Stage, StageState>>;
  /** The stages that it is planned to go through. */
  planned: Stage[];
  /** Estimated seconds of the planned stages that have not begun; empty when the run is not running. */
  waiting: Partial<Record<Stage, number>>;
  /** The stage after which a paused run stopped because it was asked to go no further. */
  stoppedAfter: Stage | null;
  /** Share of the whole run that is done, 0 to 1; stages weigh as in the last `plan`. 0 without a plan. */
  progress: number;
  /** Estimated seconds until the run is done; `null` when it is not running or there is no plan. */
  etaSeconds: number | null;
  /** Seconds worked on the search so far, over all processes, pauses not counted. */
  seconds: number;
  /** Seconds worked, beside those, while no stage was at work: on what is done apart, as baselines are. */
  apartSeconds: number;
  tasks: { finished: number; failed: number; retried: number };
  /** Why it failed. */
  error: string | null;
  warnings: string[];
  header: Record<string, unknown>;
}

/** Later warnings than these are counted in the log only. */
const MAX_WARNINGS = 100;

interface StageRecord {
  state: 'running' | 'done';
  done: number;
  total: number;
  tokens: number;
  /** Worked before the present start of the stage. */
  earlierSeconds: number;
  /** The run's clock at the present start, and how much was done then. */
  startedAt: number;
  doneAtStart: number;
  /** The run's clock when `done` last grew. */
  progressAt: number;
}

/** Folds events, in order, into the state of a run. Its clock is the sum of the times between events while running. */
export class RunStateFold {
  private condition: RunCondition = 'running';
  private readonly stages = new Map<Stage, StageRecord>();
  /** Stages that were begun under an earlier spec only: their time and tokens count, what they came to does not. */
  private readonly outdated = new Set<Stage>();
  private stage: Stage | null = null;
  private plan: Partial<Record<Stage, number>> | undefined;
  private readonly stageOfTask = new Map<string, Stage>();
  private readonly tasks = { finished: 0, failed: 0, retried: 0 };
  private stoppedAfter: Stage | null = null;
  private error: string | null = null;
  private readonly warnings: string[] = [];
  private header: Record<string, unknown> = {};
  private clock = 0;
  private apart = 0;
  private lastTime: number | undefined;

  apply(event: RunEvent): void {
    const time = Date.parse(event.t);
    // The gap before a `run-resumed` is time in which nobody worked.
    if (event.type !== 'run-resumed') [this.clock, this.apart] = [this.clockAt(time), this.apartAt(time)];
    this.lastTime = time;
    const handler = this.handlers[event.type] as (event: RunEvent) => void;
    handler(event);
  }

  /** The state as of `now`: while the run is running, time since the last event counts as worked. */
  snapshot(now: Date = new Date()): RunState {
    const clock = this.clockAt(now.getTime());
    const apartSeconds = this.apartAt(now.getTime());
    const remaining = this.remaining(clock);
    const stages: Partial<Record<Stage, StageState>> = {};
    for (const [stage, record] of this.stages) {
      if (this.outdated.has(stage)) continue;
      const { state, done, total, tokens } = record;
      stages[stage] = {
        ...{ state, done, total, tokens },
        seconds: this.workedOn(record, clock),
        etaSeconds: state === 'done' ? 0 : this.stageEta(record, clock),
      };
    }
    return {
      state: this.condition,
      stage: this.stage,
      stages,
      planned: this.plannedStages().map(([stage]) => stage),
      waiting: Object.fromEntries(remaining.filter(([stage]) => this.present(stage) === undefined)),
      stoppedAfter: this.stoppedAfter,
      progress: this.progress(),
      etaSeconds: remaining.length === 0 ? null : remaining.reduce((sum, [, seconds]) => sum + seconds, 0),
      seconds: clock - apartSeconds,
      apartSeconds,
      tasks: { ...this.tasks },
      error: this.error,
      warnings: [...this.warnings],
      header: this.header,
    };
  }

  private readonly handlers: { [Type in EventType]: (event: EventOf<Type>) => void } = {
    'run-started': ({ header }) => {
      this.header = header;
      this.stage = null;
      for (const [stage, record] of this.stages) {
        Object.assign(record, { state: 'done', earlierSeconds: this.workedOn(record, this.clock) });
        this.outdated.add(stage);
      }
    },
    'run-resumed': () => {
      this.condition = 'running';
      this.stoppedAfter = null;
      this.error = null;
    },
    'run-paused': ({ after }) => {
      this.condition = 'paused';
      this.stoppedAfter = after ?? null;
    },
    'run-finished': () => (this.condition = 'done'),
    'run-cancelled': () => (this.condition = 'cancelled'),
    'run-failed': ({ error }) => {
      this.condition = 'failed';
      this.error = error;
    },
    plan: ({ seconds }) => (this.plan = seconds),
    'stage-started': ({ stage, done = 0, total }) => {
      const earlier = this.stages.get(stage);
      this.stage = stage;
      this.outdated.delete(stage);
      this.stages.set(stage, {
        ...{ state: 'running', done, total, doneAtStart: done },
        tokens: earlier?.tokens ?? 0,
        earlierSeconds: earlier ? this.workedOn(earlier, this.clock) : 0,
        ...{ startedAt: this.clock, progressAt: this.clock },
      });
    },
    'stage-progress': ({ stage, done, total }) => {
      const record = this.stages.get(stage);
      if (record) Object.assign(record, { done, total, progressAt: this.clock });
    },
    'stage-finished': ({ stage, tokens }) => {
      const record = this.stages.get(stage);
      if (!record) return;
      const seconds = this.workedOn(record, this.clock);
      Object.assign(record, { state: 'done', done: record.total, earlierSeconds: seconds });
      if (tokens !== undefined) record.tokens = tokens;
    },
    'task-started': ({ key, stage }) => this.stageOfTask.set(key, stage),
    'task-finished': ({ key, tokens = 0 }) => {
      this.tasks.finished++;
      const stage = this.stageOfTask.get(key);
      const record = stage === undefined ? undefined : this.stages.get(stage);
      if (record) record.tokens += tokens;
    },
    'task-retried': () => this.tasks.retried++,
    'task-failed': () => this.tasks.failed++,
    loss: () => undefined,
    log: ({ level, message }) => {
      if (level === 'warning' && this.warnings.length < MAX_WARNINGS) this.warnings.push(message);
    },
  };

  private clockAt(time: number): number {
    if (this.condition !== 'running' || this.lastTime === undefined) return this.clock;
    return this.clock + Math.max(0, time - this.lastTime) / 1000;
  }

  private apartAt(time: number): number {
    const stages = [...this.stages.values()];
    const between = stages.length > 0 && stages.every(({ state }) => state === 'done');
    return between ? this.apart + this.clockAt(time) - this.clock : this.apart;
  }

  private workedOn(record: StageRecord, clock: number): number {
    return record.earlierSeconds + (record.state === 'running' ? clock - record.startedAt : 0);
  }

  /** The rate since the present start, continued; time since the last progress is taken off. */
  private stageEta(record: StageRecord, clock: number): number | null {
    const gained = record.done - record.doneAtStart;
    if (gained <= 0) return null;
    const perStep = (record.progressAt - record.startedAt) / gained;
    return Math.max(0, perStep * (record.total - record.done) - (clock - record.progressAt));
  }

  private plannedStages(): [Stage, number][] {
    return Object.entries(this.plan ?? {}) as [Stage, number][];
  }

  /** A stage that was begun under the present spec. */
  private present(stage: Stage): StageRecord | undefined {
    return this.outdated.has(stage) ? undefined : this.stages.get(stage);
  }

  private shareDone(stage: Stage): number {
    const record = this.present(stage);
    if (!record) return 0;
    return record.state === 'done' ? 1 : Math.min(1, record.done / record.total);
  }

  private progress(): number {
    if (this.condition === 'done') return 1;
    let done = 0;
    let all = 0;
    for (const [stage, seconds] of this.plannedStages()) {
      done += seconds * this.shareDone(stage);
      all += seconds;
    }
    return all === 0 ? 0 : done / all;
  }

  /**
   * Estimated seconds of each planned stage while the run is running: those at work by their own rate, the others by the
   * plan, corrected by how the finished ones kept to theirs. Empty without a plan.
   */
  private remaining(clock: number): [Stage, number][] {
    if (this.condition !== 'running') return [];
    const correction = this.planCorrection();
    return this.plannedStages().map(([stage, seconds]) => {
      const record = this.present(stage);
      if (record?.state === 'done') return [stage, 0];
      const byRate = record ? this.stageEta(record, clock) : null;
      return [stage, byRate ?? seconds * correction * (1 - this.shareDone(stage))];
    });
  }

  private planCorrection(): number {
    let planned = 0;
    let taken = 0;
    for (const [stage, seconds] of this.plannedStages()) {
      const record = this.present(stage);
      if (record?.state !== 'done') continue;
      planned += seconds;
      taken += record.earlierSeconds;
    }
    return planned === 0 || taken === 0 ? 1 : taken / planned;
  }
}
