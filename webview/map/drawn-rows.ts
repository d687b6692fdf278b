import type { VNode } from 'preact';
import type { Focus } from './navigate.js';
import type { Row } from './rows.js';

/** Where a row stands, for the component that draws it. */
export interface RowPlace {
  index: number;
  /** What of the row Tab reaches: the row itself (`row`), one of its buttons, or nothing. */
  active: 'row' | Focus['action'];
}

export type DrawRow = (row: Row, place: RowPlace) => VNode;

interface Drawn {
  row: Row;
  place: RowPlace;
  drawRow: DrawRow;
  node: VNode;
}

/** Rows as they were last drawn. One of which nothing has changed is the same node again: nothing is done about it. */
export class DrawnRows {
  private drawn = new Map<string, Drawn>();

  /** Nodes of the rows at `indices`, of which `active` is the place that Tab reaches. */
  draw(rows: readonly Row[], indices: readonly number[], active: Focus, drawRow: DrawRow): VNode[] {
    const before = this.drawn;
    this.drawn = new Map();
    return indices.flatMap((index) => {
      const row = rows[index];
      if (row === undefined) return [];
      const place: RowPlace = { index, active: row.key === active.key ? (active.action ?? 'row') : null };
      const last = before.get(row.key);
      const same =
        last?.drawRow === drawRow && areShallowlyEqual(last.place, place) && areShallowlyEqual(last.row, row);
      const node = same ? last.node : drawRow(row, place);
      this.drawn.set(row.key, { row, place, drawRow, node });
      return [node];
    });
  }
}

function areShallowlyEqual<Value extends object>(a: Value, b: Value): boolean {
  const fields = Object.entries(b) as [keyof Value, unknown][];
  return fields.length === Object.keys(a).length && fields.every(([field, value]) => a[field] === value);
}
