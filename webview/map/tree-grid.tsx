import type { ComponentChildren, TargetedEvent, TargetedKeyboardEvent, VNode } from 'preact';
import { useEffect, useLayoutEffect, useMemo, useRef, useState } from 'preact/hooks';
import { DrawnRows, type DrawRow } from './drawn-rows.js';
import { isInTree } from './map-state.js';
import { navigate, resolveFocus, VARIANT_ACTIONS, type Focus, type Step } from './navigate.js';
import { rowIndices, type Row } from './rows.js';
import { ROW_HEIGHT, rowWindow, scrollToShow } from './window.js';

/** Until the real height is known. */
const FIRST_HEIGHT = 600;
/** Without a scroll event for so long, scrolling has ended; the event that says so also comes between steps. */
const REST_MS = 150;
/** Between two scroll events, which come once a frame: beyond this no row can be read. */
const FAST_PX = 6 * ROW_HEIGHT;

interface TreeGridProps {
  label: string;
  columns: number;
  rows: readonly Row[];
  focus: Focus;
  /** A row to be gone to whenever it changes, unless the user is in the tree. */
  follow: string | null;
  head: ComponentChildren;
  drawRow: DrawRow<VNode>;
  /** Tab is to reach another place: the focus is there, or `follow` has changed. */
  onFocus: (focus: Focus) => void;
  /** A key moved the focus or asks for something. */
  onStep: (step: Step) => void;
  onPoint: (key: string | null) => void;
}

/**
 * A tree of rows in columns with one tab stop, of which only the rows in view are in the page, and the one that Tab
 * reaches: so the focus outlives scrolling and snapshots.
 */
export function TreeGrid(props: TreeGridProps) {
  const { label, columns, rows, focus, follow, head, drawRow, onFocus, onStep, onPoint } = props;
  const grid = useRef<HTMLDivElement>(null);
  const scroller = useRef<HTMLDivElement>(null);
  const [view, setView] = useState({ top: 0, height: FIRST_HEIGHT });
  const [motion, setMotion] = useState<'none' | 'slow' | 'fast'>('none');
  const lastTop = useRef(0);
  const rest = useRef<ReturnType<typeof setTimeout>>();
  const indices = useMemo(() => rowIndices(rows), [rows]);
  const active = resolveFocus(rows, focus);
  const hadFocus = grid.current?.contains(document.activeElement) ?? false;
  const stepped = useRef(false);
  const drawn = useMemo(() => new DrawnRows<VNode>(), []);
  const inView = rowWindow(view.top, view.height, rows.length);
  // Sorting moves elements, and one that is moved loses the focus.
  const pace = { sorted: motion === 'none' && !hadFocus, fast: motion === 'fast' };

  const measure = (): void => {
    const element = scroller.current;
    if (element === null) return;
    const next = { top: element.scrollTop, height: heightOf(element) };
    setView((previous) => (windowKey(previous, rows.length) === windowKey(next, rows.length) ? previous : next));
  };
  const scrolled = (event: TargetedEvent<HTMLDivElement>): void => {
    const { scrollTop } = event.currentTarget;
    setMotion(Math.abs(scrollTop - lastTop.current) > FAST_PX ? 'fast' : 'slow');
    lastTop.current = scrollTop;
    clearTimeout(rest.current);
    rest.current = setTimeout(() => {
      setMotion('none');
    }, REST_MS);
    measure();
  };
  const show = (key: string): void => {
    const index = indices.get(key);
    const element = scroller.current;
    if (index === undefined || element === null) return;
    element.scrollTop = scrollToShow(index, element.scrollTop, heightOf(element));
    measure();
  };

  useEffect(() => {
    if (scroller.current === null) return;
    const observer = new ResizeObserver(measure);
    observer.observe(scroller.current);
    return () => {
      observer.disconnect();
    };
  }, [rows.length]);
  useEffect(
    () => () => {
      clearTimeout(rest.current);
    },
    [],
  );
  useEffect(() => {
    if (follow === null || isInTree()) return;
    onFocus({ key: follow, action: null });
    show(follow);
  }, [follow]);
  useLayoutEffect(() => {
    const lost = hadFocus && document.hasFocus() && !(grid.current?.contains(document.activeElement) ?? false);
    if (stepped.current || lost) elementOf(grid.current, active)?.focus({ preventScroll: true });
    stepped.current = false;
  });

  const keyPressed = (event: TargetedKeyboardEvent<HTMLDivElement>): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) return;
    const page = Math.max(1, Math.floor(view.height / ROW_HEIGHT) - 1);
    const step = navigate(rows, active, event.key, page);
    if (step === null) return;
    event.preventDefault();
    stepped.current = true;
    onStep(step);
    show(step.focus.key);
  };

  return (
    <div
      ref={grid}
      class="map-grid"
      role="treegrid"
      aria-label={label}
      aria-rowcount={rows.length + 1}
      aria-colcount={columns}
      style={{ '--row-height': `${ROW_HEIGHT}px` }}
      onKeyDown={keyPressed}
      onFocusIn={(event: TargetedEvent<HTMLDivElement, FocusEvent>) => {
        const place = placeOf(event.target);
        if (place !== null) onFocus(place);
      }}
      onPointerOver={(event: TargetedEvent<HTMLDivElement, PointerEvent>) => {
        onPoint(placeOf(event.target)?.key ?? null);
      }}
      onPointerLeave={() => {
        onPoint(null);
      }}
    >
      <div ref={scroller} class="map-scroll" role="rowgroup" onScroll={scrolled}>
        {head}
        <div
          class={motion === 'none' ? 'map-canvas' : 'map-canvas scrolling'}
          role="presentation"
          style={{ height: `${rows.length * ROW_HEIGHT}px` }}
        >
          {drawn.draw(rows, drawnIndices(inView, indices.get(active.key)), active, pace, drawRow)}
        </div>
      </div>
    </div>
  );
}

/** What is left for rows: the heading stays at the top. */
function heightOf(scroller: HTMLElement): number {
  return scroller.clientHeight - ROW_HEIGHT;
}

function windowKey({ top, height }: { top: number; height: number }, count: number): string {
  const { first, end } = rowWindow(top, height, count);
  return `${first} ${end} ${height}`;
}

function drawnIndices({ first, end }: { first: number; end: number }, active: number | undefined): number[] {
  const drawn = Array.from({ length: end - first }, (_, offset) => first + offset);
  if (active === undefined || (active >= first && active < end)) return drawn;
  return active < first ? [active, ...drawn] : [...drawn, active];
}

function placeOf(target: EventTarget | null): Focus | null {
  if (!(target instanceof HTMLElement)) return null;
  const key = target.closest<HTMLElement>('[data-key]')?.dataset['key'];
  if (key === undefined) return null;
  const name = target.closest<HTMLElement>('[data-action]')?.dataset['action'];
  return { key, action: VARIANT_ACTIONS.find((action) => action === name) ?? null };
}

function elementOf(grid: HTMLElement | null, { key, action }: Focus): HTMLElement | null {
  const row = grid?.querySelector<HTMLElement>(`[data-key="${CSS.escape(key)}"]`) ?? null;
  return action === null ? row : (row?.querySelector<HTMLElement>(`[data-action="${action}"]`) ?? row);
}
