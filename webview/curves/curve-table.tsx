import * as l10n from '@vscode/l10n';
import { DataTable } from '../ui/data-table.js';
import { count, NONE, significant } from '../ui/format.js';
import type { CurveGroup } from './groups.js';
import { sampleSteps, valueAt } from './points.js';

const COLUMNS = 8;

/** The chart in figures: the values of each curve, as measured, at a few of its steps. */
export function CurveTable({ groups }: { groups: readonly CurveGroup[] }) {
  const curves = groups.flatMap(({ title, curves: own }) => own.map((curve) => ({ title, curve })));
  const all = [...new Set(curves.flatMap(({ curve }) => curve.series.steps))].sort((one, other) => one - other);
  const steps = sampleSteps(all, COLUMNS);
  return (
    <DataTable
      caption={l10n.t('Loss at some of the steps, not smoothed')}
      showCaption
      columns={[
        { key: 'curve', title: l10n.t('curve') },
        ...steps.map((step) => ({ key: String(step), title: l10n.t('step {0}', count(step)), numeric: true })),
      ]}
      rows={curves.map(({ title, curve }) => ({
        key: curve.key,
        cells: [
          title === null ? curve.name : `${title} ${curve.name}`,
          ...steps.map((step) => {
            const value = valueAt(curve, step);
            return value === null || value === undefined ? NONE : significant(value);
          }),
        ],
      }))}
    />
  );
}
