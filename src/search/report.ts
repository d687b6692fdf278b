import path from 'node:path';
import * as z from 'zod';
import { InputError } from '../common/errors.js';
import type { AttentionShape, FfnShape, LayerShape, ModelConfig } from '../formats/hf-config.js';
import { isFile, readJsonFile } from '../formats/json-file.js';
import { memoryBytes, modelCosts, parameterCount, SERVED_DTYPE, type Workload } from '../model/accounting.js';
import { modelTensors, subblockTensors } from '../model/tensors.js';
import { architectureNames } from '../model/variants.js';
import { writeJson } from '../run/artifacts.js';
import { type Stage, STAGES } from '../run/events.js';
import type { RunState } from '../run/state.js';
import type { EvaluationResult } from './evaluate/stage.js';
import type { RefinedSolution } from './interactions/stage.js';
import { pairName } from './pair-name.js';
import type { LayerScores } from './solve.js';

/** The report's name in the run directory. */
export const REPORT_FILE = 'report.json';

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
export interface ModelReport {
  name: string;
  dir: string;
  parameters: number;
  /** At the workload, at the precision the weights are stored in. */
  memory: { weightBytes: number; kvBytes: number; bytes: number };
  /** Tokens per second at the workload. */
  throughput: { predicted: number; measured: number };
  /** On test text. */
  perplexity: number;
  /** KL(parent || this model), nats/token; 0 for the parent. */
  kl: number;
  /** Share of positions where the likeliest next token is the parent's. */
  topOneAgreement: number;
  /** Mean over the tasks, and the same minus chance; null without tasks. */
  accuracy: number | null;
  accuracyAboveChance: number | null;
  tasks: TaskReport[];
}

/** What a model keeps of its parent and what it wins, as shares of the parent's. */
export interface Kept {
  /** Of the mean accuracy over the tasks; null without tasks. */
  accuracy: number | null;
  accuracyStandardError: number | null;
  /** The same with chance taken off both; null without tasks, or where the parent is not above chance. */
  accuracyAboveChance: number | null;
  /** Measured throughput: median and quartiles of the ratio over alternating pairs of timings. */
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
  /** The sum of its halves' scores: KL of the full parent with one of them swapped in, nats/token. */
  score: number;
}

export interface BaselineReport {
  model: ModelReport;
  kept: Kept;
  /** Training tokens, the same kind of training as the child's. */
  uptrainTokens: number;
}

export interface StageReport {
  stage: Stage;
  seconds: number;
  tokens: number;
}

/** Everything there is to tell about a finished run. Plain JSON: the content of `report.json`. */
export interface Report {
  version: 1;
  name: string;
  parent: ModelReport;
  child: ModelReport;
  kept: Kept;
  /** Tokens of all stages, training and evaluation. */
  tokens: number;
  /** Worked on the run in all, pauses not counted. */
  seconds: number;
  stages: StageReport[];
  architecture: LayerReport[];
  /** How the architecture was found; `margin` is the share by which limits on runtime were tightened. */
  solution: RefinedSolution & { margin: number };
  evaluation: EvaluationResult;
  baselines: BaselineReport[];
  warnings: string[];
  paths: { run: string; report: string; parent: string; child: string };
}

/** A model that was compared with the parent. */
export interface ComparedModel {
  dir: string;
  config: ModelConfig;
  evaluation: EvaluationResult;
}

/** What the stages found out, as far as the report tells of it. */
export interface ReportPieces {
  name: string;
  paths: Report['paths'];
  parent: ModelConfig;
  child: ComparedModel;
  /** Of every variant, as the solver saw them. */
  scores: readonly LayerScores[];
  solution: Report['solution'];
  state: RunState;
  baselines?: readonly (ComparedModel & { name: string; uptrainTokens: number; predictedThroughput: number })[];
}

/** Puts the report together. Pure: nothing is measured or read here. */
export function buildReport(pieces: ReportPieces): Report {
  const { name, paths, parent, child, solution, state, baselines = [] } = pieces;
  const { evaluation } = child;
  const stages = stageReports(state);
  return {
    version: 1,
    name,
    parent: parentReport(paths.parent, parent, evaluation, solution.parent.throughput),
    child: childReport('child', child, solution.totals.throughput),
    kept: keptOf(parent, child),
    tokens: stages.reduce((sum, { tokens }) => sum + tokens, 0),
    seconds: state.seconds,
    stages,
    architecture: layerReports(parent, child.config.layers, pieces.scores),
    solution,
    evaluation,
    baselines: baselines.map((baseline) => ({
      model: childReport(baseline.name, baseline, baseline.predictedThroughput),
      kept: keptOf(parent, baseline),
      uptrainTokens: baseline.uptrainTokens,
    })),
    warnings: [...state.warnings],
    paths,
  };
}

/** The stages that were begun, in the order of the method. */
function stageReports({ stages }: RunState): StageReport[] {
  return STAGES.flatMap((stage) => {
    const at = stages[stage];
    return at === undefined ? [] : [{ stage, seconds: at.seconds, tokens: at.tokens }];
  });
}

