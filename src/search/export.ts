import { copyFile, readdir } from 'node:fs/promises';
import path from 'node:path';
import { VERSION } from '../common/version.js';
import { ENGINE_VERSION } from '../graph/engine.js';
import type { CostTable } from '../target/table.js';
import { writeDirectory, writeJson } from '../run/artifacts.js';
import { taskKey } from '../run/task-key.js';
import type { Baseline } from './baselines.js';
import { modelHash, openModel, type SearchContext } from './context.js';
import type { PackedData } from './data.js';
import type { EvaluationResult } from './evaluate/stage.js';
import { buildReport, type Report, REPORT_FILE, writeReport } from './report.js';
import type { RefinedSolution } from './interactions/stage.js';
import type { LayerScores } from './solve.js';
import type { Spec } from './spec.js';
import { runStage } from './tasks.js';
import type { UptrainedChild } from './uptrain.js';

/** Where the finished child is, in the run directory: a model folder in the nemotron-nas dialect. */
export const CHILD_DIR = 'child';
const PROVENANCE_FILE = 'puzzle-provenance.json';

export interface Findings {
  data: PackedData;
  costs: CostTable;
  scores: readonly LayerScores[];
  solution: RefinedSolution;
  child: UptrainedChild;
  evaluation: EvaluationResult;
  baselines?: readonly Baseline[];
}

/** Writes the child with its provenance, and the report. */
export async function exportStage(context: SearchContext, findings: Findings): Promise<Report> {
  const { run, spec } = context;
  const { data, costs, solution, child, scores } = findings;
  const model = await openModel(child.dir);
  const provenance = {
    parent: { dir: path.basename(spec.parent), hash: context.parentHash },
    child: { hash: await modelHash(model), architecture: solution.architecture },
    spec: portableSpec(spec),
    seed: spec.seed,
    data: { textHashes: data.textHashes },
    versions: { puzzle: VERSION, node: process.versions.node, onnxruntime: ENGINE_VERSION },
    solution: {
      objective: solution.objective,
      bound: solution.bound,
      totals: solution.totals,
      parent: solution.parent,
      interactions: solution.interactions,
    },
    scores,
    costs,
    uptrain: child.result,
  };
  const key = taskKey('export', { provenance });
  await runStage(context, 'export', key, 1, async () => {
    await writeDirectory(run.path(CHILD_DIR), async (dir) => {
      for (const name of await readdir(child.dir)) await copyFile(path.join(child.dir, name), path.join(dir, name));
      await writeJson(path.join(dir, PROVENANCE_FILE), provenance);
    });
    return { artifact: CHILD_DIR };
  });
  return publishReport(context, findings);
}

/** Writes the report of a run whose child is exported. */
export async function publishReport(context: SearchContext, findings: Findings): Promise<Report> {
  const { run, parent, spec } = context;
  const { scores, solution, child, evaluation, baselines = [] } = findings;
  const { config } = await openModel(child.dir);
  const report = buildReport({
    name: path.basename(run.dir),
    paths: { run: run.dir, report: run.path(REPORT_FILE), parent: spec.parent, child: run.path(CHILD_DIR) },
    parent: parent.config,
    child: { dir: run.path(CHILD_DIR), config, evaluation },
    scores,
    solution: { ...solution, margin: spec.margin },
    state: run.state(),
    baselines,
  });
  await writeReport(report);
  return report;
}

/** The spec with names for paths: those say where things were on this machine, not what they were; hashes do. */
function portableSpec(spec: Spec): unknown {
  const { parent, data, tasks, target } = spec;
  return {
    ...spec,
    parent: path.basename(parent),
    data: { ...data, text: [data.text].flat().map((file) => path.basename(file)) },
    tasks: tasks.map((file) => path.basename(file)),
    target: target.engine === 'table' ? { ...target, file: path.basename(target.file) } : target,
  };
}
