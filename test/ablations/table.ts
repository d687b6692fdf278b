/** A figure with the interval it stands in: quartiles, or one standard error to either side; the table says which. */
export interface Interval {
  value: number;
  low: number;
  high: number;
}

export type Cell = string | number | Interval | null;

/** One comparison, as it is written down. */
export interface Table {
  /** What was held equal, what an interval is, over what it was averaged. One paragraph. */
  note: string;
  columns: readonly string[];
  rows: readonly (readonly Cell[])[];
  /** What follows from the rows: each line a statement that the rows bear out, or do not. */
  findings: readonly string[];
}

const DIGITS = 3;

/** The value, and how far it may be off to either side. */
export function around(value: number, error: number): Interval {
  return { value, low: value - error, high: value + error };
}

/** Three significant digits, without an exponent where that is short. */
export function figure(value: number): string {
  if (!Number.isFinite(value)) return '–';
  if (Number.isInteger(value) && Math.abs(value) < 1e12) return value.toLocaleString('en');
  const text = value.toPrecision(DIGITS);
  return text.includes('e') && Math.abs(value) >= 1 ? Math.round(value).toLocaleString('en') : text;
}

function cellText(cell: Cell): string {
  if (cell === null) return '–';
  if (typeof cell === 'string') return cell;
  if (typeof cell === 'number') return figure(cell);
  return `${figure(cell.value)} \\[${figure(cell.low)}, ${figure(cell.high)}\\]`;
}

/** As Markdown: the note, the table, and the findings as a list. */
export function markdown({ note, columns, rows, findings }: Table): string {
  const isNumber = (column: number) => rows.some((row) => typeof row[column] !== 'string' && row[column] !== null);
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`;
  const table = [
    line(columns),
    line(columns.map((_, column) => (isNumber(column) ? '--:' : ':--'))),
    ...rows.map((row) => line(row.map(cellText))),
  ];
  const list = findings.map((finding) => `- ${finding}`);
  return [note, table.join('\n'), list.join('\n')].filter((part) => part !== '').join('\n\n');
}
