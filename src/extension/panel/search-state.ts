import path from 'node:path';
import { InputError } from '../../common/errors.js';
import type { ArchitectureMap } from '../../protocol/architecture.js';
import type { ParamsOf } from '../../protocol/messages.js';
import type { Comparison } from '../../protocol/panel.js';
import { preflightQuestion, type PreflightItem, rangesQuestion, solveQuestion } from '../../protocol/questions.js';
import type { RunView } from '../../protocol/run.js';
import type { Alternative, MetricName, MetricRange, SolutionView, SolveAnswer } from '../../protocol/solution.js';
import { resolveSpec, type Spec } from '../../search/spec.js';
import { dropSolution, keepSolution, type SolutionIdentity } from '../../search/run-solutions.js';
import { specChanges } from '../../search/spec-changes.js';
import { specSchema } from '../../search/spec-schema.js';
import type { QuestionWorker, Runs } from '../services.js';
import {
  brokenLimit,
  compareSolutions,
  isSame,
  type Measured,
  predictedModel,
  readMeasured,
  readSolutions,
  runSolution,
  type StoredSolutions,
} from './comparison.js';
import { Latest } from './latest.js';
import { readParentMap } from './parent-map.js';
import type { PanelContent } from './session.js';
import { librarySeconds } from './solvable.js';
import { changedLimits, readSpecText, type ReadSpec, viewSpec } from './spec-view.js';
import { readStartedSpec } from './started-spec.js';

/** The spec that a panel is about, and where its run is or will be. */
export interface SpecPlace {
  uri: string;
  /** Absolute path. */
  file: string;
  /** For people: the file's name. */
  name: string;
  runDir: string;
}

/** What the state is made of, beside the text of the spec. */
export interface SearchSources {
  runs: Pick<Runs, 'get'> & { onDidChange: Listen<string> };
  worker: Pick<QuestionWorker, 'ask' | 'state'> & { onDidChangeState: Listen<void> };
}

type Listen<Value> = (listener: (value: Value) => void) => { dispose: () => void };

/** A question about what a run has to choose from. */
interface OfLibrary<Params> {
  params: Params;
  /** Seconds that went into scores and costs: others, when these have been made anew. */
  made: number[];
  /** How far the run is: what it has searched counts too. */
  state: string;
  stage: string | null;
}

/**
 * The state of a search panel, from the spec as it stands in the editor, the run as its directory tells, and what the
 * worker answers about both. Whatever changes, the questions that this raises are asked again, and the state is told.
 */
export class SearchState {
  private read: ReadSpec = { spec: null, problem: null };
  /** Limits that the user tries out, with the text of the spec as it is. */
  private tried = new Map<MetricName, string | null>();
  private workerWas: string;
  /** What is being kept or forgotten. */
  private keeping: Promise<unknown> = Promise.resolve();
  private readonly subscriptions: { dispose: () => void }[];

  private readonly answer: Latest<OfLibrary<ParamsOf<typeof solveQuestion>>, SolveAnswer>;
  private readonly ranges: Latest<OfLibrary<ParamsOf<typeof rangesQuestion>>, MetricRange[]>;
  private readonly measured: Latest<{ state: string }, Measured | null>;
  private readonly solutions: Latest<{ state: string; stage: string | null }, StoredSolutions>;
  private readonly parent: Latest<string, ArchitectureMap>;
  /** What the run was started with; asked again when it is at another point. */
  private readonly started: Latest<{ state: string; stage: string | null }, unknown>;
  private readonly preflight: Latest<string, PreflightItem[]>;

