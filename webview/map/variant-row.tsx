import { bytes, duration, NONE, orNone } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { Bar } from './bar.js';
import { lossText, scoreText, variantLabel, type VariantMarks } from './facts.js';
import { GridRow } from './grid-row.js';
import { VARIANT_ACTIONS, type VariantAction } from './navigate.js';
import type { Row } from './rows.js';
import { HALF_NAMES } from './summary.js';
import type { RowPlace } from './drawn-rows.js';

const HEADINGS = ['loss before', 'loss', 'score', 'memory', 'prefill', 'decode', 'rule'] as const;
/** Columns that narrow panels leave out have a class of their own; the details below the map have their figures. */
const COLUMN_CLASSES = HEADINGS.map((heading) => `map-figure map-column-${heading.replace(/\W+/g, '-')}`);

/** What the columns of the variants below are. */
export function VariantHeading({ row, place }: { row: Row & { kind: 'heading' }; place: RowPlace }) {
  return (
    <GridRow row={row} place={place} class="map-variant map-heading">
      <span role="columnheader">{HALF_NAMES[row.half]}</span>
      {HEADINGS.map((heading, column) => (
        <span key={heading} role="columnheader" class={COLUMN_CLASSES[column]}>
          {heading}
        </span>
      ))}
    </GridRow>
  );
}

interface ActionLook {
  icon: string;
  verb: string;
  set: keyof VariantMarks;
}

const ACTION_LOOKS: Readonly<Record<VariantAction, ActionLook>> = {
  pin: { icon: 'pin', verb: 'Pin', set: 'pinned' },
  ban: { icon: 'circle-slash', verb: 'Ban', set: 'banned' },
};

interface VariantRowProps {
  row: Row & { kind: 'variant' };
  place: RowPlace;
  marks: VariantMarks;
  outline: number;
  describedBy: string;
  /** Null where there is no spec to write it into. */
  onAction: ((action: VariantAction) => void) | null;
}

/** One alternative of a half, with everything known about it, and what the user decides about it. */
export function VariantRow({ row, place, marks, outline, describedBy, onAction }: VariantRowProps) {
  const { variant } = row;
  const { chosen, banned } = marks;
  const figures = [
    orNone(variant.lossBefore, lossText),
    variant.failed ? 'failed' : orNone(variant.loss, lossText),
    orNone(variant.score, scoreText),
    orNone(variant.memory, bytes),
    orNone(variant.prefillSeconds, duration),
    orNone(variant.decodeSeconds, duration),
  ];
  return (
    <GridRow
      {...{ row, place, describedBy }}
      class={`map-variant ${chosen ? 'chosen' : ''} ${banned ? 'banned' : ''}`}
      label={variantLabel(row.half, variant, marks)}
    >
      <span role="rowheader" class="map-half">
        <span class="map-chosen">{chosen && <Icon name="check" />}</span>
        <Bar half={variant} outline={outline} />
        <span class="map-name">{variant.name}</span>
      </span>
      {figures.map((figure, column) => (
        <span key={column} role="gridcell" class={`${COLUMN_CLASSES[column] ?? ''} ${figure === NONE ? 'muted' : ''}`}>
          {figure}
        </span>
      ))}
      <span role="gridcell" class="map-actions">
        {onAction !== null &&
          VARIANT_ACTIONS.map((action) => (
            <ActionButton
              key={action}
              look={ACTION_LOOKS[action]}
              {...{ action, row, marks, onAction }}
              tab={place.active === action}
            />
          ))}
      </span>
    </GridRow>
  );
}

interface ActionButtonProps {
  action: VariantAction;
  look: ActionLook;
  row: Row & { kind: 'variant' };
  marks: VariantMarks;
  tab: boolean;
  onAction: (action: VariantAction) => void;
}

function ActionButton({ action, look, row, marks, tab, onAction }: ActionButtonProps) {
  const name = `${look.verb} ${row.variant.name} for the ${HALF_NAMES[row.half]} of layer ${row.layer}`;
  const set = marks[look.set];
  return (
    <button
      type="button"
      class={`map-action codicon codicon-${set && action === 'pin' ? 'pinned' : look.icon}`}
      data-action={action}
      tabIndex={tab ? 0 : -1}
      aria-pressed={set}
      aria-label={name}
      title={name}
      onClick={() => {
        onAction(action);
      }}
    />
  );
}
