import * as l10n from '@vscode/l10n';
import { alignCurves } from './points.js';
import type { Curve, CurveGroup } from './groups.js';

/** The points as measured, for a spreadsheet: a line for each step, a column for each curve, parted by tabs. */
export function curvesTsv(groups: readonly CurveGroup[]): string {
  const titled = groups.flatMap(({ title, curves }) => curves.map((curve) => ({ title, curve })));
  const { steps, values } = alignCurves(
    titled.map(({ curve }): Curve => curve),
    { scale: 'linear', smoothing: 0 },
  );
  const head = [
    l10n.t('step'),
    ...titled.map(({ title, curve }) => (title === null ? curve.name : `${title} ${curve.name}`)),
  ];
  const lines = steps.map((step, index) => [step, ...values.map((row) => row[index] ?? '')]);
  return [head, ...lines].map((cells) => cells.join('\t')).join('\n') + '\n';
}
