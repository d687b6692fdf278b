import type { ModelConfig } from '../formats/hf-config.js';
import {
  attentionCosts,
  type CostOptions,
  type Costs,
  ffnCosts,
  memoryBytes,
  modelCosts,
  type Workload,
} from '../model/accounting.js';
import type { TaskScores } from '../model/score-choices.js';
import { architectureNames } from '../model/variants.js';
import type { Stage } from '../run/events.js';
import type { Speedup } from '../target/speedup.js';

/** The report's name in the run directory. */
export const REPORT_FILE = 'report.json';

/** What the evaluation found out about one model, read back from its folder. */
export interface EvaluatedModel {
  dir: string;
  config: ModelConfig;
  text: TextQuality;
  tasks: TaskScores[];
}

/** On the test split of the text. */
export interface TextQuality {
  /** Predicted tokens. */
  tokens: number;
  perplexity: number;
  /** KL(parent || this model), nats/token; 0 for the parent. */
  kl: number;
  /** Share of positions at which the likeliest next token is the parent's. */
  topOneAgreement: number;
}

export interface TaskReport {
  name: string;
  items: number;
  /** Expected accuracy of guessing. */
  chance: number;
  /** By the sum of the choice's log-probabilities, and by the same per byte of its text. */
  accuracy: number;
  accuracyNormalised: number;
}

/** One model: the parent, the child or a baseline. */
export interface ModelReport extends TextQuality {
  name: string;
  dir: string;
  parameters: number;
  /** At the report's workload and precision. */
  memory: { weightBytes: number; kvBytes: number; bytes: number };
  /** Tokens per second at the report's workload; null where nobody predicted, or measured, it. */
  throughput: { predicted: number | null; measured: number | null };
  /** Mean over the task families, and the same minus chance; null without tasks. */
  accuracy: number | null;
  accuracyAboveChance: number | null;
  tasks: TaskReport[];
}

/** What a model keeps of its parent, and what it wins: shares of the parent's. */
export interface Kept {
  /** Mean accuracy over the task families; null without tasks. */
  accuracy: number | null;
  /** Paired over the items: the same questions to both models. */
  accuracyStandardError: number | null;
  accuracyAboveChance: number | null;
  /** Measured throughput: the median over alternating pairs of timings, and the quartiles. */
  speedup: number;
  speedupLow: number;
  speedupHigh: number;
  /** Weights and KV cache at the workload. */
  memory: number;
  parameters: number;
}

/** One half of one layer of the child. */
export interface HalfReport {
  name: string;
  /** Share of the parent's parameters in this half that is kept. */
  kept: number;
}

export interface LayerReport {
  attention: HalfReport;
  ffn: HalfReport;
  /** KL of the full parent with only this layer's choice swapped in, nats/token: what the search minimised. */
  score: number;
}

/** How the architecture was found. */
export interface SolutionReport {
  status: 'optimal' | 'incumbent';
  /** As in the spec, or as asked for instead. */
  limits: Record<string, string>;
  /** Share by which runtime limits were tightened. */
  margin: number;
  /** Sum of scores, and what no architecture within the limits goes below. */
  objective: number;
  bound: number;
  milliseconds: number;
}

export interface BaselineReport {
  model: ModelReport;
  kept: Kept;
  speedup: Speedup;
  uptrainTokens: number;
}

export interface StageReport {
  stage: Stage;
  seconds: number;
  tokens: number;
}

/** Everything there is to tell about a finished run. Plain JSON, the content of `report.json`. */
export interface Report {
  version: 1;
  name: string;
  parent: ModelReport;
  child: ModelReport;
  kept: Kept;
  /** Training and evaluation tokens of all stages. */
  tokens: number;
  /** Worked in all, over all processes of the run one after the other, pauses not counted. */
  seconds: number;
  stages: StageReport[];
  architecture: LayerReport[];
  solution: SolutionReport;
  evaluation: {
    workload: Workload;
    precision: { weights: string; kvCache: string };
    /** The first is that of the run's own workload. */
    speedups: Speedup[];
  };
  baselines: BaselineReport[];
  warnings: string[];
  paths: { run: string; report: string; child: string; parent: string };
}

/** What the stages found out, as far as the report tells of it. */
export interface ReportPieces {
  name: string;
  run: string;
  workload: Workload;
  /** What weights and KV cache are stored as where the model is served. */
  costs: CostOptions;
  parent: EvaluatedModel;
  child: EvaluatedModel;
  /** Per layer of the child. */
  scores: readonly number[];
  solution: SolutionReport;
  /** Tokens per second that the cost table predicts. */
  predicted: { parent: number; child: number };
  /** Child against parent; the first at the run's workload. */
  speedups: readonly Speedup[];
  baselines?: readonly { name: string; model: EvaluatedModel; speedup: Speedup; uptrainTokens: number }[];
  stages: readonly StageReport[];
  seconds: number;
  warnings: readonly string[];
  reportFile: string;
}

