// The embedded example, from its spec to the child, and what the child is worth.
import { readFile } from 'node:fs/promises';
import path from 'node:path';
import type { Workload } from '../../src/model/accounting.js';
import { openModel } from '../../src/search/context.js';
import { REPORT_FILE, type Report, reportedChild } from '../../src/search/report.js';
import { FURTHER_WORKLOADS, measureSpeedup } from '../../src/target/speedup.js';
import { EXAMPLE_PARENT, EXAMPLE_SPEC, PUZZLE } from './example-files.js';
import { PAIRS } from './pairs.js';
import { requireSeen, runWatched } from './process-tree.js';
import { type Benchmark, type Measurement, single } from './row.js';

const THREADS = 2;
const SAMPLE_MS = 200;

interface ExampleRun {
  seconds: number;
  peakMib: number;
  report: Report;
  childDir: string;
}

/** The whole search in a process of its own, in a run directory that does not exist yet. */
async function searchExample(runDir: string): Promise<ExampleRun> {
  const { seconds, peakMib } = await runWatched([PUZZLE, 'search', EXAMPLE_SPEC, '--run', runDir], SAMPLE_MS);
  const report = JSON.parse(await readFile(path.join(runDir, REPORT_FILE), 'utf8')) as Report;
  return { seconds, peakMib, report, childDir: await reportedChild(runDir) };
}

async function speedupAt(childDir: string, workload: Workload): Promise<Measurement> {
  const [parent, child] = [await openModel(EXAMPLE_PARENT), await openModel(childDir)];
  const { speedup, speedupLow, speedupHigh, n } = await measureSpeedup(parent, child, workload, {
    threads: THREADS,
    pairs: PAIRS,
  });
  return { value: speedup, n, low: speedupLow, high: speedupHigh };
}

function accuracyKept({ kept, child }: Report): Measurement {
  if (kept.accuracy === null || kept.accuracyStandardError === null) throw new Error('the example has no tasks');
  return {
    value: kept.accuracy,
    n: child.tasks.reduce((items, task) => items + task.items, 0),
    low: kept.accuracy - kept.accuracyStandardError,
    high: kept.accuracy + kept.accuracyStandardError,
  };
}

/** `example-speedup-128-0`, `-128-1024`, and `-batch-1` for a single sequence. */
function furtherName({ batch, prefill, generated }: Workload): string {
  return `example-speedup-${batch === 1 ? 'batch-1' : `${prefill}-${generated}`}`;
}

const describe = ({ batch, prefill, generated }: Workload) =>
  `batch ${batch}, ${prefill} tokens of prompt, ${generated} generated`;

/** All rows share one search, which the first of them that is wanted runs. `scratch` is an empty folder. */
export function exampleBenchmarks(scratch: string): Benchmark[] {
  let running: Promise<ExampleRun> | undefined;
  const example = () => (running ??= searchExample(path.join(scratch, 'run')));
  const searched = `search of ${path.basename(EXAMPLE_SPEC)} from nothing, as a process of its own`;
  const speedup = (name: string, workload: (run: ExampleRun) => Workload, at: string): Benchmark => ({
    name,
    unit: 'x',
    what: `tokens per second of the child over the parent's, the same decode loop with its KV cache, ${THREADS} threads; ${at}`,
    measure: async () => {
      const run = await example();
      return speedupAt(run.childDir, workload(run));
    },
  });
  return [
    {
      name: 'example-search-seconds',
      unit: 's',
      what: `wall time of a ${searched}`,
      measure: async () => single((await example()).seconds),
    },
    {
      name: 'example-peak-mib',
      unit: 'MiB',
      what: `largest sum of resident memory over all processes of the same search, looked at every ${SAMPLE_MS} ms; shared pages count in each`,
      measure: async () => single(requireSeen((await example()).peakMib)),
    },
    speedup('example-speedup', ({ report }) => report.evaluation.speedup.workload, "the spec's own workload"),
    ...FURTHER_WORKLOADS.map((workload) => speedup(furtherName(workload), () => workload, describe(workload))),
    {
      name: 'example-accuracy-kept',
      unit: 'ratio',
      what: "the child's mean accuracy over the tasks divided by the parent's; low and high are one paired standard error away, n counts items",
      measure: async () => accuracyKept((await example()).report),
    },
  ];
}
