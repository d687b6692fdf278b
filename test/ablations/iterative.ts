// Compressing at once against compressing in steps: a part, a short distillation, new scores, and on from there.
import { modelTensors } from '../../src/model/tensors.js';
import { parameterCount } from '../../src/model/accounting.js';
import { writeJson } from '../../src/run/artifacts.js';
import { concludeRun, openRun } from '../../src/run/run.js';
import { createContext, openModel } from '../../src/search/context.js';
import { packData } from '../../src/search/data.js';
import { compareOnText } from '../../src/search/evaluate/text.js';
import { estimate } from '../../src/search/interactions/statistics.js';
import { startSearch } from '../../src/search/pipeline.js';
import { storedSpec } from '../../src/search/stored-spec.js';
import { median } from '../../src/target/quartiles.js';
import { createExecutor } from '../../src/worker/executor.js';
import type { Lab } from './lab.js';
import type { Subject } from './subjects.js';
import { type Cell, figure, type Interval, type Table } from './table.js';

/** Shares of the parent's parameters that the last child may have. */
const LIMITS = [0.6, 0.4];
const STEPS = [1, 2];
/** Of uptraining, over all steps. */
const TOKENS = { short: 120_000, full: 600_000 };
const SEEDS = { short: [1], full: [1, 2, 3] };
const TEST_TOKENS = 16_384;

interface Row {
  subject: string;
  limit: number;
  /** Of the parent || the last child, nats/token: for each number of steps, of each seed. */
  kl: number[][];
}

export async function iterative(lab: Lab): Promise<Table> {
  const seeds = lab.full ? SEEDS.full : SEEDS.short;
  const tokens = lab.full ? TOKENS.full : TOKENS.short;
  const rows: Row[] = [];
  for (const subject of lab.subjects) {
    for (const limit of LIMITS) {
      const kl: number[][] = [];
      for (const steps of STEPS) {
        const ofSeeds: number[] = [];
        for (const seed of seeds) {
          const inputs = { subject: subject.spec, limit, steps, seed, tokens, version: lab.version };
          lab.say(`iterative: ${subject.name}, ${limit} of the parameters, steps: ${steps}, seed ${seed}`);
          ofSeeds.push(await lab.store.once('iterative', inputs, () => inSteps(lab, subject, inputs)));
        }
        kl.push(ofSeeds);
      }
      rows.push({ subject: subject.name, limit, kl });
    }
  }
  return tableOf(rows, tokens, seeds.length);
}

interface Plan {
  limit: number;
  steps: number;
  seed: number;
  tokens: number;
}

/** KL(parent || last child), nats/token on test text, when each step's parent is the child of the one before. */
async function inSteps(lab: Lab, subject: Subject, { limit, steps, seed, tokens }: Plan): Promise<number> {
  const { data } = subject.spec;
  const first = lab.store.folder(subject.name, 'iterative', `step-1-seed-${seed}`);
  let { parent } = subject.spec;
  for (let step = 1; step <= steps; step++) {
    const runDir = step === 1 ? first : lab.store.folder(subject.name, 'iterative', `step-2-seed-${seed}-${limit}`);
    const share = step < steps ? limit ** (step / steps) : limit;
    const parameters = `<= ${Math.floor(share * (await parametersOf(subject)))}`;
    const spec = {
      ...{ parent, data, seed },
      // Nothing here depends on speed, so nothing is timed but parent and child, once.
      target: { engine: 'profile', hardware: 'h100-sxm' },
      limits: { parameters },
      space: { attention: { linear: false }, ffn: { percents: [75, 50, 25], linear: false } },
      distil: { tokens: 0 },
      search: { interactions: false },
      uptrain: { tokens: Math.round(tokens / steps) },
      evaluate: { pairs: 1 },
    };
    const file = `${runDir}.puzzle.json`;
    await writeJson(file, spec);
    const report = await startSearch(file, runDir, { executor: createExecutor() });
    if (report === undefined) throw new Error('the search ended without a report');
    parent = report.paths.child;
  }
  return klToParent(first, subject, parent);
}

async function parametersOf({ spec }: Subject): Promise<number> {
  return parameterCount(modelTensors((await openModel(spec.parent)).config));
}

/** On the test text that every run of this seed has set apart. */
async function klToParent(runDir: string, subject: Subject, childDir: string): Promise<number> {
  const run = await openRun(runDir);
  return concludeRun(run, async () => {
    const context = await createContext(run, await storedSpec(runDir), createExecutor());
    const { splits } = await packData(context);
    const [parent, child] = [await openModel(subject.spec.parent), await openModel(childDir)];
    return (await compareOnText(parent, child, splits.test, TEST_TOKENS, context)).kl;
  });
}

function tableOf(rows: readonly Row[], tokens: number, seeds: number): Table {
  const range = (values: readonly number[]): Interval => ({
    value: estimate(values).value,
    low: Math.min(...values),
    high: Math.max(...values),
  });
  const [once, twice] = [0, 1];
  const ratios = rows.flatMap(({ kl }) => (kl[twice] ?? []).map((own, seed) => own / (kl[once]?.[seed] ?? Number.NaN)));
  return {
    note: `KL(parent ‖ child) in nats/token on test text, after ${tokens.toLocaleString('en')} tokens of uptraining in all; the whole search each time: fewer KV heads, three widths and no-ops, from closed forms without training, the least sum of scores. In two steps: half the tokens each, the child of the first step, with the root of the share left of its parameters, is the parent of the second, which learns from it. Means over ${seeds} seeds; in brackets the least and the most.`,
    columns: ['model', 'parameters', 'at once', 'in two steps'],
    rows: rows.map(({ subject, limit, kl }): Cell[] => [subject, `<= ${100 * limit}%`, ...kl.map(range)]),
    findings: [
      `In two steps the KL is ${figure(median(ratios))} times that at once in the median of ${ratios.length}, from ${figure(Math.min(...ratios))} to ${figure(Math.max(...ratios))}`,
    ],
  };
}
