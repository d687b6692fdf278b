import type { Focus } from './navigate.js';
import type { Row } from './rows.js';

/** Where a row stands, for the component that draws it. */
export interface RowPlace {
  index: number;
  /** Key of the elements that show the row. */
  slot: string;
  /** What of the row Tab reaches: the row itself (`row`), one of its buttons, or nothing. */
  active: 'row' | Focus['action'];
  /** Rows pass too fast to be read: what names this one is enough. */
  brief: boolean;
}

/** How rows go by. */
export interface Pace {
  /** Elements stand as the rows do, which is how they are read out; or else as they come. */
  sorted: boolean;
  /** Rows that come into view are drawn in brief; those that are there stay as they are. */
  fast: boolean;
}

export type DrawRow<Node> = (row: Row, place: RowPlace) => Node;

/** Elements that show one row after another of its kind. */
interface Slot {
  key: string;
  /** Where they stand among the others. */
  rank: number;
}

interface Drawn<Node> {
  row: Row;
  slot: Slot;
  place: RowPlace;
  drawRow: DrawRow<Node>;
  node: Node;
}

/**
 * Rows as they were last drawn. One of which nothing has changed is the same node again: nothing is done about it. A row
 * keeps its elements as long as it is drawn, so that focus and clicks stay with it; then they show another row, for
 * elements made anew, and moved ones, are what scrolling would spend its time on.
 */
export class DrawnRows<Node> {
  private drawn = new Map<string, Drawn<Node>>();
  private slots = 0;

  /**
   * Nodes of the rows at `indices`, of which `active` is the place that Tab reaches.
   */
  draw(
    rows: readonly Row[],
    indices: readonly number[],
    active: Focus,
    { sorted, fast }: Pace,
    drawRow: DrawRow<Node>,
  ): Node[] {
    const before = this.drawn;
    const inView = indices.flatMap((index) => {
      const row = rows[index];
      return row === undefined ? [] : [{ index, row }];
    });
    const free = slotsLeft(before, new Set(inView.map(({ row }) => row.key)));
    const drawn = inView.map(({ index, row }, position): Drawn<Node> => {
      const last = before.get(row.key);
      const slot = last?.slot ?? free.get(row.kind)?.pop() ?? this.newSlot(row.kind);
      if (sorted) slot.rank = position;
      const isActive = row.key === active.key;
      // What Tab reaches must be there.
      const brief = fast && !isActive && (last?.place.brief ?? true);
      const place: RowPlace = { index, slot: slot.key, active: isActive ? (active.action ?? 'row') : null, brief };
      const same = last?.drawRow === drawRow && isSamePlace(last.place, place) && isSameRow(last.row, row);
      return { row, slot, place, drawRow, node: same ? last.node : drawRow(row, place) };
    });
    this.drawn = new Map(drawn.map((each) => [each.row.key, each]));
    return drawn.sort((a, b) => a.slot.rank - b.slot.rank).map(({ node }) => node);
  }

  private newSlot(kind: Row['kind']): Slot {
    const number = this.slots++;
    return { key: `${kind} ${number}`, rank: number };
  }
}

/** Slots of rows that are drawn no more, by kind. */
function slotsLeft(drawn: ReadonlyMap<string, Drawn<unknown>>, kept: ReadonlySet<string>): Map<Row['kind'], Slot[]> {
  const left = new Map<Row['kind'], Slot[]>();
  for (const [key, { row, slot }] of drawn) {
    if (kept.has(key)) continue;
    const slots = left.get(row.kind);
    if (slots === undefined) left.set(row.kind, [slot]);
    else slots.push(slot);
  }
  return left;
}

function isSamePlace(a: RowPlace, b: RowPlace): boolean {
  return a.index === b.index && a.slot === b.slot && a.active === b.active && a.brief === b.brief;
}

/** Rows are made anew together; what they are made of is mostly the same. */
function isSameRow(a: Row, b: Row): boolean {
  if (a === b) return true;
  const fields = Object.entries(b) as [keyof Row, unknown][];
  return fields.length === Object.keys(a).length && fields.every(([field, value]) => a[field] === value);
}