  /** @param changed `soon`: more is expected to change in a moment */
  constructor(
    readonly place: SpecPlace,
    private readonly sources: SearchSources,
    private readonly changed: (soon?: boolean) => void,
  ) {
    const { runs, worker } = sources;
    const tell = () => {
      changed();
    };
    this.answer = new Latest(({ params }) => worker.ask(solveQuestion, params), tell);
    this.ranges = new Latest(({ params }) => worker.ask(rangesQuestion, params), tell);
    this.measured = new Latest(() => readMeasured(place.runDir), tell);
    this.solutions = new Latest(() => readSolutions(place.runDir), tell);
    this.parent = new Latest(readParentMap, tell);
    this.started = new Latest(
      () => readStartedSpec(place.runDir),
      () => {
        this.update();
      },
    );
    this.preflight = new Latest(async (spec) => (await worker.ask(preflightQuestion, { spec })).items, tell);
    this.workerWas = worker.state().state;
    this.subscriptions = [
      runs.onDidChange((dir) => {
        if (dir === place.runDir) this.update();
      }),
      worker.onDidChangeState(() => {
        this.workerChanged();
      }),
    ];
  }

  /** The run, once its directory tells of one. */
  get run(): RunView | undefined {
    return this.sources.runs.get(this.place.runDir);
  }

  /** The report of what the run has measured; null before there is one. */
  get report(): string | null {
    return this.measured.value?.report ?? null;
  }

  /** What the present optimum is the answer to. */
  question(): ParamsOf<typeof solveQuestion> {
    const { spec } = this;
    if (spec === null) throw new InputError('has no spec that can be used', this.place.name);
    return this.ask(spec);
  }

  /** The folder of a model that a prompt can be given to; null where there is none. */
  modelDir(model: 'parent' | 'child'): string | null {
    const { spec } = this;
    if (model === 'parent') return spec && resolveSpec(spec, this.place.file).parent;
    return this.measured.value?.child.dir ?? null;
  }

  /** The text of the spec is another: what was tried out on the one before is over. `problem`: why there is no text. */
  setText(text: string, problem: string | null = null): void {
    const { name } = this.place;
    this.read =
      problem === null ? readSpecText(text, name, this.read) : { spec: this.read.spec, problem: `${name}: ${problem}` };
    this.tried = new Map();
    this.update();
  }

  /** The file of the spec is another, or the user wants to know: whether a search can start is looked at again. */
  checkStart(): void {
    this.preflight.renew(this.place.file);
    this.changed();
  }

  /** Keeps the optimum with the run, or another solution within the limits of it. Throws InputError for one beyond them. */
  async keep(alternative: Alternative | null): Promise<void> {
    const { solution } = this;
    if (solution === null) throw new InputError('there is no solution to keep', this.place.name);
    const broken = alternative && brokenLimit(solution, alternative.totals);
    if (broken) {
      const { metric, text } = broken;
      throw new InputError(`the solution does not meet ${metric} ${text}; show one that does`, this.place.name);
    }
    await this.changeKept((dir) => keepSolution(dir, runSolution({ ...solution, ...alternative })));
  }

  /** Forgets a solution that was kept. */
  async dropKept(solution: SolutionIdentity): Promise<void> {
    await this.changeKept((dir) => dropSolution(dir, solution));
  }

  /** Answers and draws as if the spec had this limit; null: as if it had none. */
  tryLimit(metric: MetricName, text: string | null): void {
    this.tried.set(metric, text);
    this.update();
  }

  /** The limit is as the spec says again. */
  endTrial(metric: MetricName): void {
    if (this.tried.delete(metric)) this.update();
  }

  /** Every limit is as the spec says again. */
  endTrials(): void {
    if (this.tried.size === 0) return;
    this.tried.clear();
    this.update();
  }

  content(): PanelContent {
    const { uri, name } = this.place;
    const { worker } = this.sources;
    return {
      kind: 'search',
      uris: [uri],
      title: name,
      spec: viewSpec(this.read, { uri, name }, this.tried),
      imported: null,
      run: this.run ?? null,
      stale: this.stale(),
      parent: this.parent.value,
      answer: this.answer.value,
      answerIsChild: this.answerIsChild(),
      solving: this.answer.pending,
      ranges: this.ranges.value ?? [],
      comparison: this.comparison(),
      preflight: this.preflight.value,
      worker: worker.state(),
      cursorLayer: null,
      error:
        worker.state().state === 'down'
          ? null
          : (this.answer.error ?? this.measured.error ?? this.solutions.error ?? this.preflight.error),
    };
  }

