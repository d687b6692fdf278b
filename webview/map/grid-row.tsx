import type { ComponentChildren } from 'preact';
import type { Row } from './rows.js';
import type { RowPlace } from './drawn-rows.js';
import { ROW_HEIGHT } from './window.js';

interface GridRowProps {
  row: Row;
  place: RowPlace;
  class: string;
  label?: string;
  /** Id of what describes the row when it has the focus. */
  describedBy?: string;
  selected?: boolean;
  /** Only for rows that open. */
  expanded?: boolean;
  onClick?: () => void;
  onDblClick?: () => void;
  children: ComponentChildren;
}

/** A row of the tree, at its place in the canvas. Headings of open layers cannot be focused. */
export function GridRow(props: GridRowProps) {
  const { row, place, class: look, label, describedBy, selected, expanded, onClick, onDblClick, children } = props;
  return (
    <div
      role="row"
      class={`map-row ${look}`}
      data-key={row.key}
      tabIndex={row.kind === 'heading' ? undefined : place.active === 'row' ? 0 : -1}
      aria-rowindex={place.index + 2}
      aria-level={row.kind === 'layer' ? 1 : 2}
      aria-expanded={expanded}
      aria-label={label}
      aria-describedby={place.active === 'row' ? describedBy : undefined}
      aria-selected={selected}
      style={{ top: `${place.index * ROW_HEIGHT}px` }}
      onClick={onClick}
      onDblClick={onDblClick}
    >
      {children}
    </div>
  );
}
