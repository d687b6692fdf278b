import { taskKey } from '../run/task-key.js';
import { openModel, type SearchContext } from './context.js';
import type { PackedData } from './data.js';
import type { LossPoints } from './loss-curve.js';
import { runStage, type TaskRunner } from './tasks.js';
import { describePlan, uptrainPlan } from './uptrain-plan.js';
import { uptrainChild, type UptrainedChild, type UptrainResult, type UptrainSettings } from './uptrain.js';

/** Which model of the run is uptrained. */
export interface UptrainSubject {
  /** Prefix of its paths in the run directory. */
  folder: string;
  /** Names of its curves. */
  series: { training: string; validation: string };
  runTask: TaskRunner;
}

const CHILD: UptrainSubject = { folder: '', series: uptrainSeries(), runTask: runStage };

/** The names of the curves of a model other than the run's child, or, without a name, of the child. */
export function uptrainSeries(name?: string): UptrainSubject['series'] {
  const suffix = name === undefined ? '' : `, ${name}`;
  return { training: `training loss${suffix}`, validation: `validation KL${suffix}` };
}

/** Uptrains the child of the run, or another one exactly as it. */
export async function uptrainStage(
  context: SearchContext,
  assembled: { dir: string; key: string },
  data: PackedData,
  { folder, series, runTask }: UptrainSubject = CHILD,
): Promise<UptrainedChild> {
  const { run, budgets, spec } = context;
  const settings = uptrainSettings(context);
  const sequences = { train: data.splits.train.sequences, validation: data.splits.validation.sequences };
  const key = taskKey('uptrain', {
    ...{ child: assembled.key, data: data.key, sequences },
    ...{ settings, threads: context.threads },
  });
  const artifact = `${folder}uptrained/${key.slice(0, 8)}`;
  const steps = Math.max(1, Math.ceil(settings.tokens / (settings.batch * budgets.sequenceLength)));
  const child = await openModel(assembled.dir);
  const finished = await runTask(context, 'uptrain', key, steps, async (progress) => {
    const tell = (name: string, points: LossPoints) => {
      run.append({ type: 'loss', key, stage: 'uptrain', series: name, ...points });
    };
    if (spec.uptrain.memory !== undefined) {
      const message = `uptraining within ${spec.uptrain.memory}: ${describePlan(settings)}`;
      run.append({ type: 'log', level: 'info', message });
    }
    const stateDir = run.path(`${folder}uptrain-state/${key.slice(0, 8)}`);
    const result = await uptrainChild(context, child, data.splits, settings, stateDir, run.path(artifact), {
      checkpoint: () => run.checkpoint(),
      onRestored: (step) => {
        progress(step, 'earlier');
      },
      onTraining: (points) => {
        tell(series.training, points);
        progress(points.steps.at(-1) ?? 0);
      },
      onValidation: (step, kl) => {
        tell(series.validation, { steps: [step], values: [kl] });
        progress(step);
      },
    });
    return { artifact, result, tokens: result.tokens };
  });
  return { dir: run.path(artifact), result: finished.result as UptrainResult };
}

function uptrainSettings({ spec, budgets, parent }: SearchContext): UptrainSettings {
  const { memory, ...chosen } = spec.uptrain;
  const plan = uptrainPlan(parent.config, budgets, memory);
  const { uptrainTokens: tokens, uptrainBatch: batch } = budgets;
  return { ...chosen, ...plan, tokens, batch, seed: spec.seed };
}