/** Puts the report together. Pure: nothing is measured or read here. */
export function buildReport(pieces: ReportPieces): Report {
  const { parent, child, workload, costs, predicted, speedups, baselines = [], stages } = pieces;
  const [own] = speedups;
  if (own === undefined) throw new Error('a report needs the speed-up at the workload of the run');
  const rowOf = (name: string, model: EvaluatedModel, throughput: ModelReport['throughput']) =>
    modelReport(name, model, { workload, costs, throughput });
  const keptBy = (model: EvaluatedModel, speedup: Speedup) => keptOf(parent, model, { speedup, workload, costs });
  return {
    version: 1,
    name: pieces.name,
    parent: rowOf('parent', parent, {
      predicted: predicted.parent,
      measured: own.parentTokensPerSecond.median,
    }),
    child: rowOf('child', child, { predicted: predicted.child, measured: own.childTokensPerSecond.median }),
    kept: keptBy(child, own),
    tokens: stages.reduce((sum, { tokens }) => sum + tokens, 0),
    seconds: pieces.seconds,
    stages: [...stages],
    architecture: layerReports(parent.config, child.config, pieces.scores, costs),
    solution: pieces.solution,
    evaluation: {
      workload,
      precision: { weights: costs.weights, kvCache: costs.kvCache ?? costs.weights },
      speedups: [...speedups],
    },
    baselines: baselines.map(({ name, model, speedup, uptrainTokens }) => ({
      model: rowOf(name, model, { predicted: null, measured: speedup.childTokensPerSecond.median }),
      kept: keptBy(model, speedup),
      speedup,
      uptrainTokens,
    })),
    warnings: [...pieces.warnings],
    paths: { run: pieces.run, report: pieces.reportFile, child: child.dir, parent: parent.dir },
  };
}

function modelReport(
  name: string,
  { dir, config, text, tasks }: EvaluatedModel,
  { workload, costs, throughput }: { workload: Workload; costs: CostOptions; throughput: ModelReport['throughput'] },
): ModelReport {
  const own = modelCosts(config, costs);
  const bytes = memoryBytes(own, workload);
  return {
    ...{ name, dir, ...text, throughput },
    parameters: own.parameters,
    memory: { weightBytes: own.weightBytes, kvBytes: bytes - own.weightBytes, bytes },
    accuracy: meanAccuracy(tasks),
    accuracyAboveChance: meanAboveChance(tasks),
    tasks: tasks.map(({ name: task, items, chance, accuracy }) => ({
      ...{ name: task, items, chance },
      accuracy: accuracy.sum,
      accuracyNormalised: accuracy.normalised,
    })),
  };
}

function keptOf(
  parent: EvaluatedModel,
  model: EvaluatedModel,
  { speedup, workload, costs }: { speedup: Speedup; workload: Workload; costs: CostOptions },
): Kept {
  const costsOf = ({ config }: EvaluatedModel): Costs => modelCosts(config, costs);
  return {
    accuracy: share(meanAccuracy(model.tasks), meanAccuracy(parent.tasks)),
    accuracyStandardError: keptStandardError(parent.tasks, model.tasks),
    accuracyAboveChance: share(meanAboveChance(model.tasks), meanAboveChance(parent.tasks)),
    speedup: speedup.speedup,
    speedupLow: speedup.speedupLow,
    speedupHigh: speedup.speedupHigh,
    memory: memoryBytes(costsOf(model), workload) / memoryBytes(costsOf(parent), workload),
    parameters: costsOf(model).parameters / costsOf(parent).parameters,
  };
}

function mean(numbers: readonly number[]): number {
  return numbers.reduce((sum, value) => sum + value, 0) / numbers.length;
}

function meanAccuracy(tasks: readonly TaskScores[]): number | null {
  return tasks.length === 0 ? null : mean(tasks.map(({ accuracy }) => accuracy.sum));
}

function meanAboveChance(tasks: readonly TaskScores[]): number | null {
  return tasks.length === 0 ? null : mean(tasks.map(({ accuracy, chance }) => accuracy.sum - chance));
}

/** A share of something that may be absent; of a parent that has nothing to keep there is no share. */
function share(part: number | null, whole: number | null): number | null {
  return part === null || whole === null || whole <= 0 ? null : part / whole;
}

/**
 * Standard error of child's over parent's mean accuracy, r = C / P, by the delta method: the mean over families of the
 * items' paired differences c - r p has its own standard error, which is divided by P.
 */
function keptStandardError(parent: readonly TaskScores[], child: readonly TaskScores[]): number | null {
  const whole = meanAccuracy(parent);
  const ratio = share(meanAccuracy(child), whole);
  if (ratio === null || whole === null) return null;
  const variances = parent.map(({ correct }, family) => {
    const answers = child[family]?.correct.sum ?? [];
    const differences = correct.sum.map((right, item) => (answers[item] ?? 0) - ratio * right);
    const centre = mean(differences);
    const squares = differences.reduce((sum, value) => sum + (value - centre) ** 2, 0);
    return squares / Math.max(1, differences.length - 1) / differences.length;
  });
  const variance = variances.reduce((sum, value) => sum + value, 0) / parent.length ** 2;
  return Math.sqrt(variance) / whole;
}

function layerReports(
  parent: ModelConfig,
  child: ModelConfig,
  scores: readonly number[],
  costs: CostOptions,
): LayerReport[] {
  const names = architectureNames(child.layers, parent.layers);
  return child.layers.map((layer, index) => {
    const own = parent.layers[index];
    const name = names[index];
    if (own === undefined || name === undefined) throw new Error(`the parent has no layer ${index}`);
    const keptShare = (part: Costs, whole: Costs) => (whole.parameters === 0 ? 0 : part.parameters / whole.parameters);
    return {
      attention: {
        name: name.attention,
        kept: keptShare(attentionCosts(child, layer.attention, costs), attentionCosts(parent, own.attention, costs)),
      },
      ffn: { name: name.ffn, kept: keptShare(ffnCosts(child, layer.ffn, costs), ffnCosts(parent, own.ffn, costs)) },
      score: scores[index] ?? 0,
    };
  });
}
