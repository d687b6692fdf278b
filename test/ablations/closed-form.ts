// What least squares saves: the loss of every kind of variant without any step, beside training from the paper's start.
import type { LayerVariants } from '../../src/model/variants.js';
import type { LibraryEntry } from '../../src/search/block-library.js';
import { median, quantile } from '../../src/target/quartiles.js';
import { distilSettings, PAPER_TOKENS } from './distil-settings.js';
import type { Lab } from './lab.js';
import { withBlocks } from './library.js';
import { type Cell, figure, type Interval, type Table } from './table.js';

/** The closed form should save this many times its tokens, on the median variant. */
const AIM = 10;
/** Tokens of the moments that all variants of a half share, counted to each of them in full. */
const FITTED_TOKENS = [4_096, 16_384];

interface Closed {
  /** Its own pass included. */
  tokens: number;
  loss: number;
  /** Tokens from the paper's start to the same loss as a multiple of its own; Infinity: more than were tried. */
  ratio: number;
}

interface Row {
  subject: string;
  kind: string;
  /** Of the paper's start after 0 tokens and after each of `PAPER_TOKENS`. */
  paper: number[];
  /** For each of `FITTED_TOKENS`. */
  closed: Closed[];
}

export async function closedForms(lab: Lab): Promise<Table> {
  const rows: Row[] = [];
  for (const subject of lab.subjects) {
    const entries = async (distil: Parameters<typeof distilSettings>[0]) => {
      lab.say(`closed forms: ${subject.name}, ${JSON.stringify(distil)}`);
      const settings = { distil: distilSettings(distil), variants: lab.full ? all : ofTwoLayers };
      return withBlocks(lab, subject, settings, ({ library }) => Promise.resolve(library.filter(isTrained)));
    };
    const trained: LibraryEntry[][] = [];
    for (const tokens of PAPER_TOKENS) trained.push(await entries({ start: 'paper', tokens }));
    const fitted: LibraryEntry[][] = [];
    for (const closedFormTokens of FITTED_TOKENS) {
      fitted.push(await entries({ start: 'closed-form', tokens: 0, closedFormTokens }));
    }
    for (const [i, entry] of (trained[0] ?? []).entries()) {
      const paper = [entry.distil.lossInitial, ...trained.map((list) => list[i]?.distil.lossAfter ?? Number.NaN)];
      const closed = FITTED_TOKENS.map((shared, j): Closed => {
        const { lossClosedForm: loss = Number.NaN, tokens } = fitted[j]?.[i]?.distil ?? { tokens: { closedForm: 0 } };
        const spent = shared + tokens.closedForm;
        return { tokens: spent, loss, ratio: tokensToReach(loss, paper) / spent };
      });
      rows.push({ subject: subject.name, kind: kindOf(entry), paper, closed });
    }
  }
  return tableOf(rows);
}

function all(variants: readonly LayerVariants[]): LayerVariants[] {
  return [...variants];
}

/** Every alternative, in one layer of the first and one of the last third. */
function ofTwoLayers(variants: readonly LayerVariants[]): LayerVariants[] {
  const chosen = [1, 2].map((third) => Math.floor((third * variants.length) / 3));
  const own = <T>(list: readonly T[]) => list.slice(0, 1);
  return variants.map(({ attention, ffn }, layer) =>
    chosen.includes(layer) ? { attention, ffn } : { attention: own(attention), ffn: own(ffn) },
  );
}

function isTrained({ variant }: LibraryEntry): boolean {
  return variant.shape.kind !== 'no-op';
}

const KINDS = { gqa: 'fewer KV heads', gated: 'narrower FFN' } as const;

function kindOf({ half, variant: { shape } }: LibraryEntry): string {
  if (shape.kind === 'gqa' || shape.kind === 'gated') return KINDS[shape.kind];
  return half === 'attention' ? 'linear attention' : 'linear FFN';
}

/**
 * Tokens after which training from the paper's start first has this loss: between two amounts that were tried, by a line
 * over the logarithm of the tokens, and from none to the first over the tokens. Infinity where no amount got there.
 */
function tokensToReach(loss: number, paper: readonly number[]): number {
  const reached = paper.findIndex((other) => other <= loss);
  if (reached < 0) return Infinity;
  const [to = 0, from = 0] = [PAPER_TOKENS[reached - 1], PAPER_TOKENS[reached - 2]];
  const [above = 0, below = 0] = [paper[reached - 1], paper[reached]];
  const share = above === below ? 1 : (above - loss) / (above - below);
  return from === 0 ? share * to : from * (to / from) ** share;
}

function tableOf(rows: readonly Row[]): Table {
  const groups = [...new Set(rows.map(({ subject, kind }) => `${subject}/${kind}`))].map((name) =>
    rows.filter(({ subject, kind }) => `${subject}/${kind}` === name),
  );
  const middle = (of: (row: Row) => number, group: readonly Row[]): Interval => {
    const values = group.map(of);
    return { value: median(values), low: quantile(values, 0.25), high: quantile(values, 0.75) };
  };
  return {
    note: `Held-out loss of blockwise distillation (normalised MSE at the layer's output): medians over the variants of a kind, quartiles in brackets; nothing is trained twice on the same text. Closed forms take no step; their tokens are those of the moments that all variants of a half share, counted in full to each, and of passes of their own. Ratio: tokens from the paper's start to the closed form's loss, divided by the closed form's own; a variant whose loss was not reached with ${PAPER_TOKENS.at(-1)?.toLocaleString('en') ?? ''} counts as more than any that was.`,
    columns: [
      ...['model', 'kind', 'variants', "paper's start"],
      ...PAPER_TOKENS.map((tokens) => `${tokens.toLocaleString('en')} tokens`),
      ...FITTED_TOKENS.flatMap((tokens) => [`closed form, ${tokens.toLocaleString('en')}`, 'ratio']),
    ],
    rows: groups.map((group): Cell[] => [
      ...[group[0]?.subject ?? '', group[0]?.kind ?? '', group.length],
      ...[0, ...PAPER_TOKENS].map((_, i) => middle(({ paper }) => paper[i] ?? Number.NaN, group)),
      ...FITTED_TOKENS.flatMap((_, j): Cell[] => [
        middle(({ closed }) => closed[j]?.loss ?? Number.NaN, group),
        times(middleOf(group.map(({ closed }) => closed[j]?.ratio ?? Number.NaN))),
      ]),
    ]),
    findings: FITTED_TOKENS.map((tokens, j) => {
      const ratios = rows.map(({ closed }) => closed[j]?.ratio ?? Number.NaN);
      // Where nothing reached the loss, the ratio is known to be at least this.
      const atLeast = rows.map(({ closed }) =>
        closed[j]?.ratio === Infinity ? (PAPER_TOKENS.at(-1) ?? 0) / closed[j].tokens : (closed[j]?.ratio ?? 0),
      );
      const enough = atLeast.filter((ratio) => ratio >= AIM).length;
      const value = middleOf(ratios);
      const shown = value === Infinity ? `more than ${figure(middleOf(atLeast))}` : figure(value);
      return `Fitted to ${tokens.toLocaleString('en')} tokens: median ratio ${shown}; at least ${AIM} for ${enough} of ${rows.length} variants`;
    }),
  };
}

/** The lower of the two in the middle, where an infinite one would spoil their mean. */
function middleOf(values: readonly number[]): number {
  const sorted = [...values].sort((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)] ?? Number.NaN;
}

function times(ratio: number): string {
  return ratio === Infinity ? 'not reached' : `${figure(ratio)}x`;
}