function parentReport(
  dir: string,
  config: ModelConfig,
  { text, tasks, accuracy, speedup }: EvaluationResult,
  predicted: number,
): ModelReport {
  return {
    ...{ name: 'parent', dir },
    ...sizeOf(config, speedup.workload),
    throughput: { predicted, measured: speedup.parentTokensPerSecond.median },
    perplexity: text.parentPerplexity,
    kl: 0,
    topOneAgreement: 1,
    accuracy: accuracy?.sum.parent ?? null,
    accuracyAboveChance: accuracy === null ? null : accuracy.sum.parent - accuracy.sum.chance,
    tasks: taskReports(tasks, 'parent'),
  };
}

function childReport(
  name: string,
  { dir, config, evaluation: { text, tasks, accuracy, speedup } }: ComparedModel,
  predicted: number,
): ModelReport {
  return {
    ...{ name, dir },
    ...sizeOf(config, speedup.workload),
    throughput: { predicted, measured: speedup.childTokensPerSecond.median },
    perplexity: text.childPerplexity,
    kl: text.kl,
    topOneAgreement: text.topOneAgreement,
    accuracy: accuracy?.sum.child ?? null,
    accuracyAboveChance: accuracy === null ? null : accuracy.sum.child - accuracy.sum.chance,
    tasks: taskReports(tasks, 'child'),
  };
}

function taskReports(tasks: EvaluationResult['tasks'], side: 'parent' | 'child'): TaskReport[] {
  return tasks.map(({ name, items, chance, [side]: accuracy }) => ({
    ...{ name, items, chance },
    accuracy: accuracy.sum,
    accuracyNormalised: accuracy.normalised,
  }));
}

function sizeOf(config: ModelConfig, workload: Workload): Pick<ModelReport, 'parameters' | 'memory'> {
  const costs = modelCosts(config, { weights: SERVED_DTYPE, context: workload.prefill + workload.generated });
  const { parameters, weightBytes } = costs;
  const bytes = memoryBytes(costs, workload);
  return { parameters, memory: { weightBytes, kvBytes: bytes - weightBytes, bytes } };
}

function keptOf(parent: ModelConfig, { config, evaluation }: ComparedModel): Kept {
  const { accuracy, speedup, memory } = evaluation;
  return {
    accuracy: accuracy?.sum.kept?.value ?? null,
    accuracyStandardError: accuracy?.sum.kept?.standardError ?? null,
    accuracyAboveChance: accuracy?.sum.keptAboveChance?.value ?? null,
    speedup: speedup.speedup,
    speedupLow: speedup.speedupLow,
    speedupHigh: speedup.speedupHigh,
    memory: memory.childBytes / memory.parentBytes,
    parameters: parameterCount(modelTensors(config)) / parameterCount(modelTensors(parent)),
  };
}

/** What an architecture keeps of its parent, layer by layer, and the scores that this was chosen by. */
export function layerReports(
  parent: ModelConfig,
  layers: readonly LayerShape[],
  scores: readonly LayerScores[],
): LayerReport[] {
  const names = architectureNames(layers, parent.layers);
  return layers.map(({ attention, ffn }, index) => {
    const [own, name] = [parent.layers[index], names[index]];
    if (own === undefined || name === undefined) throw new Error(`the parent has no layer ${index}`);
    const parameters = {
      attention: (shape: AttentionShape) => parameterCount(subblockTensors(parent, 'attention', shape)),
      ffn: (shape: FfnShape) => parameterCount(subblockTensors(parent, 'ffn', shape)),
    };
    const scored = scores[index];
    return {
      attention: {
        name: name.attention,
        kept: keptShare(parameters.attention(attention), parameters.attention(own.attention)),
      },
      ffn: { name: name.ffn, kept: keptShare(parameters.ffn(ffn), parameters.ffn(own.ffn)) },
      // The parent's own halves drop nothing, and need not have been scored.
      score:
        scored?.pairs?.[pairName(name.attention, name.ffn)] ??
        (scored?.attention[name.attention] ?? 0) + (scored?.ffn[name.ffn] ?? 0),
    };
  });
}

function keptShare(part: number, whole: number): number {
  return whole === 0 ? 0 : part / whole;
}

/** Writes `report.json` of a run. */
export async function writeReport(report: Report): Promise<void> {
  await writeJson(report.paths.report, report);
}

/** Paths only: the rest of the file is for people and other programs. */
const storedSchema = z.object({ version: z.literal(1), paths: z.object({ run: z.string(), child: z.string() }) });
const MAX_REPORT_BYTES = 64 * 1024 * 1024;

/**
 * The child's folder by the report of a run, also where the run directory has been moved since.
 * @throws InputError when the run has no report yet
 */
export async function reportedChild(runDir: string): Promise<string> {
  const file = path.join(runDir, REPORT_FILE);
  if (!(await isFile(file))) throw new InputError('the run has no child yet; go on with: puzzle resume', runDir);
  const stored = storedSchema.safeParse(await readJsonFile(file, MAX_REPORT_BYTES));
  if (!stored.success) throw new InputError('is not a report of this version of the program', file);
  const { run, child } = stored.data.paths;
  return path.resolve(runDir, path.relative(run, child));
}
