// What blockwise distillation is worth: libraries made with more and more tokens, and from closed forms.
import type { LayerVariants } from '../../src/model/variants.js';
import { estimate, type Estimate } from '../../src/search/interactions/statistics.js';
import { architectureOf } from '../../src/search/solve.js';
import { solve } from '../../src/solver/solve.js';
import { distilSettings } from './distil-settings.js';
import type { Lab } from './lab.js';
import { programOf, realise, type ScoredBlocks, withScores } from './library.js';
import { around, type Cell, type Table } from './table.js';

const LIMITS = [1.5, 2, 3];

type Start = 'paper' | 'closed-form';
interface Setting {
  start: Start;
  tokens: number;
}

const SETTINGS: Record<'short' | 'full', Setting[]> = {
  short: [
    ...[0, 4_096, 16_384, 65_536].map((tokens): Setting => ({ start: 'paper', tokens })),
    ...[0, 24_576].map((tokens): Setting => ({ start: 'closed-form', tokens })),
  ],
  full: [
    ...[0, 4_096, 16_384, 65_536, 163_840].map((tokens): Setting => ({ start: 'paper', tokens })),
    ...[0, 24_576, 65_536].map((tokens): Setting => ({ start: 'closed-form', tokens })),
  ],
};
const NAMES: Record<Start, string> = { paper: "the paper's", 'closed-form': 'closed form' };

/** The optimum of one library at each limit: KL of each sequence. */
interface Row extends Setting {
  subject: string;
  kls: number[][];
}

export async function distillation(lab: Lab): Promise<Table> {
  const rows: Row[] = [];
  const variants = lab.full ? undefined : everySecond;
  for (const subject of lab.subjects) {
    for (const setting of lab.full ? SETTINGS.full : SETTINGS.short) {
      lab.say(`distillation: ${subject.name}, ${NAMES[setting.start]}, ${setting.tokens} tokens`);
      const settings = { distil: distilSettings(setting), ...(variants === undefined ? {} : { variants }) };
      const kls = await withScores(lab, subject, settings, (blocks) => {
        const inputs = { library: blocks.key, limits: LIMITS, version: lab.version };
        return lab.store.once('distillation', inputs, () => realisedOptima(blocks));
      });
      rows.push({ subject: subject.name, ...setting, kls });
    }
  }
  return tableOf(rows, lab.full);
}

/** Every second alternative: a shorter comparison of the same kinds. */
function everySecond(all: readonly LayerVariants[]): LayerVariants[] {
  const some = <T>(list: readonly T[]) => list.filter((_, index) => index % 2 === 0);
  return all.map(({ attention, ffn }) => ({ attention: some(attention), ffn: some(ffn) }));
}

async function realisedOptima(blocks: ScoredBlocks): Promise<number[][]> {
  const architectures = [];
  for (const limit of LIMITS) {
    const program = programOf(blocks, limit);
    const answer = await solve(program.problem);
    if (answer.status !== 'optimal') throw new Error(`the program at ${limit}x is ${answer.status}`);
    architectures.push(architectureOf(program, answer.choices));
  }
  return realise(blocks, architectures);
}

function tableOf(rows: readonly Row[], full: boolean): Table {
  const subjects = [...new Set(rows.map(({ subject }) => subject))];
  const findings = subjects.flatMap((subject) => {
    const own = rows.filter((row) => row.subject === subject);
    const ofStart = (start: Start) => own.filter((row) => row.start === start);
    const steps = ofStart('paper').flatMap((row, i, all) => {
      const before = all[i - 1];
      return before === undefined ? [] : [`${before.tokens} → ${row.tokens}: ${compared(row, before)}`];
    });
    const [untrained] = ofStart('paper');
    const [closed] = ofStart('closed-form');
    const beside = (name: string, row: Row | undefined, other: Row | undefined) =>
      row === undefined || other === undefined ? [] : [`${subject}, ${name}: ${compared(row, other)}`];
    return [
      `${subject}, KL as a multiple of that with the tokens before, at ${LIMITS.map((limit) => `${limit}x`).join(', ')}: ${steps.join('; ')}`,
      ...beside("closed form without training, as a multiple of the paper's start without", closed, untrained),
      ...beside("the same of the paper's with most tokens", closed, ofStart('paper').at(-1)),
    ];
  });
  return {
    note: `The least sum of scores within so many times fewer FLOPs, from libraries whose variants were trained with so many tokens each, on text that is never repeated; each library has its own scores. KL(parent ‖ child) in nats/token before uptraining, on text that nothing was selected on; in brackets one standard error to either side, over sequences. ${full ? 'All variants.' : 'Every second variant of the default space.'} Closed forms are fitted to 16,384 tokens that a half’s variants share.`,
    columns: ['model', 'start', 'tokens', ...LIMITS.map((limit) => `KL at ${limit}x`)],
    rows: rows.map(({ subject, start, tokens, kls }): Cell[] => [
      ...[subject, NAMES[start], tokens],
      ...kls.map((kl) => {
        const { value, standardError } = estimate(kl);
        return around(value, standardError);
      }),
    ]),
    findings,
  };
}

/** `0.52 ± 0.01, …`: the KL of one as a multiple of another's at each limit, with the paired standard error. */
function compared(row: Row, other: Row): string {
  const ratio = (kl: readonly number[], i: number): Estimate => {
    const base = other.kls[i] ?? [];
    const below = estimate(base).value;
    const value = estimate(kl).value / below;
    const { standardError } = estimate(kl.map((of, sequence) => (of - value * (base[sequence] ?? 0)) / below));
    return { value, standardError };
  };
  return row.kls
    .map(ratio)
    .map(({ value, standardError }) => `${value.toFixed(2)} ± ${standardError.toFixed(2)}`)
    .join(', ');
}
