import * as l10n from '@vscode/l10n';
import type { ReadonlySignal } from '@preact/signals';
import { chartOptions } from '../state/ui-state.js';
import { TextButton } from '../ui/text-button.js';
import { count, NONE, significant } from '../ui/format.js';
import type { Curve, CurveGroup } from './groups.js';
import { valueAt } from './points.js';
import { Swatch } from './swatch.js';

interface LegendProps {
  groups: readonly CurveGroup[];
  /** The step under the pointer. */
  step: ReadonlySignal<number | null>;
}

/** Every curve with its value at the pointer, or its last; a click takes it off the chart or puts it back. */
export function Legend({ groups, step }: LegendProps) {
  const keys = groups.flatMap(({ curves }) => curves.map(({ key }) => key));
  const { hidden } = chartOptions.value;
  const shown = keys.filter((key) => !hidden.includes(key)).length;
  const others = hidden.filter((key) => !keys.includes(key));
  return (
    <div class="curve-legend">
      <div class="curve-legend-head">
        <span class="muted small figures">
          {step.value === null ? l10n.t('last value') : l10n.t('at step {0}', count(step.value))}
        </span>
        <span class="curve-legend-buttons">
          <TextButton
            disabled={shown === keys.length}
            onClick={() => {
              setHidden(others);
            }}
          >
            {l10n.t('All')}
          </TextButton>
          <TextButton
            disabled={shown === 0}
            onClick={() => {
              setHidden([...others, ...keys]);
            }}
          >
            {l10n.t('None')}
          </TextButton>
        </span>
      </div>
      {groups.map(({ title, curves }) => (
        <div key={title} role="group" aria-label={title ?? l10n.t('Curves')}>
          {title !== null && <h3 class="curve-legend-title">{title}</h3>}
          <ul class="curve-legend-list">
            {curves.map((curve) => (
              <LegendItem key={curve.key} curve={curve} step={step.value} hidden={hidden.includes(curve.key)} />
            ))}
          </ul>
        </div>
      ))}
    </div>
  );
}

function setHidden(hidden: string[]): void {
  chartOptions.value = { ...chartOptions.peek(), hidden };
}

function LegendItem({ curve, step, hidden }: { curve: Curve; step: number | null; hidden: boolean }) {
  const value = step === null ? curve.series.values.at(-1) : valueAt(curve, step);
  const toggle = (): void => {
    const others = chartOptions.peek().hidden.filter((key) => key !== curve.key);
    setHidden(hidden ? others : [...others, curve.key]);
  };
  return (
    <li>
      <button type="button" class="curve-legend-item" aria-pressed={!hidden} onClick={toggle}>
        <Swatch style={curve.style} />
        <span class="curve-legend-name">{curve.name}</span>
        <span class="curve-legend-value">{value === null || value === undefined ? NONE : significant(value)}</span>
      </button>
    </li>
  );
}
