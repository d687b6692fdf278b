import * as l10n from '@vscode/l10n';
import type { FrontPoint } from '../../src/protocol/solution.js';
import { metricWords } from '../constraints/metrics.js';
import { significant } from '../ui/format.js';

/** Where the panel stands on a front: null where there is no limit, or no optimum. */
export interface Present {
  limit: number | null;
  objective: number | null;
}

/** A front in a sentence or two, for those who do not see the chart. */
export function frontSummary(points: readonly FrontPoint[], metric: string, present: Present, unit: string): string {
  const { name, text } = metricWords(metric);
  const [first, last] = [points[0], points.at(-1)];
  if (first === undefined || last === undefined) return l10n.t('No architecture meets the other limits.');
  const ends = l10n.t(
    '{0}: from {1} (objective {2}) to {3} (objective {4} {5}), where it limits nothing.',
    ...[name, text(first.limit), significant(first.objective), text(last.limit), significant(last.objective), unit],
  );
  if (present.limit === null || present.objective === null) return ends;
  return `${ends} ${l10n.t('The present limit, {0}, has {1}.', text(present.limit), significant(present.objective))}`;
}
