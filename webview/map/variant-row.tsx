import * as l10n from '@vscode/l10n';
import { bytes, duration, NONE, orNone } from '../ui/format.js';
import { Icon } from '../ui/icon.js';
import { Bar } from './bar.js';
import { lossText, scoreText, variantLabel, type VariantMarks } from './facts.js';
import { GridRow } from './grid-row.js';
import { VARIANT_ACTIONS, type VariantAction } from './navigate.js';
import type { Row } from './rows.js';
import { HALF_NAMES } from './summary.js';
import type { RowPlace } from './drawn-rows.js';

/** Columns that narrow panels leave out have a class of their own; the details below the map have their figures. */
const COLUMNS = [
  { look: 'map-figure map-column-loss-before', title: l10n.t('loss before') },
  { look: 'map-figure map-column-loss', title: l10n.t('loss') },
  { look: 'map-figure map-column-score', title: l10n.t('score') },
  { look: 'map-figure map-column-memory', title: l10n.t('memory') },
  { look: 'map-figure map-column-prefill', title: l10n.t('prefill') },
  { look: 'map-figure map-column-decode', title: l10n.t('decode') },
  { look: 'map-figure map-column-rule', title: l10n.t('rule') },
] as const;

/** What the columns of the variants below are. */
export function VariantHeading({ row, place }: { row: Row & { kind: 'heading' }; place: RowPlace }) {
  return (
    <GridRow row={row} place={place} class="map-variant map-heading">
      <span role="columnheader">{HALF_NAMES[row.half]}</span>
      {COLUMNS.map(({ look, title }) => (
        <span key={look} role="columnheader" class={look}>
          {title}
        </span>
      ))}
    </GridRow>
  );
}

interface ActionLook {
  icon: string;
  name: (variant: string, half: string, layer: number) => string;
  set: keyof VariantMarks;
}

const ACTION_LOOKS: Readonly<Record<VariantAction, ActionLook>> = {
  pin: { icon: 'pin', name: (...of) => l10n.t('Pin {0} for the {1} of layer {2}', ...of), set: 'pinned' },
  ban: { icon: 'circle-slash', name: (...of) => l10n.t('Ban {0} for the {1} of layer {2}', ...of), set: 'banned' },
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
  return (
    <GridRow
      {...{ row, place, describedBy }}
      class={`map-variant ${chosen ? 'chosen' : ''} ${banned ? 'banned' : ''}`}
      {...(!place.brief && { label: variantLabel(row.half, variant, marks) })}
    >
      {place.brief ? (
        <span role="rowheader">{variant.name}</span>
      ) : (
        <VariantCells {...{ row, place, marks, outline, onAction }} />
      )}
    </GridRow>
  );
}

/** What is kept of a variant, its figures, and what can be done about it. */
function VariantCells({ row, place, marks, outline, onAction }: Omit<VariantRowProps, 'describedBy'>) {
  const { variant } = row;
  const figures = [
    orNone(variant.lossBefore, lossText),
    variant.failed ? l10n.t('failed') : orNone(variant.loss, lossText),
    orNone(variant.score, scoreText),
    orNone(variant.memory, bytes),
    orNone(variant.prefillSeconds, duration),
    orNone(variant.decodeSeconds, duration),
  ];
  return (
    <>
      <span role="rowheader" class="map-half">
        <span class="map-chosen">{marks.chosen && <Icon name="check" />}</span>
        <Bar half={variant} outline={outline} />
        <span class="map-name">{variant.name}</span>
      </span>
      {figures.map((figure, index) => (
        <span
          key={index}
          role="gridcell"
          class={figure === NONE ? `${COLUMNS[index]?.look ?? ''} muted` : COLUMNS[index]?.look}
        >
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
    </>
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
  const name = look.name(row.variant.name, HALF_NAMES[row.half], row.layer);
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
