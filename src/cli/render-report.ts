import type { InteractionSearch, RealisedArchitecture } from '../search/interactions/stage.js';
import type { Estimate } from '../search/interactions/statistics.js';
import type { Report } from '../search/report.js';
import { comparisonNotes, renderComparison } from './render-comparison.js';
import { renderMap } from './render-map.js';
import { renderTable } from './render-table.js';
import { count, duration, percent, plural, significant, times } from '../common/units.js';

/** The result of a search as people read it. Pure: everything comes from the report. */
export function renderReport(report: Report): string {
  const { architecture, warnings } = report;
  const sections = [
    headline(report),
    section('Architecture of the child', renderMap(architecture), [
      'Bar: share of the parent’s parameters in that half of the layer that is kept; ▒: replaced by one linear layer.',
      'Score: KL(parent || parent with only this layer replaced), nats/token, on validation text, before uptraining.',
      solutionNote(report),
      ...interactionNotes(report),
    ]),
    section('Parent and child', renderComparison(report), comparisonNotes(report)),
    section('Cost of the search', renderStages(report)),
    section('Files', renderFiles(report)),
    ...(warnings.length === 0 ? [] : [section('Warnings', warnings.join('\n'))]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function section(title: string, body: string, notes: readonly string[] = []): string {
  return [title, '', body, ...(notes.length === 0 ? [] : ['', ...notes.map(wrap)])].join('\n');
}

const NOTE_WIDTH = 110;

/** Breaks a note into lines; the second and later ones are indented. */
function wrap(note: string): string {
  const lines: string[] = [];
  for (const word of note.split(' ')) {
    const line = lines.at(-1);
    if (line === undefined || line.length + 1 + word.length > NOTE_WIDTH) {
      lines.push(line === undefined ? word : `  ${word}`);
    } else {
      lines[lines.length - 1] = `${line} ${word}`;
    }
  }
  return lines.join('\n');
}

function headline({ name, kept }: Report): string {
  const accuracy = kept.accuracy === null ? '' : `${percent(kept.accuracy)} of its parent’s accuracy, `;
  const memory = `${percent(kept.memory)} of its memory`;
  return `${name}: the child has ${accuracy}${times(kept.speedup)} its measured throughput and ${memory}.`;
}

function solutionNote({ solution, architecture }: Report): string {
  const { limits, margin, objective, gap, status } = solution;
  const asked = limits.length === 0 ? 'no limits' : limits.map(({ text }) => text).join(', ');
  const tightened = margin === 0 ? '' : ` (runtime limits tightened by ${percent(margin)})`;
  const proof = status === 'optimal' ? 'proven to be the least' : `at most ${significant(gap)} above the least`;
  return `Sum over ${architecture.length} layers: ${significant(objective)}, ${proof} for ${asked}${tightened}.`;
}

/** What whole architectures turned out to do, where they were measured. */
function interactionNotes({ solution: { interactions } }: Report): string[] {
  if (interactions === undefined) return [];
  const { chosen, additive, difference, evaluations, heldOutTokens, rankCorrelation, provenWithinLayers } =
    interactions;
  const kl = ({ predicted, realised }: RealisedArchitecture) =>
    `${uncertain(realised)} (${significant(predicted)} predicted)`;
  const same = JSON.stringify(chosen.architecture) === JSON.stringify(additive.architecture);
  const text = `on ${count(heldOutTokens)} tokens that nothing was chosen on`;
  const ranks = ({ predicted, sumOfScores }: InteractionSearch['rankCorrelation']) =>
    `${correlation(predicted)} with what the others predict, ${correlation(sumOfScores)} with the sum of scores`;
  return [
    `KL of the whole child before uptraining, nats/token: ${kl(chosen)} ${text}; ` +
      (same
        ? 'of the architectures measured none was reliably better than the least sum.'
        : `with the least sum of scores ${kl(additive)}, difference ${uncertain(difference)}.`),
    `Measured architectures: ${evaluations}; rank correlation of their KL: ${ranks(rankCorrelation)}.`,
    ...(provenWithinLayers === 0
      ? []
      : [
          `Proven: with scores corrected by these measurements no architecture with at most ${plural(provenWithinLayers, 'other layer')} has a lower sum.`,
        ]),
  ];
}

function uncertain({ value, standardError }: Estimate): string {
  return `${significant(value)} ± ${significant(standardError)}`;
}

function correlation(value: number | null): string {
  return value === null ? 'unknown' : value.toFixed(2);
}

function renderStages({ stages, baselines, tokens, seconds }: Report): string {
  const rows = stages.map((stage) => [stage.stage, duration(stage.seconds), count(stage.tokens)]);
  const apart = baselines.map(({ model, uptrainTokens }) => [
    `(uptraining of ${model.name})`,
    '',
    count(uptrainTokens),
  ]);
  return renderTable(['stage', 'time', 'tokens'], [...rows, ['all', duration(seconds), count(tokens)], ...apart]);
}

function renderFiles({ paths }: Report): string {
  const width = Math.max(...Object.keys(paths).map((name) => name.length));
  return Object.entries(paths)
    .map(([name, path]) => `${name.padEnd(width)}  ${path}`)
    .join('\n');
}
