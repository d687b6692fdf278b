// What to minimise in uptraining: every loss that can be asked for, from the same child with the same tokens.
import { removeArtifact } from '../../src/run/artifacts.js';
import { taskKey } from '../../src/run/task-key.js';
import { openModel } from '../../src/search/context.js';
import { estimate } from '../../src/search/interactions/statistics.js';
import { architectureOf } from '../../src/search/solve.js';
import type { UptrainLoss } from '../../src/search/spec-schema.js';
import { uptrainPlan } from '../../src/search/uptrain-plan.js';
import { uptrainChild, type UptrainSettings } from '../../src/search/uptrain.js';
import { solve } from '../../src/solver/solve.js';
import { assembled, judge, type Judgement } from './children.js';
import type { Lab } from './lab.js';
import { besideLibrary, programOf, type ScoredBlocks, withScores } from './library.js';
import { type Cell, type Interval, type Table } from './table.js';

/** The child has so many times fewer FLOPs than its parent. */
const LIMIT = 2.5;
/** The tasks take longer than the uptraining itself. */
const BUDGET = {
  short: { tokens: 60_000, seeds: 2, withTasks: false },
  full: { tokens: 300_000, seeds: 3, withTasks: true },
};

interface LossChoice {
  loss: UptrainLoss[];
  topK?: number;
}

const DEFAULT: LossChoice = { loss: ['kl', 'cosine'] };
const CHOICES: readonly LossChoice[] = [
  DEFAULT,
  { loss: ['kl', 'cosine'], topK: 32 },
  { loss: ['kl'] },
  { loss: ['cosine'] },
  { loss: ['lm'] },
  { loss: ['lm', 'kl'] },
  { loss: ['lm', 'cosine'] },
  { loss: ['lm', 'kl', 'cosine'] },
];

/** One loss on one model; a judgement for each seed. */
interface Row {
  subject: string;
  choice: LossChoice;
  before: Judgement;
  after: Judgement[];
}

export async function losses(lab: Lab): Promise<Table> {
  const { tokens, seeds, withTasks } = lab.full ? BUDGET.full : BUDGET.short;
  const rows: Row[] = [];
  for (const subject of lab.subjects) {
    await withScores(lab, subject, {}, async (blocks) => {
      const child = await optimalChild(blocks);
      const cell = { library: blocks.key, limit: LIMIT, withTasks, version: lab.version };
      const before = await lab.store.once('losses-before', cell, () => judge(blocks, child, withTasks));
      for (const choice of CHOICES) {
        const after: Judgement[] = [];
        for (let seed = 1; seed <= seeds; seed++) {
          lab.say(`losses: ${subject.name}, ${nameOf(choice)}, seed ${seed}`);
          const inputs = { ...cell, choice, tokens, seed };
          const compute = async () =>
            judge(blocks, await uptrained(blocks, child, { ...choice, tokens, seed }), withTasks);
          after.push(await lab.store.once('losses', inputs, compute));
        }
        rows.push({ subject: subject.name, choice, before, after });
      }
    });
  }
  return tableOf(rows, { tokens, seeds, withTasks });
}

async function optimalChild(blocks: ScoredBlocks): Promise<string> {
  const program = programOf(blocks, LIMIT);
  const answer = await solve(program.problem);
  if (answer.status !== 'optimal') throw new Error(`the program at ${LIMIT}x is ${answer.status}`);
  return assembled(blocks, architectureOf(program, answer.choices));
}

/** The folder of the uptrained child. Validated at the end alone, so that all have had the same tokens. */
async function uptrained(
  blocks: ScoredBlocks,
  assembledDir: string,
  { loss, topK, tokens, seed }: LossChoice & { tokens: number; seed: number },
): Promise<string> {
  const { context, data } = blocks;
  const { parent, budgets, spec } = context;
  const { learningRate } = spec.uptrain;
  const { uptrainBatch: batch } = budgets;
  const settings: UptrainSettings = {
    ...uptrainPlan(parent.config, budgets, undefined),
    ...{ tokens, batch, loss, topK, learningRate, seed },
    ...{ validateEvery: tokens, patience: 1 },
  };
  const name = taskKey('losses', { library: blocks.key, settings }).slice(0, 12);
  const [state, dir] = [besideLibrary(blocks, 'uptrain-state', name), besideLibrary(blocks, 'uptrained', name)];
  const nothing = () => undefined;
  await uptrainChild(context, await openModel(assembledDir), data.splits, settings, state, dir, {
    checkpoint: () => context.run.checkpoint(),
    ...{ onRestored: nothing, onTraining: nothing, onValidation: nothing },
  });
  await removeArtifact(state);
  return dir;
}

function nameOf({ loss, topK }: LossChoice): string {
  const names: Record<UptrainLoss, string> = {
    kl: topK === undefined ? 'KL' : `KL (top ${topK})`,
    cosine: 'cosine',
    lm: 'LM',
  };
  return loss.map((name) => names[name]).join(' + ');
}

function tableOf(
  rows: readonly Row[],
  { tokens, seeds, withTasks }: { tokens: number; seeds: number; withTasks: boolean },
): Table {
  const range = (values: readonly number[]): Interval => ({
    value: estimate(values).value,
    low: Math.min(...values),
    high: Math.max(...values),
  });
  const accuracy = ({ kept }: Judgement) => (kept === null ? [] : [100 * kept.value]);
  const findings = [...new Set(rows.map(({ subject }) => subject))].map((subject) => {
    const own = rows.filter((row) => row.subject === subject);
    const reference = own.find(({ choice }) => choice === DEFAULT);
    const better = own.filter((row) => row !== reference && isBetter(row, reference));
    const names = better.map(({ choice }) => nameOf(choice)).join(', ');
    return `${subject}: ${names === '' ? `no loss ends at a KL below that of ${nameOf(DEFAULT)} with every seed` : `below the KL of ${nameOf(DEFAULT)} with every seed: ${names}`}`;
  });
  return {
    note: `The least sum of scores at ${LIMIT}x fewer FLOPs, uptrained with ${tokens.toLocaleString('en')} tokens, the same batches for every loss. Means over ${seeds} seeds, which order the batches; in brackets the least and the most of them. On test text${withTasks ? "; accuracy on the model's tasks as a share of the parent's" : ''}. LM is the cross-entropy of the text itself; top k tells the parent's likeliest tokens apart and takes all others as one.`,
    columns: [
      'model',
      'loss',
      'KL before',
      'KL after, nats/token',
      'LM loss after',
      ...(withTasks ? ['accuracy kept, %'] : []),
    ],
    rows: rows.map(({ subject, choice, before, after }): Cell[] => [
      ...[subject, nameOf(choice), before.kl],
      range(after.map(({ kl }) => kl)),
      range(after.map(({ lmLoss }) => lmLoss)),
      ...(withTasks ? [range(after.flatMap(accuracy))] : []),
    ]),
    findings,
  };
}

/** A lower KL with each of the seeds. */
function isBetter(row: Row, reference: Row | undefined): boolean {
  return row.after.every(({ kl }, seed) => kl < (reference?.after[seed]?.kl ?? 0));
}
