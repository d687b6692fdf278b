/**
 * A table as text: two spaces between columns, a line below the head. The first `textColumns` columns stand to the
 * left, the others, numbers, to the right.
 */
export function renderTable(
  head: readonly string[],
  rows: readonly (readonly string[])[],
  { textColumns = 1 } = {},
): string {
  const widths = head.map((title, column) => Math.max(title.length, ...rows.map((row) => row[column]?.length ?? 0)));
  const cell = (text: string, column: number) => {
    const width = widths[column] ?? 0;
    return column < textColumns ? text.padEnd(width) : text.padStart(width);
  };
  const line = (cells: readonly string[]) => cells.map(cell).join('  ').trimEnd();
  return [line(head), widths.map((width) => '─'.repeat(width)).join('  '), ...rows.map(line)].join('\n');
}
