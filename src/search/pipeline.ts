import { existsSync } from 'node:fs';
import path from 'node:path';
import { VERSION } from '../common/version.js';
import { ENGINE_VERSION } from '../graph/engine.js';
import { enumerateVariants, type LayerVariants } from '../model/variants.js';
import { writeDirectory, writeJson } from '../run/artifacts.js';
import { type Stage, STAGES } from '../run/events.js';
import { concludeRun, createRun, holdsRun, openRun, type Run } from '../run/run.js';
import { taskKey } from '../run/task-key.js';
import { pricedAtBatches } from '../target/costs.js';
import { type ActivationsPayload, activationsTask } from './activation-pass.js';
import { Activations } from './activations.js';
import { assembleChild, type ChosenLayer } from './assemble.js';
import { BASELINES_DIR, buildBaselines } from './baselines.js';
import { distilStage, type LibraryEntry } from './block-library.js';
import { chosenLayers } from './chosen-shapes.js';
import { parseConstraints } from './constraints.js';
import {
  createContext,
  timedWorkload,
  type Executor,
  type SearchContext,
  type TaskAnswer,
  type TaskContext,
} from './context.js';
import { type CouplePayload, coupleTask } from './couple.js';
import { coupleStage } from './couple-stage.js';
import { packData } from './data.js';
import { type DistilPayload, distilTask } from './distil.js';
import { taskBytes, taskFiles } from './evaluate/scores.js';
import { evaluateStage } from './evaluate/stage.js';
import { type RealisePayload, realiseTask } from './interactions/realise.js';
import { refineSolution } from './interactions/stage.js';
import { measureStage } from './measure.js';
import { checkInputs } from './preflight.js';
import { exportStage, publishReport } from './export.js';
import type { Report } from './report.js';
import { type MomentsPayload, momentsTask } from './moments-task.js';
import { planSeconds } from './plan.js';
import { defaultRunDir } from './run-dir.js';
import { LIBRARY_FILE } from './run-files.js';
import { type ScorePayload, scoreTask } from './score.js';
import { scoreAllPairs, scoreUsedPairs, writeScores } from './score-pairs.js';
import { scoreStage } from './score-stage.js';
import { solveStage } from './solve-stage.js';
import { readSpec, resolveSpec, type Spec } from './spec.js';
import { writeSolution } from './stored-solution.js';
import { storedSpec } from './stored-spec.js';
import { requirementsOf } from './sweep.js';
import { beginStage, runStage } from './tasks.js';
import { uptrainStage } from './uptrain-stage.js';

export interface SearchOptions {
  /** Stop after this stage. */
  until?: Stage;
  /** Also build, uptrain and evaluate the baselines. */
  baselines?: boolean;
  executor: Executor;
}

/** What a task process can do: the kinds of tasks that stages ask for. */
export const TASK_HANDLERS: Record<string, (payload: unknown, context: TaskContext) => Promise<TaskAnswer>> = {
  activations: (payload, context) => activationsTask(payload as ActivationsPayload, context),
  moments: (payload, context) => momentsTask(payload as MomentsPayload, context),
  distil: (payload, context) => distilTask(payload as DistilPayload, context),
  couple: (payload, context) => coupleTask(payload as CouplePayload, context),
  score: (payload, context) => scoreTask(payload as ScorePayload, context),
  realise: (payload, context) => realiseTask(payload as RealisePayload, context),
};

/**
 * Runs the search of a spec, in a new run directory or on in the one it has: what an earlier run finished is not done
 * again, and after a change of the spec only what the change touches is done anew.
 */
export async function startSearch(
  specFile: string,
  runDir: string | undefined,
  options: SearchOptions,
): Promise<Report | undefined> {
  const spec = resolveSpec(await readSpec(specFile), specFile);
  const dir = path.resolve(runDir ?? defaultRunDir(specFile));
  // Everything that can be refused at once is refused before a directory appears.
  await checkInputs(spec, specFile);
  if (!(await holdsRun(dir))) return search(await createRun(dir, runHeader(spec)), spec, options);
  const changed = taskKey('spec', await storedSpec(dir)) !== taskKey('spec', spec);
  const run = await openRun(dir);
  if (changed) run.append({ type: 'run-started', header: runHeader(spec) });
  return search(run, spec, options);
}

/** What a run finds again when it goes on, and what a reader of its log may want to know. */
function runHeader(spec: Spec): Record<string, unknown> {
  return { spec, versions: { puzzle: VERSION, node: process.versions.node, onnxruntime: ENGINE_VERSION } };
}

/** Goes on with a run. */
export async function resumeSearch(runDir: string, options: SearchOptions): Promise<Report | undefined> {
  const dir = path.resolve(runDir);
  const spec = await storedSpec(dir);
  await checkInputs(spec, dir);
  return search(await openRun(dir), spec, options);
}

function search(run: Run, spec: Spec, options: SearchOptions): Promise<Report | undefined> {
  return concludeRun(
    run,
    async () => runStages(await createContext(run, spec, options.executor), options),
    (report) => (report === undefined ? options.until : undefined),
  );
}

