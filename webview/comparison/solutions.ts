import * as l10n from '@vscode/l10n';
import type { ComparedSolution } from '../../src/protocol/panel.js';
import { count } from '../ui/format.js';

const ORIGIN_NAMES: Readonly<Record<ComparedSolution['origin'], (serial: number) => string>> = {
  child: () => l10n.t('child'),
  present: () => l10n.t('present'),
  earlier: (serial) => l10n.t('earlier {0}', serial),
  kept: (serial) => l10n.t('kept {0}', serial),
};

/** What each solution is called: `child`, `present`, `earlier 1`, `kept 2`; with its run in front where there are several. */
export function solutionNames(solutions: readonly ComparedSolution[]): string[] {
  return solutions.map(({ origin, run }, index) => {
    const before = solutions.slice(0, index).filter((other) => other.origin === origin && other.run === run).length;
    const name = ORIGIN_NAMES[origin](before + 1);
    return run === null ? name : `${run}: ${name}`;
  });
}

/** `throughput ≥ 2.17×`, `memory ≤ 60%`. */
export function limitTexts({ limits }: ComparedSolution): string[] {
  if (limits.length === 0) return [l10n.t('no limits')];
  return limits.map((limit) => limit.replace('>=', '≥').replace('<=', '≤').replace(/x$/, '×'));
}

/** A layer in which solutions differ from the first of them. */
export interface DifferingLayer {
  layer: number;
  /** Of each solution: `kv2 + ffn-50%`, and whether that is other than in the first; null where it has no such layer. */
  choices: ({ text: string; differs: boolean } | null)[];
}

/** The layers in which not all solutions have what the first one has. */
export function differingLayers(solutions: readonly ComparedSolution[]): DifferingLayer[] {
  const layers = Math.max(0, ...solutions.map(({ architecture }) => architecture.length));
  return Array.from({ length: layers }, (_, layer) => {
    const texts = solutions.map(({ architecture }) => choiceText(architecture[layer]));
    const choices = texts.map((text) => (text === null ? null : { text, differs: text !== texts[0] }));
    return { layer, choices };
  }).filter(({ choices }) => choices.some((choice) => choice?.differs !== false));
}

function choiceText(choice: ComparedSolution['architecture'][number] | undefined): string | null {
  return choice === undefined ? null : `${choice.attention} + ${choice.ffn}`;
}

/** In how many halves of layers one architecture is other than another; null where they are not of the same depth. */
function halvesApart(one: ComparedSolution, other: ComparedSolution): number | null {
  const [own, others] = [one.architecture, other.architecture];
  if (own.length !== others.length) return null;
  return own.reduce(
    (sum, { attention, ffn }, i) => sum + Number(attention !== others[i]?.attention) + Number(ffn !== others[i]?.ffn),
    0,
  );
}

/** `none`, `5 of 20`: how many halves of layers one architecture has other than another. */
export function apartText(one: ComparedSolution, other: ComparedSolution): string {
  const apart = halvesApart(one, other);
  if (apart === null) return l10n.t('another depth');
  return apart === 0 ? l10n.t('none') : l10n.t('{0} of {1}', count(apart), count(2 * one.architecture.length));
}
