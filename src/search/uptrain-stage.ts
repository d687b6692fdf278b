import { taskKey } from '../run/task-key.js';
import { openModel, type SearchContext } from './context.js';
import type { PackedData } from './data.js';
import { runStage, type TaskRunner } from './tasks.js';
import { uptrainChild, type UptrainedChild, type UptrainResult, type UptrainSettings } from './uptrain.js';

/** Which model of the run is uptrained. */
export interface UptrainSubject {
  /** Prefix of its paths in the run directory. */
  folder: string;
  /** Name of its curve. */
  series: string;
  runTask: TaskRunner;
}

const CHILD: UptrainSubject = { folder: '', series: 'validation KL', runTask: runStage };

/** Uptrains the child of the run, or another one exactly as it. */
export async function uptrainStage(
  context: SearchContext,
  assembled: { dir: string; key: string },
  data: PackedData,
  { folder, series, runTask }: UptrainSubject = CHILD,
): Promise<UptrainedChild> {
  const { run, budgets } = context;
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
    const stateDir = run.path(`${folder}uptrain-state/${key.slice(0, 8)}`);
    const result = await uptrainChild(context, child, data.splits, settings, stateDir, run.path(artifact), {
      checkpoint: () => run.checkpoint(),
      progress: (state) => {
        progress(state.steps);
        const value = state.curve.values.at(-1);
        const finite = value !== undefined && Number.isFinite(value) ? value : null;
        run.append({ type: 'loss', key, stage: 'uptrain', series, steps: [state.steps], values: [finite] });
      },
    });
    return { artifact, result, tokens: result.tokens };
  });
  return { dir: run.path(artifact), result: finished.result as UptrainResult };
}

function uptrainSettings({ spec, budgets }: SearchContext): UptrainSettings {
  const { learningRate, validateEvery, patience } = spec.uptrain;
  return {
    ...{ tokens: budgets.uptrainTokens, batch: budgets.uptrainBatch },
    ...{ learningRate, validateEvery, patience, seed: spec.seed },
  };
}
