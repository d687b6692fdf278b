import type { ComponentChildren, RefObject } from 'preact';
import { useEffect, useRef, useState } from 'preact/hooks';

export interface DataColumn {
  key: string;
  title: ComponentChildren;
  /** Numbers stand at the right, in figures of equal width. */
  numeric?: boolean;
  /** Left out where the table is narrow: the first cell of each row then tells it, in a `table-folded`. */
  folds?: boolean;
}

export interface DataRow {
  key: string;
  /** One for each column; the first names the row. */
  cells: readonly ComponentChildren[];
  class?: string;
}

interface DataTableProps {
  /** What the table tells, for readers; shown where `showCaption` says so. */
  caption: string;
  showCaption?: boolean;
  columns: readonly DataColumn[];
  rows: readonly DataRow[];
}

/** A plain table: column and row headings, and a frame that scrolls sideways, by keyboard too, where it is too wide. */
export function DataTable({ caption, showCaption = false, columns, rows }: DataTableProps) {
  const frame = useRef<HTMLDivElement>(null);
  const wide = useOverflow(frame);
  return (
    <div ref={frame} class="table-frame" {...(wide ? { role: 'region', 'aria-label': caption, tabIndex: 0 } : {})}>
      <table class="data-table">
        <caption class={showCaption ? undefined : 'visually-hidden'}>{caption}</caption>
        <thead>
          <tr>
            {columns.map((column) => (
              <th key={column.key} scope="col" class={cellClass(column)}>
                {column.title}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map((row) => (
            <tr key={row.key} class={row.class}>
              {columns.map((column, index) =>
                index === 0 ? (
                  <th key={column.key} scope="row">
                    {row.cells[index]}
                  </th>
                ) : (
                  <td key={column.key} class={cellClass(column)}>
                    {row.cells[index]}
                  </td>
                ),
              )}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function cellClass({ numeric = false, folds = false }: DataColumn): string {
  return `${numeric ? 'numeric' : ''} ${folds ? 'table-folds' : ''}`.trim();
}

/** Whether an element is narrower than what it holds: only then must it be reached by keyboard. */
function useOverflow(frame: RefObject<HTMLElement>): boolean {
  const [wide, setWide] = useState(false);
  useEffect(() => {
    const element = frame.current;
    if (element === null) return;
    const observer = new ResizeObserver(() => {
      setWide(element.scrollWidth > element.clientWidth);
    });
    observer.observe(element);
    for (const child of element.children) observer.observe(child);
    return () => {
      observer.disconnect();
    };
  }, []);
  return wide;
}
