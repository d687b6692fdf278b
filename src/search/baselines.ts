import { isDeepStrictEqual } from 'node:util';
import type { LayerShape } from '../formats/hf-config.js';
import { architectureNames } from '../model/variants.js';
import { writeDirectory } from '../run/artifacts.js';
import { taskKey } from '../run/task-key.js';
import type { LibraryCosts } from '../target/costs.js';
import { throughput } from '../target/workload.js';
import type { Activations } from './activations.js';
import { assembleUntrained } from './assemble-untrained.js';
import { droppedLayers, type PlannedShape, uniformPruning, within } from './baseline-shapes.js';
import { openModel, type SearchContext } from './context.js';
import type { PackedData } from './data.js';
import { evaluateStage } from './evaluate/stage.js';
import type { ComparedModel } from './report.js';
import type { LayerScores, SolvedArchitecture } from './solve.js';
import { runApart, warnOnce } from './tasks.js';
import { uptrainSeries, uptrainStage } from './uptrain-stage.js';

/** Everything about the baselines, in the run directory. */
export const BASELINES_DIR = 'baselines';

/** What the stages before found out. */
export interface BaselineInputs {
  /** The parent's, on training text. */
  calibration: Activations;
  data: PackedData;
  scores: readonly LayerScores[];
  costs: LibraryCosts;
  solution: SolvedArchitecture;
}

/** A model made without a search, as fast as the child by the same predictions and trained as the child was. */
export interface Baseline extends ComparedModel {
  name: string;
  uptrainTokens: number;
  /** Tokens per second by the cost table. */
  predictedThroughput: number;
}

type Planner = (context: SearchContext, inputs: BaselineInputs, limit: number) => PlannedShape;

const PLANNERS: Record<string, Planner> = {
  'uniform width pruning': ({ parent, spec }, { costs }, limit) =>
    uniformPruning(parent.config, costs, spec.space.ffn.multiple, limit),
  'layer dropping': ({ parent }, { costs, scores }, limit) => droppedLayers(parent.config, costs, scores, limit),
};

/**
 * Plans, assembles, uptrains and evaluates each baseline: apart from the nine stages, which neither begin again nor take
 * longer or more tokens for it. What has finished is not done again.
 */
export async function buildBaselines(context: SearchContext, inputs: BaselineInputs): Promise<Baseline[]> {
  const baselines: Baseline[] = [];
  const { latency: limit } = inputs.solution.totals;
  for (const [name, planner] of Object.entries(PLANNERS)) {
    const plan = planner(context, inputs, limit);
    const reaches = within(plan, limit);
    if (!reaches && isDeepStrictEqual(plan.layers, context.parent.config.layers)) {
      warnOnce(context.run, `${name} is left out: this space has no variants that it could use`);
      continue;
    }
    if (!reaches) {
      const [most, wanted] = [plan.seconds, limit].map((seconds) => speedup(inputs, seconds));
      const message = `${name} gets to ${most} of the parent's predicted throughput at most, the child to ${wanted}`;
      warnOnce(context.run, `${message}; it is compared at that`);
    }
    baselines.push(await buildBaseline(context, name, plan, inputs));
  }
  return baselines;
}

async function buildBaseline(
  context: SearchContext,
  name: string,
  plan: PlannedShape,
  inputs: BaselineInputs,
): Promise<Baseline> {
  const { calibration, costs, data } = inputs;
  const { run, parent, parentHash } = context;
  const folder = `${BASELINES_DIR}/${name.replaceAll(' ', '-')}`;
  const apart = runApart(name);

  const key = taskKey('assemble-untrained', {
    ...{ parentHash, data: data.key, calibrationTokens: calibration.tokens },
    layers: plan.layers,
  });
  const artifact = `${folder}/assembled/${key.slice(0, 8)}`;
  await apart(context, 'assemble', key, 1, async () => {
    const shape = `${layersText(plan.layers, parent.config.layers)}; predicted ${speedup(inputs, plan.seconds)}`;
    run.append({ type: 'log', level: 'info', message: `${name}: ${shape}` });
    await calibration.needChannels();
    await writeDirectory(run.path(artifact), (dir) =>
      assembleUntrained(parent, plan.layers, calibration.channels, dir),
    );
    return { artifact };
  });
  const uptrained = await uptrainStage(context, { dir: run.path(artifact), key }, data, {
    ...{ folder: `${folder}/`, series: uptrainSeries(name), runTask: apart },
  });
  const evaluation = await evaluateStage(context, uptrained.dir, data, apart);
  return {
    name,
    dir: uptrained.dir,
    config: (await openModel(uptrained.dir)).config,
    evaluation,
    uptrainTokens: uptrained.result.tokens,
    predictedThroughput: throughput(costs.workload, plan.seconds),
  };
}

/** `2.40x`: predicted, of the parent's throughput. */
function speedup({ solution }: BaselineInputs, seconds: number): string {
  return `${(solution.parent.latency / seconds).toFixed(2)}x`;
}

/** `3 × kv4 + ffn-100%, 2 × no-op + no-op` */
function layersText(layers: readonly LayerShape[], parent: readonly LayerShape[]): string {
  const counts = new Map<string, number>();
  for (const { attention, ffn } of architectureNames(layers, parent)) {
    const name = `${attention} + ${ffn}`;
    counts.set(name, (counts.get(name) ?? 0) + 1);
  }
  return [...counts].map(([name, count]) => `${count} × ${name}`).join(', ');
}
