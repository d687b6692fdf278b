import type { Workload } from '../model/accounting.js';
import type { Kept, ModelReport, Report } from '../search/report.js';
import type { Speedup } from '../target/speedup.js';
import { renderMap } from './render-map.js';
import { renderTable } from './render-table.js';
import { bytes, count, duration, percent, significant } from './units.js';

/** The result of a search as people read it. Pure: everything comes from the report. */
export function renderReport(report: Report): string {
  const sections = [
    heading(report),
    section(
      'Architecture of the child',
      renderMap(report.architecture),
      'Bars: share of the parent’s parameters in that half of the layer that is kept; ▒: replaced by one linear layer.',
      'Score: KL(parent || parent with only this layer replaced), nats per token, on validation text, before uptraining.',
      solutionLine(report),
    ),
    section('Parent and child', comparison(report), ...comparisonNotes(report)),
    section('Measured speed-up at other workloads', speedups(report.evaluation.speedups)),
    section('Cost of the search', stages(report)),
    section('Files', renderFiles(report)),
    ...(report.warnings.length === 0 ? [] : [section('Warnings', report.warnings.join('\n'))]),
  ];
  return `${sections.join('\n\n')}\n`;
}

function section(title: string, body: string, ...notes: string[]): string {
  return [title, '', body, ...(notes.length === 0 ? [] : ['', ...notes])].join('\n');
}

function heading({ name, kept }: Report): string {
  const accuracy = kept.accuracy === null ? '' : `${percent(kept.accuracy)} of the parent’s accuracy at `;
  const faster = `${times(kept.speedup)} its measured throughput`;
  return `${name}: the child keeps ${accuracy}${faster} and ${percent(kept.memory)} of its memory.`;
}

function solutionLine({ solution, architecture }: Report): string {
  const limits = Object.entries(solution.limits).map(([cost, limit]) => `${cost} ${limit}`);
  const asked = limits.length === 0 ? 'without limits' : `with ${limits.join(', ')}`;
  const margin = solution.margin === 0 ? '' : ` (runtime limits tightened by ${percent(solution.margin)})`;
  const proof =
    solution.status === 'optimal'
      ? 'proven to be the least'
      : `not proven to be the least, which is at least ${significant(solution.bound)}`;
  return `Sum of scores over ${architecture.length} layers ${significant(solution.objective)}, ${proof} ${asked}${margin}.`;
}

/** What one line of the comparison tells of a model, and what of it is kept. */
interface Line {
  title: string;
  value: (model: ModelReport) => string;
  kept?: (kept: Kept) => string;
}

function comparison(report: Report): string {
  const { parent, child, kept, baselines } = report;
  const columns = [
    { model: child, kept },
    ...baselines.map(({ model, kept: keptByBaseline }) => ({ model, kept: keptByBaseline })),
  ];
  const head = ['', 'parent', ...columns.flatMap(({ model }) => [model.name, 'kept'])];
  const rows = lines(report).map(({ title, value, kept: share }) => [
    title,
    value(parent),
    ...columns.flatMap((column) => [value(column.model), share?.(column.kept) ?? shareText(title, report, column)]),
  ]);
  return renderTable(head, rows);
}

/** Shares that follow from the two columns themselves. */
function shareText(title: string, { parent }: Report, { model }: { model: ModelReport }): string {
  const ratio = RATIOS[title]?.(model, parent) ?? taskShare(title, model, parent);
  return ratio === undefined ? '' : percent(ratio);
}

const RATIOS: Readonly<Record<string, (model: ModelReport, parent: ModelReport) => number>> = {};

function taskShare(title: string, model: ModelReport, parent: ModelReport): number | undefined {
  const accuracy = ({ tasks }: ModelReport) => tasks.find(({ name }) => title.endsWith(name))?.accuracy;
  const [own, whole] = [accuracy(model), accuracy(parent)];
  return own === undefined || whole === undefined || whole === 0 ? undefined : own / whole;
}