/** The stages, in order. Everything a stage gives is on disk before the next begins. */
async function runStages(context: SearchContext, options: SearchOptions): Promise<Report | undefined> {
  const stops = (stage: Stage) => options.until !== undefined && STAGES.indexOf(options.until) <= STAGES.indexOf(stage);
  const { run, spec, budgets } = context;

  beginStage(context, 'space');
  const data = await packData(context);
  const variants = await spaceStage(context);
  run.append({ type: 'plan', seconds: planSeconds({ ...context, taskBytes: await specTaskBytes(spec) }, variants) });
  if (stops('space')) return undefined;

  beginStage(context, 'distil');
  const calibration = new Activations(context, data, 'train', budgets.calibrationTokens);
  const library = await distilStage(context, variants, calibration, data);
  await calibration.release();
  if (stops('distil')) return undefined;

  beginStage(context, 'score');
  const validation = new Activations(context, data, 'validation', budgets.scoreTokens);
  const { scores: ofHalves, details } = await scoreStage(context, variants, library, validation, data);
  await writeLibrary(run, library, details);
  await writeScores(context, ofHalves);
  const pairs = { variants, library, activations: validation, data };
  const known = await scoreAllPairs(context, { ...pairs, scores: ofHalves });
  if (stops('score')) return undefined;

  const tables = await measureStage(context, variants);
  const priced = pricedAtBatches(context.parent.config, variants, tables, spec.target.workload);
  if (stops('measure')) return undefined;

  const requirements = requirementsOf(spec, parseConstraints(spec.limits), priced);
  const together = await coupleStage(context, { ...pairs, scores: known, priced, calibration }, requirements);
  if (stops('couple')) return undefined;

  let { scores } = together;
  for (const costs of priced) scores = await scoreUsedPairs(context, { ...pairs, scores }, costs, requirements);
  const additive = await solveStage(context, scores, priced, requirements);
  const at = priced.findIndex(({ workload }) => workload.batch === additive.workload.batch);
  const [costs, table] = [priced[at], tables[at]];
  if (costs === undefined || table === undefined) throw new Error('the batch that was chosen was not measured');
  const blocks = { variants, library, coupled: together.coupled, validation, data };
  const solution = await refineSolution(context, { ...blocks, scores, costs, requirements, additive });
  await writeSolution(run.dir, solution, { requirements, library: { scores, costs } });
  if (stops('solve')) return undefined;
  const chosen = { ...context, workload: timedWorkload(spec, solution.workload.batch) };

  const assembled = await assembleStage(context, chosenLayers(variants, blocks, solution.architecture));
  if (stops('assemble')) return undefined;

  const child = await uptrainStage(context, assembled, data);
  if (stops('uptrain')) return undefined;

  const evaluation = await evaluateStage(chosen, child.dir, data);
  if (stops('evaluate')) return undefined;

  const findings = { data, costs: table, scores, solution, child, evaluation };
  const report = await exportStage(chosen, findings);
  // A run that was ever asked for baselines goes on with them, and keeps them in its report.
  if (options.baselines !== true && !existsSync(run.path(BASELINES_DIR))) return report;
  const baselines = await buildBaselines(chosen, { calibration, data, scores, costs, solution });
  return publishReport(chosen, { ...findings, baselines });
}

async function specTaskBytes({ tasks }: Spec): Promise<number> {
  return taskBytes(await taskFiles(tasks));
}

async function spaceStage(context: SearchContext): Promise<LayerVariants[]> {
  const { run, spec, parent } = context;
  const variants = enumerateVariants(parent.config, spec.space);
  await runStage(context, 'space', taskKey('space', { parent: context.parentHash, variants }), 1, async () => {
    await writeJson(run.path('space.json'), variants);
    return { artifact: 'space.json' };
  });
  return variants;
}

async function writeLibrary(run: Run, library: readonly LibraryEntry[], details: readonly unknown[]): Promise<void> {
  const entries = library.map(({ layer, half, variant, distil, file }, i) => ({
    layer,
    half,
    variant: variant.name,
    shape: variant.shape,
    lossBefore: distil.lossBefore,
    lossAfter: distil.lossAfter,
    lossInitial: distil.lossInitial,
    lossClosedForm: distil.lossClosedForm,
    distilTokens: distil.tokens,
    score: details[i],
    file: file === undefined ? undefined : path.relative(run.dir, file),
  }));
  await writeJson(run.path(LIBRARY_FILE), entries);
}

async function assembleStage(
  context: SearchContext,
  chosen: readonly ChosenLayer[],
): Promise<{ dir: string; key: string }> {
  const { run, parent, parentHash } = context;
  const files = chosen.map(({ shape, files: { attention, ffn } }) => ({
    shape,
    attention: attention && path.basename(attention),
    ffn: ffn && path.basename(ffn),
  }));
  const key = taskKey('assemble', { parentHash, files });
  const artifact = `assembled/${key.slice(0, 8)}`;
  await runStage(context, 'assemble', key, 1, async () => {
    await writeDirectory(run.path(artifact), (dir) => assembleChild(parent, chosen, dir));
    return { artifact };
  });
  return { dir: run.path(artifact), key };
}