  dispose(): void {
    for (const subscription of this.subscriptions) subscription.dispose();
    const { answer, ranges, measured, solutions, parent, started, preflight } = this;
    for (const part of [answer, ranges, measured, solutions, parent, started, preflight]) part.want(null);
  }

  private update(): void {
    const { runDir, file } = this.place;
    const { run, spec } = this;
    const seconds = run === undefined ? null : librarySeconds(run);
    const made = run === undefined || seconds === null ? null : { made: seconds, state: run.state, stage: run.stage };
    this.answer.want(made && spec && { params: this.ask(spec), ...made });
    this.ranges.want(made && { params: { run: runDir }, ...made });
    this.measured.want(run === undefined ? null : { state: run.state });
    this.solutions.want(run === undefined ? null : { state: run.state, stage: run.stage });
    this.parent.want(spec === null ? null : path.join(resolveSpec(spec, file).parent, 'config.json'));
    this.started.want(run === undefined ? null : { state: run.state, stage: run.stage });
    // The answer comes in a moment as a rule; without it half of the news would be told twice.
    this.changed(this.answer.pending);
  }

  private ask(spec: Spec): ParamsOf<typeof solveQuestion> {
    const { rules, margin } = spec;
    return { run: this.place.runDir, limits: changedLimits(spec, this.tried), rules, margin };
  }

  /** A worker that is back may know what the one before could not tell any more. */
  private workerChanged(): void {
    const { state } = this.sources.worker.state();
    const isBack = state === 'ready' && this.workerWas !== 'ready';
    this.workerWas = state;
    if (isBack) for (const part of [this.answer, this.ranges, this.preflight]) part.retry();
    this.changed();
  }

  /** What is asked about: the spec, or, where there is none beside the run, what the run was started with. */
  private get spec(): Spec | null {
    return this.read.spec ?? specSchema.safeParse(this.started.value).data ?? null;
  }

  private stale(): string | null {
    const { spec } = this.read;
    const started = this.started.value;
    if (spec === null || started === null || started === undefined) return null;
    const changes = specChanges(started, resolveSpec(spec, this.place.file)).join('; ');
    return changes === '' ? null : `${changes.slice(0, 1).toUpperCase()}${changes.slice(1)}.`;
  }

  private get solution(): SolutionView | null {
    return this.answer.value?.kind === 'solved' ? this.answer.value.solution : null;
  }

  private async changeKept(change: (runDir: string) => Promise<void>): Promise<void> {
    const { run } = this;
    if (run === undefined) throw new InputError('there is no run', this.place.name);
    // One after the other: each reads the list that the one before has written.
    const changed = this.keeping.then(() => change(this.place.runDir));
    this.keeping = changed.catch(() => undefined);
    await changed;
    this.solutions.renew({ state: run.state, stage: run.stage });
  }

  private answerIsChild(): boolean {
    const { solution } = this;
    const measured = this.measured.value;
    return solution !== null && measured !== null && isSame(runSolution(solution).architecture, measured.architecture);
  }

  private comparison(): Comparison | null {
    const { solution } = this;
    const measured = this.measured.value;
    const predicted = solution === null ? [] : [predictedModel('solution', solution, 'totals')];
    const solutions = compareSolutions(
      this.solutions.value ?? { logged: [], kept: [], own: null },
      measured?.architecture ?? null,
      solution && runSolution(solution),
    );
    if (measured !== null) {
      const { parent, child, baselines, report } = measured;
      const models = [parent, child, ...(this.answerIsChild() ? [] : predicted), ...baselines];
      return { models, report, solutions };
    }
    if (solution === null) return null;
    return { models: [predictedModel('parent', solution, 'parent'), ...predicted], report: null, solutions };
  }
}
