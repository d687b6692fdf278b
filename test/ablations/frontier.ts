// Accuracy kept against speed-up: the search beside the baselines that need no search.
import { writeJson } from '../../src/run/artifacts.js';
import type { Estimate } from '../../src/search/evaluate/kept.js';
import type { BaselineReport, Kept, Report } from '../../src/search/report.js';
import { startSearch } from '../../src/search/pipeline.js';
import { createExecutor } from '../../src/worker/executor.js';
import { type Lab, runDirOf } from './lab.js';
import { pairedDifference } from './paired.js';
import { around, type Cell, type Table } from './table.js';

const LIMITS = { short: [1.7, 2.5], full: [1.3, 1.7, 2.17, 2.5, 3, 4] };
/** Of each model's uptraining. */
const TOKENS = 250_000;
/** From this speed-up on the search must be ahead. */
const AHEAD_FROM = 1.7;
/** A difference of so many standard errors is one. */
const BEYOND = 1;

interface Method {
  name: string;
  kept: Kept;
  kl: number;
  predicted: number;
}

interface Point {
  limit: number;
  methods: Method[];
  /** Accuracy of the child minus that of each baseline, paired over the items. */
  ahead: ({ baseline: string } & Estimate)[];
}

/** One search with its baselines for each limit, in one run directory: the block library is made once. */
export async function frontier(lab: Lab): Promise<Table> {
  const [subject] = lab.subjects;
  if (subject === undefined) throw new Error('the example is always there');
  const points: Point[] = [];
  for (const limit of lab.full ? LIMITS.full : LIMITS.short) {
    const spec = {
      ...subject.spec,
      limits: { throughput: `>= ${limit}x` },
      uptrain: { tokens: TOKENS },
    };
    const file = lab.store.folder(subject.name, 'frontier.puzzle.json');
    lab.say(`frontier: ${limit}x`);
    points.push(
      await lab.store.once('frontier', { spec, version: lab.version }, async () => {
        await writeJson(file, spec);
        const runDir = runDirOf(lab, subject);
        const report = await startSearch(file, runDir, { executor: createExecutor(), baselines: true });
        if (report === undefined) throw new Error('the search ended without a report');
        return pointOf(limit, runDir, report);
      }),
    );
  }
  return tableOf(points);
}

async function pointOf(limit: number, runDir: string, report: Report): Promise<Point> {
  const method = (name: string, { kept, model }: Pick<BaselineReport, 'kept' | 'model'>): Method => ({
    ...{ name, kept, kl: model.kl },
    predicted: model.throughput.predicted / report.parent.throughput.predicted,
  });
  const baselines = report.baselines.map((baseline) => method(baseline.model.name, baseline));
  const ahead: Point['ahead'] = [];
  for (const { model } of report.baselines) {
    ahead.push({ baseline: model.name, ...(await pairedDifference(runDir, model.dir, report.paths.child)) });
  }
  const child = method('puzzle', { kept: report.kept, model: report.child });
  return { limit, methods: [child, ...baselines], ahead };
}

function tableOf(points: readonly Point[]): Table {
  const row = ({ limit }: Point, { name, kept, kl, predicted }: Method): Cell[] => {
    const { accuracy, accuracyStandardError, accuracyAboveChance, speedup, speedupLow, speedupHigh } = kept;
    return [
      `${limit}x`,
      name,
      `${predicted.toFixed(2)}x`,
      { value: speedup, low: speedupLow, high: speedupHigh },
      percent(accuracy, accuracyStandardError),
      percent(accuracyAboveChance),
      kl,
    ];
  };
  const findings = points
    .filter(({ limit }) => limit >= AHEAD_FROM)
    .flatMap(({ limit, ahead }) =>
      ahead.map(({ baseline, value: difference, standardError }) => {
        const isAhead = difference > BEYOND * standardError;
        const by = `${(100 * difference).toFixed(2)} ± ${(100 * standardError).toFixed(2)} points of accuracy`;
        return `${limit}x: puzzle is ${isAhead ? '' : '**not** '}ahead of ${baseline} beyond the paired standard error (${by})`;
      }),
    );
  return {
    note: `Every model is uptrained with the same ${TOKENS.toLocaleString('en')} tokens. Baselines are as fast as the child by the same predictions, or as fast as they get. Measured throughput: median and quartiles of alternating pairs. Accuracy: share of the parent's, ± one paired standard error.`,
    columns: [
      'limit',
      'method',
      'predicted',
      'measured throughput, x',
      'accuracy kept',
      'above chance',
      'KL, nats/token',
    ],
    rows: points.flatMap((point) => point.methods.map((method) => row(point, method))),
    findings,
  };
}

function percent(share: number | null, error: number | null = null): string {
  if (share === null) return '–';
  const { value, low } = around(100 * share, 100 * (error ?? 0));
  return `${value.toFixed(1)}%${error === null ? '' : ` ± ${(value - low).toFixed(1)}`}`;
}
