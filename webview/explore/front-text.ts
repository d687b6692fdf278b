import * as l10n from '@vscode/l10n';
import type { FrontPoint } from '../../src/protocol/solution.js';
import { toBase } from '../constraints/limit-text.js';
import { metricWords } from '../constraints/metrics.js';
import { significant } from '../ui/format.js';
import type { FrontAxis } from './front-lines.js';

/** Where the panel stands on a front: null where there is no limit, or no optimum. */
export interface Present {
  /** The first limit. */
  limit: number | null;
  objective: number | null;
}

/** A front in a sentence or two, for those who do not see the chart. */
export function frontSummary(
  points: readonly FrontPoint[],
  axes: readonly FrontAxis[],
  objective: number | null,
  unit: string,
): string {
  const ends = endsText(points, axes, unit);
  const given = axes.flatMap(({ range, limit }) =>
    limit === null ? [] : [metricWords(range.metric).text(toBase(range.metric, limit, range))],
  );
  if (objective === null || given.length < axes.length || points.length === 0) return ends;
  const [first = '', second] = given;
  const present =
    second === undefined
      ? l10n.t('The present limit, {0}, has {1}.', first, significant(objective))
      : l10n.t('The present limits, {0} and {1}, have {2}.', first, second, significant(objective));
  return `${ends} ${present}`;
}

function endsText(points: readonly FrontPoint[], axes: readonly FrontAxis[], unit: string): string {
  const worst = points.toSorted((a, b) => b.objective - a.objective)[0];
  const [first, last] = [points[0], points.at(-1)];
  if (worst === undefined || first === undefined || last === undefined) {
    return l10n.t('No architecture meets the other limits.');
  }
  const names = axes.map(({ range }) => metricWords(range.metric).name);
  const texts = ({ limits }: FrontPoint): string[] =>
    axes.map(({ range }, axis) => metricWords(range.metric).text(limits[axis] ?? 0));
  if (axes.length === 1) {
    return l10n.t(
      '{0}: from {1} (objective {2}) to {3} (objective {4} {5}), where it limits nothing.',
      ...[...names, ...texts(first), significant(first.objective)],
      ...[...texts(last), significant(last.objective), unit],
    );
  }
  return l10n.t(
    '{0} and {1}: from {2} and {3} (objective {4}) to {5} and {6} (objective {7} {8}), where neither limits anything.',
    ...[...names, ...texts(worst), significant(worst.objective)],
    ...[...texts(last), significant(last.objective), unit],
  );
}
