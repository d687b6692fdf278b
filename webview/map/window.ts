/** Every row is so high, in CSS pixels: what is not drawn need not be measured. */
export const ROW_HEIGHT = 26;
/** Rows beyond the edges that are drawn too, so that scrolling finds them there. */
const OVERSCAN = 4;
/** The window moves by so many rows at a time: most scroll events then change nothing. */
const STEP = 4;

/** Rows `first` to `end` (exclusive) of `count`. */
interface RowWindow {
  first: number;
  end: number;
}

/** Which of `count` rows are to be drawn. Lengths in CSS pixels. */
export function rowWindow(scrollTop: number, viewHeight: number, count: number): RowWindow {
  const top = Math.floor(scrollTop / ROW_HEIGHT / STEP) * STEP;
  const rows = Math.ceil(viewHeight / ROW_HEIGHT) + STEP;
  const first = Math.max(0, Math.min(top, count - rows) - OVERSCAN);
  return { first, end: Math.min(count, first + rows + 2 * OVERSCAN) };
}

/** Where to scroll so that a row is seen whole, moving as little as possible. */
export function scrollToShow(index: number, scrollTop: number, viewHeight: number): number {
  const top = index * ROW_HEIGHT;
  return Math.min(top, Math.max(scrollTop, top + ROW_HEIGHT - viewHeight));
}
